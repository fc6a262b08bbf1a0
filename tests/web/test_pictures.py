"""Pictures, links and attributes of items in the pages: shown where allowed, and never more than text."""

import os
import subprocess
import sys
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as configured
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from catalog.models import Item
from tests.web.conftest import MakeItem

ORIGIN = "https://images.example"
PICTURE = f"{ORIGIN}/heat.jpg"
MARKUP = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>"
ESCAPED = "&quot;&#x27;&gt;&lt;img src=x onerror=alert(1)&gt;&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.fixture(autouse=True)
def _allowed(settings: LazySettings) -> None:
    settings.IMAGE_ORIGINS = [ORIGIN]


def picture(address: str) -> str:
    return (
        f'<img class="poster" src="{address}" alt="" width="200" height="300" loading="lazy"'
        ' decoding="async" referrerpolicy="no-referrer">'
    )


@pytest.mark.parametrize("path", ["/", "/search/?q=heat", "/items/{id}/", "/watchlist/", "/welcome/"])
def test_a_picture_lies_over_the_poster_wherever_there_was_one(
    client: Client, person: User, make_item: MakeItem, path: str
) -> None:
    film = make_item("Heat", genre=["Crime"], image_url=PICTURE, year=1995)
    make_item("Ran", genre=["War"], year=1985)
    client.force_login(person)
    client.post(f"/items/{film.pk}/act/", {"action": "watchlist"})
    if path == "/":
        client.post(f"/items/{film.pk}/act/", {"undo": "watchlist"})
    page = client.get(path.format(id=film.pk)).content.decode()
    assert page.count("</svg>" + picture(PICTURE) + "</span>") == page.count('<span class="picture">') == 1
    assert page.count('<svg class="poster') >= 1


def test_visitors_see_pictures_on_the_first_page(client: Client, two_tastes: dict[str, list[Item]]) -> None:
    Item.objects.update(image_url=PICTURE)
    assertContains(client.get("/"), picture(PICTURE))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://elsewhere.example/heat.jpg",
        "http://images.example/heat.jpg",
        "https://images.example:444/heat.jpg",
        "https://images.example.evil.example/heat.jpg",
        "https://images.example@evil.example/heat.jpg",
        "https://evil.example\\@images.example/heat.jpg",
        "//images.example/heat.jpg",
        "/heat.jpg",
        "javascript:alert('https://images.example/')",
        "data:image/svg+xml,<svg onload=alert(1)>",
        " https://images.example/heat.jpg",
        "https://images.example/heat.jpg\n",
    ],
)
def test_what_comes_from_elsewhere_stays_a_poster(client: Client, make_item: MakeItem, address: str) -> None:
    """Whatever stands in the table, also what came by a way around the checks."""
    film = make_item("Heat", image_url=address)
    page = client.get(f"/items/{film.pk}/")
    assertContains(page, '<svg class="poster', count=1)
    assertNotContains(page, "<img")


def test_without_origins_all_are_posters(client: Client, make_item: MakeItem, settings: LazySettings) -> None:
    settings.IMAGE_ORIGINS = []
    assertNotContains(client.get(f"/items/{make_item('Heat', image_url=PICTURE).pk}/"), "<img")


def test_an_address_stays_within_its_attribute(client: Client, make_item: MakeItem) -> None:
    markup = MARKUP.replace(" ", "/")
    film = make_item("Heat", image_url=f"{ORIGIN}/{markup}", url=f"{ORIGIN}/{markup}")
    page = client.get(f"/items/{film.pk}/")
    escaped = ESCAPED.replace(" ", "/")
    assertContains(page, picture(f"{ORIGIN}/{escaped}"))
    assertContains(page, f'<a href="{ORIGIN}/{escaped}" rel=')
    assertNotContains(page, "<script>alert")


def test_attributes_are_shown_as_text_in_the_order_of_their_labels(
    client: Client, make_item: MakeItem
) -> None:
    film = make_item(
        "Heat",
        attributes={
            "runtime": 170,
            "release_date": "1995-12-15",
            "country": ["USA", "Ünland"],
            "in_color": True,
            "dubbed": False,
            "score": 7.5,
            MARKUP: MARKUP,
        },
    )
    page = client.get(f"/items/{film.pk}/")
    rows = [
        (ESCAPED, ESCAPED),
        ("Country", "USA</li><li>Ünland"),
        ("Dubbed", "No"),
        ("In color", "Yes"),
        ("Release date", "1995-12-15"),
        ("Runtime", "170"),
        ("Score", "7.5"),
    ]
    shown = [
        f'<div><dt>{label}</dt><dd><ul role="list"><li>{value}</li></ul></dd></div>' for label, value in rows
    ]
    places = [page.content.decode().find(row) for row in shown]
    assert -1 not in places
    assert places == sorted(places)
    assertNotContains(page, "<script>alert")


def test_the_link_says_where_it_leads(client: Client, make_item: MakeItem) -> None:
    film = make_item("Heat", url="https://www.films.example/heat?a=1&b=2")
    link = '<a href="https://www.films.example/heat?a=1&amp;b=2" rel="noopener nofollow">'
    assertContains(client.get(f"/items/{film.pk}/"), link + "More at films.example</a>")


@pytest.mark.parametrize(
    "address",
    ["", "javascript:alert(1)", "JavaScript://films.example/%0aalert(1)", "//films.example", "data:,x"],
)
def test_what_is_no_address_is_no_link(client: Client, make_item: MakeItem, address: str) -> None:
    page = client.get(f"/items/{make_item('Heat', url=address).pk}/")
    assertNotContains(page, "More at")
    assertNotContains(page, "alert(1)")


def test_the_original_title_stands_where_it_differs(client: Client, make_item: MakeItem) -> None:
    film = make_item("Parasite", original_title="기생충")
    assertContains(client.get(f"/items/{film.pk}/"), '<p class="item-original">기생충</p>')
    film = make_item("Heat", original_title="Heat")
    assertNotContains(client.get(f"/items/{film.pk}/"), "item-original")


def policy_with(origins: str) -> Any:
    """Starts a process with these IMAGE_ORIGINS, which says from where the pages may load pictures."""
    says = (
        "from django.conf import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['img-src'])"
    )
    return subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", says],
        cwd=configured.BASE_DIR,
        env={**os.environ, "DEBUG": "1", "IMAGE_ORIGINS": origins},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.slow
def test_the_policy_of_the_pages_allows_the_origins_and_no_others() -> None:
    done = policy_with("https://Images.example/,http://127.0.0.1:9000")
    assert done.stdout.strip() == (
        "[\"'self'\", 'data:', 'https://images.example', 'http://127.0.0.1:9000']"
    ), done.stderr


@pytest.mark.parametrize("origin", ["*", "https://a.example; script-src *", "https://a.example/posters"])
def test_a_start_with_what_is_no_origin_is_refused_with_a_sentence(origin: str) -> None:
    done = policy_with(f"https://images.example,{origin}")
    assert done.returncode == 1
    assert f"IMAGE_ORIGINS: {origin!r} is not an origin. Write scheme" in done.stderr
