"""`GET /api/<kind>s`: the catalog in pages."""

from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from catalog.models import Facet, Item, ItemFacet
from tests.factories import make_item, make_items

pytestmark = pytest.mark.django_db


def ask(kinds: str = "movies", **query: str | int) -> Any:
    response = APIClient().get(f"/api/{kinds}", query)
    assert response.status_code == 200
    return response.json()


def titles(**query: str | int) -> list[str]:
    return [item["title"] for item in ask("movies", **query)["results"]]


def test_an_item_is_shown_whole() -> None:
    item = make_item(
        "Alpha",
        genres=["War", "Drama"],
        original_title="Älpha",
        year=1999,
        description="A film.",
        published_at="1999-05-31T22:00:00Z",
        url="https://films.example/alpha",
        image_url="https://images.example/alpha.jpg",
        attributes={"runtime": 121},
        is_synthetic=True,
    )
    director = Facet.objects.create(kind="director", name="C. Third")
    ItemFacet.objects.create(item=item, facet=director)
    assert ask() == {
        "count": 1,
        "page": 1,
        "results": [
            {
                "id": item.pk,
                "external_id": item.external_id,
                "kind": "movie",
                "title": "Alpha",
                "original_title": "Älpha",
                "year": 1999,
                "description": "A film.",
                "published_at": "1999-05-31T22:00:00Z",
                "url": "https://films.example/alpha",
                "image_url": "https://images.example/alpha.jpg",
                "is_synthetic": True,
                "genres": ["War", "Drama"],
                "facets": {"genre": ["War", "Drama"], "director": ["C. Third"]},
            }
        ],
    }


def test_an_empty_catalog_has_an_empty_page() -> None:
    assert ask() == {"count": 0, "page": 1, "results": []}


def test_each_kind_has_its_own_list_and_hidden_items_are_in_none() -> None:
    make_item("Film")
    make_item("Series", kind="drama")
    make_item("Firm", kind="startup")
    make_item("Hidden", is_active=False)
    make_item("Unregistered", kind="unicorn")
    for kinds, expected in [("movies", "Film"), ("dramas", "Series"), ("startups", "Firm")]:
        assert [item["title"] for item in ask(kinds)["results"]] == [expected]
        assert ask(kinds)["count"] == 1


def test_the_newest_come_first_and_those_without_a_year_last() -> None:
    for title, year in [("B", 1990), ("None", None), ("C", 2020), ("A", 1990)]:
        make_item(title, year=year)
    assert titles() == ["C", "A", "B", "None"]


def test_pages_hold_each_item_once() -> None:
    made = {item.pk for item in make_items(23, title="Same", year=2000)}
    pages = [ask(page=page, page_size=10) for page in (1, 2, 3, 4)]
    assert [len(page["results"]) for page in pages] == [10, 10, 3, 0]
    assert {page["count"] for page in pages} == {23}
    assert [page["page"] for page in pages] == [1, 2, 3, 4]
    seen = [item["id"] for page in pages for item in page["results"]]
    assert len(seen) == 23
    assert set(seen) == made
    assert len(ask(page_size=100)["results"]) == 23
    assert len(ask()["results"]) == 20
    assert ask(page=10_000)["results"] == []


def test_a_genre_is_named_exactly() -> None:
    make_item("Both", genres=["War", "Drama"])
    make_item("One", genres=["Drama"])
    make_item("Other", genres=["Warship"])
    actor = Facet.objects.create(kind="actor", name="War")
    ItemFacet.objects.create(item=make_item("Named War"), facet=actor)
    assert titles(genre="War") == ["Both"]
    assert titles(genre="Drama") == ["Both", "One"]
    assert titles(genre="war") == titles(genre="%") == titles(genre="Nothing") == []
    assert titles(genre="War", q="bo") == ["Both"]


class TestTitle:
    def test_part_of_either_title_is_enough_and_the_closest_comes_first(self) -> None:
        make_item("The Alpha")
        make_item("Alphabet")
        make_item("Alpha")
        make_item("Other", original_title="Das Alphatier")
        make_item("Beta")
        assert titles(q="alpha") == ["Alpha", "Alphabet", "Other", "The Alpha"]

    @pytest.mark.parametrize("sign", ["%", "_", "\\", "*", "?", "[a]", "'", '"', "--", ".", "(", "\\%"])
    def test_signs_mean_themselves(self, sign: str) -> None:
        make_item(f"It is {sign} indeed")
        make_item("It is x indeed")
        assert titles(q=sign) == [f"It is {sign} indeed"]
        assert titles(q=f"is {sign} in") == [f"It is {sign} indeed"]
        assert titles(q=f"i{sign}d") == []

    @pytest.mark.parametrize("query", ["  alpha  ", "ALPHA", "aLpHa"])
    def test_case_and_spaces_around_do_not_matter(self, query: str) -> None:
        make_item("Alpha")
        assert titles(q=query) == ["Alpha"]

    @pytest.mark.parametrize(
        ("title", "query"),
        [
            ("Ödipus", "ödipus"),
            ("ödipus", "ÖDIPUS"),
            ("ТЕНЬ", "тень"),
            ("Éclair", "éCLAIR"),
            ("ΩΜΕΓΑ", "ωμεγα"),
        ],
    )
    def test_case_of_other_letters_matters_on_sqlite_alone(self, title: str, query: str) -> None:
        """SQLite ignores the case of a to z only; docs/reference/api.md says so."""
        make_item(title)
        assert titles(q=title) == [title]
        assert titles(q=query) == ([] if connection.vendor == "sqlite" else [title])

    @pytest.mark.parametrize("query", ["", "   "])
    def test_an_empty_query_is_none(self, query: str) -> None:
        make_items(2)
        assert ask(q=query)["count"] == 2

    @pytest.mark.parametrize("title", ["霸王別姬", "🎬", "שלום", "e\u0301", "ﬁlm"])
    def test_every_script_is_found(self, title: str) -> None:
        make_item(title)
        assert titles(q=title) == [title]


@pytest.mark.parametrize("number", [1, 20])
@pytest.mark.parametrize("query", [{}, {"q": "Item"}, {"genre": "Drama"}])
def test_a_page_is_three_queries_however_many_items(
    django_assert_num_queries: DjangoAssertNumQueries, number: int, query: dict[str, str]
) -> None:
    make_items(number, genres=["Drama", "War"])
    with django_assert_num_queries(3):
        assert len(ask(**query)["results"]) == number


def test_nothing_is_written_by_looking() -> None:
    make_items(2)
    before = list(Item.objects.values())
    ask()
    assert list(Item.objects.values()) == before
