"""`/search/`: by title, by facet, and whatever else people type."""

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from tests.web.conftest import MakeItem


def test_titles_that_hold_the_words_are_found_and_counted(client: Client, make_item: MakeItem) -> None:
    for title in ("Heat", "The Heat", "Ran"):
        make_item(title)
    response = client.get("/search/", {"q": "heat"})
    assertContains(response, "2 titles for “heat”")
    assert [card.title for card, _ in response.context["found"]] == ["Heat", "The Heat"]
    assertContains(client.get("/search/", {"q": "ran"}), "1 title for “ran”")


def test_nothing_asked_and_nothing_found_are_told_apart(client: Client, make_item: MakeItem) -> None:
    make_item("Heat")
    assertContains(client.get("/search/"), "What are you looking for?")
    response = client.get("/search/", {"q": "zzz"})
    assertContains(response, "No title matches")
    assertContains(response, "0 titles for “zzz”")


def test_a_facet_leads_to_its_items_and_combines_with_words(client: Client, make_item: MakeItem) -> None:
    make_item("Heat", actor=["Al Pacino"], genre=["Crime"])
    make_item("Serpico", actor=["Al Pacino"])
    make_item("Ran")
    response = client.get("/search/", {"actor": "Al Pacino"})
    assertContains(response, "2 titles")
    assertContains(response, "Only titles with <strong>Al Pacino</strong>")
    assertContains(client.get("/search/", {"actor": "Al Pacino", "q": "heat"}), "1 title ")
    assertContains(client.get("/search/", {"genre": "Al Pacino"}), "No title matches")


def test_many_results_come_in_pages(
    client: Client, make_item: MakeItem, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        make_item(f"Film {number}", genre=["Drama"])
    with django_assert_max_num_queries(4):
        first = client.get("/search/", {"q": "film"})
    assertContains(first, 'href="?q=film&amp;page=2"')
    assertContains(first, 'class="card"', count=24)
    assertContains(client.get("/search/", {"q": "film", "page": "2"}), 'class="card"', count=6)
    assertContains(client.get("/search/", {"q": "film", "page": "999"}), "Page 2 of 2")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"q": "x" * 201}, "at most 200 characters"),
        ({"q": "a\x00b"}, "Null characters are not allowed"),
        ({"q": "x", "page": "-1"}, "This search cannot be made"),
        ({"q": "x", "page": "many"}, "This search cannot be made"),
        ({"actor": "x" * 201}, "This search cannot be made"),
    ],
)
def test_what_cannot_be_searched_is_said(client: Client, db: None, query: dict[str, str], says: str) -> None:
    response = client.get("/search/", query)
    assertContains(response, says)
    assertNotContains(response, "No title matches")


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=220), page=st.text(max_size=5), genre=st.text(max_size=20))
def test_any_input_gets_an_answer(client: Client, query: str, page: str, genre: str) -> None:
    data = {
        name: value.encode("utf-8", "surrogatepass")
        for name, value in (("q", query), ("page", page), ("genre", genre))
    }
    assert client.get("/search/", data).status_code == 200
