"""The form of an item in the admin: new fields are shown, and checked as an import checks them."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertContains

from catalog.models import Item
from tests.factories import make_item, make_user

FILLED = {
    "url": "https://films.example/alpha",
    "image_url": "https://images.example/alpha.jpg",
    "attributes": '{"runtime": 121, "country": ["France", "Italy"]}',
}


@pytest.fixture
def admin(db: None) -> Client:
    client = Client()
    client.force_login(make_user("root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def item(db: None) -> Item:
    return make_item("Alpha", attributes={"rated": "Ü", "score": 7.5})


def save(admin: Client, item: Item, **values: str) -> Any:
    no_facets = {f"item_facets-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    basics = {"kind": "movie", "external_id": item.external_id, "title": item.title, "is_active": "on"}
    return admin.post(f"/admin/catalog/item/{item.pk}/change/", basics | no_facets | values)


def test_the_form_shows_the_fields_and_stores_them(admin: Client, item: Item) -> None:
    page = admin.get(f"/admin/catalog/item/{item.pk}/change/")
    assertContains(page, "&quot;rated&quot;: &quot;Ü&quot;,\n  &quot;score&quot;: 7.5")
    assert save(admin, item, **FILLED).status_code == 302
    item.refresh_from_db()
    assert (item.url, item.image_url) == (FILLED["url"], FILLED["image_url"])
    assert item.attributes == {"runtime": 121, "country": ["France", "Italy"]}
    for nothing in ("", "  ", "{}", '{"none": null}'):
        assert save(admin, item, attributes=nothing).status_code == 302
        item.refresh_from_db()
        assert (item.url, item.image_url, item.attributes) == ("", "", {})
    assert save(admin, item).status_code == 302


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("url", "javascript:alert(1)", "This must be a web address that begins with http:// or https://"),
        ("image_url", "https://a;b/", "This must name a host of letters, digits, dots and hyphens."),
        ("image_url", "https://a.example/" + "x" * 2000, "at most 2000 characters"),
        ("url", "https://a.example/\x00", "Null characters are not allowed."),
        ("attributes", "{", "This must be a JSON object (Expecting property name"),
        ("attributes", "[" * 100_000, "This must be a JSON object (maximum recursion depth exceeded"),
        ("attributes", "9" * 5000, "This must be a JSON object (Exceeds the limit"),
        ("attributes", '["a"]', "This must be a JSON object, such as"),
        ("attributes", '{"a": {}}', "which must be a text, a number, true, false or a list"),
        ("attributes", '{"a": NaN}', "which must be a number from"),
        ("attributes", '{"a": "\\u0000"}', "in which a character cannot be stored."),
        ("attributes", '{"a": "\\ud800"}', "in which a character cannot be stored."),
        ("attributes", '{"<b>": {}}', "This holds &#x27;&lt;b&gt;&#x27;, which must be"),
    ],
)
def test_a_bad_value_is_refused_beside_its_field(
    admin: Client, item: Item, name: str, value: str, sentence: str
) -> None:
    response = save(admin, item, **{**FILLED, name: value})
    assertContains(response, sentence)
    item.refresh_from_db()
    assert (item.url, item.image_url, item.attributes) == ("", "", {"rated": "Ü", "score": 7.5})
