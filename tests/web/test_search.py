"""`/search/`: what a text finds and how it was understood, by facet, and whatever else people type."""

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from catalog.models import Item
from interactions.models import UserInteraction
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from search.query_analysis import YearSpan
from tests.web.conftest import MakeItem
from web.searching import years_in_words

Films = dict[str, list[Item]]
# login session, person, taste, cards, the session's row in a transaction, states
SEARCH_QUERIES = 8


def titles(response: object) -> list[str]:
    sections = response.context["sections"]  # type: ignore[attr-defined]
    return [entry.item.title for section in sections for entry, *_ in section.entries]


def test_titles_are_found_in_every_kind_the_best_first(client: Client, make_item: MakeItem) -> None:
    for title in ("Heat", "The Heat", "Ran"):
        make_item(title)
    make_item("Heat of the Moment", kind="drama")
    response = client.get("/search/", {"q": "heat"})
    assertContains(response, "3 titles for “heat”")
    assert titles(response) == ["Heat", "The Heat", "Heat of the Moment"]
    assertContains(response, ">Films</h2>")
    assertContains(response, ">Dramas</h2>")
    assert titles(client.get("/search/", {"q": "heat", "kind": "dramas"})) == ["Heat of the Moment"]
    assertContains(client.get("/search/", {"q": "ran"}), "1 title for “ran”")
    assert client.get("/search/", {"q": "ran", "kind": "fish"}).status_code == 404


def test_nothing_asked_and_nothing_found_are_told_apart(
    client: Client, person: User, two_tastes: Films
) -> None:
    assertContains(client.get("/search/"), "What are you looking for?")
    assertContains(client.get("/search/", {"q": "  "}), "What are you looking for?")
    response = client.get("/search/", {"q": "zzzqqq"})
    assertContains(response, "Nothing matches")
    assertContains(response, "0 titles for “zzzqqq”")
    # Somebody whose taste is known is offered what they like.
    record_interaction(user_id=person.pk, item_id=two_tastes["Romance"][0].pk, type_name="like")
    client.force_login(person)
    response = client.get("/search/", {"q": "zzzqqq"})
    assertContains(response, 'href="/search/?genre=Romance"')
    assertNotContains(response, "Personalized")


def test_what_was_understood_stands_in_chips(client: Client, make_item: MakeItem) -> None:
    make_item("Doctors", genre=["Medical"], year=2015)
    make_item("Old Doctors", genre=["Medical"], year=1990)
    response = client.get("/search/", {"q": "medical heart after 2010"})
    [section] = response.context["sections"]
    assert [(chip.label, chip.name, chip.facet) for chip in section.chips] == [
        ("Genre", "Medical", "genre"),
        ("", "after 2010", ""),
        ("Words", "heart", ""),
    ]
    assertContains(response, 'href="/search/?genre=Medical"')
    assert titles(response)[0] == "Doctors"
    assert client.get("/search/", {"q": "doctors"}).context["sections"][0].chips == []


@pytest.mark.parametrize(
    ("years", "words"),
    [
        (YearSpan(2011, None), "after 2010"),
        (YearSpan(None, 1979), "before 1980"),
        (YearSpan(1990, 1999), "1990–1999"),
        (YearSpan(1994, 1994), "1994"),
    ],
)
def test_years_in_words(years: YearSpan, words: str) -> None:
    assert years_in_words(years) == words


def test_taste_boosts_and_says_so_and_the_list_is_recorded(
    client: Client, person: User, two_tastes: Films, make_item: MakeItem
) -> None:
    make_item("Night in space", genre=["Science Fiction"])
    romance = make_item("Night in Paris", genre=["Romance"])
    assertNotContains(client.get("/search/", {"q": "night"}), " match: ")
    assert not RecommendationSession.objects.exists()
    for film in two_tastes["Romance"][:4]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
    client.force_login(person)
    response = client.get("/search/", {"q": "night"})
    assert titles(response)[0] == romance.title
    percent = response.context["sections"][0].entries[0][0].boost.percent
    assert percent > 0
    assertContains(response, " match: genre</span>", count=1)
    assertContains(response, "Personalized")
    assertContains(response, "for somebody new it is 70 %")

    session = RecommendationSession.objects.get()
    assertContains(response, f'data-session="{session.pk}"')
    form = {"action": "like", "session": session.pk}
    client.post(f"/items/{romance.pk}/act/", form)
    assert UserInteraction.objects.get(item=romance).recommendation_rank == 1
    assertContains(client.get("/search/", {"q": "night"}), 'aria-pressed="true"')


def test_what_is_asked_while_typing_is_no_list(client: Client, person: User, two_tastes: Films) -> None:
    client.force_login(person)
    response = client.get("/search/", {"q": "letter"}, headers={"X-Typing": "1"})
    assertContains(response, 'class="card"', count=15)
    assertNotContains(response, "data-seen")
    assert "X-Typing" in response.headers["Vary"]
    assert not RecommendationSession.objects.exists()


def test_a_facet_leads_to_its_items_newest_first_in_pages(
    client: Client, make_item: MakeItem, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    make_item("Heat", actor=["Al Pacino"], genre=["Crime"], year=1995)
    make_item("Serpico", actor=["Al Pacino"], year=1973)
    make_item("Ran")
    response = client.get("/search/", {"actor": "Al Pacino"})
    assertContains(response, "2 titles with Al Pacino")
    assert [card.title for card, _ in response.context["found"]] == ["Heat", "Serpico"]
    assertContains(client.get("/search/", {"genre": "Al Pacino"}), "0 titles with Al Pacino")
    for number in range(30):
        make_item(f"Film {number}", genre=["Drama"])
    with django_assert_max_num_queries(4):
        first = client.get("/search/", {"genre": "Drama"})
    assertContains(first, 'href="?genre=Drama&amp;page=2"')
    assertContains(first, 'class="card"', count=24)
    assertContains(client.get("/search/", {"genre": "Drama", "page": "2"}), 'class="card"', count=6)
    assertContains(client.get("/search/", {"genre": "Drama", "page": "999"}), "Page 2 of 2")


def test_the_number_of_queries_does_not_grow_with_what_is_found(
    client: Client,
    person: User,
    two_tastes: Films,
    make_item: MakeItem,
    settings: Settings,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    # As in production, where a thread looks for models and experiments.
    settings.MODEL_CHECK_SECONDS = 3600.0
    for number in range(3):
        make_item(f"Letter from {number}", kind="drama", genre=["Romance", "War"], actor=["A", "B"])
    record_interaction(user_id=person.pk, item_id=two_tastes["Romance"][0].pk, type_name="like")
    client.force_login(person)
    client.get("/taste/")  # the profile is brought up to date
    client.get("/search/", {"q": "letter"})  # the texts are read once per process
    with django_assert_max_num_queries(SEARCH_QUERIES):
        response = client.get("/search/", {"q": "letter"})
    assert len(titles(response)) == 9
    assertContains(response, "The best 9 titles")
    assertContains(response, 'href="/search/?q=letter&amp;kind=movies"')
    with django_assert_max_num_queries(SEARCH_QUERIES):
        assert len(titles(client.get("/search/", {"q": "letter", "kind": "movies"}))) == 15


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
    assertNotContains(response, "Nothing matches")


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(max_size=220), page=st.text(max_size=5), genre=st.text(max_size=20))
def test_any_input_gets_an_answer(client: Client, query: str, page: str, genre: str) -> None:
    data = {
        name: value.encode("utf-8", "surrogatepass")
        for name, value in (("q", query), ("page", page), ("genre", genre))
    }
    assert client.get("/search/", data).status_code == 200


def test_the_section_with_the_title_stands_before_what_taste_lifts(
    client: Client, person: User, make_item: MakeItem
) -> None:
    for number in range(8):
        seen = make_item(f"Ward {number}", genre=["Medical"])
        record_interaction(user_id=person.pk, item_id=seen.pk, type_name="watched", rating=10)
    make_item("Medical", kind="drama")
    client.force_login(person)
    response = client.get("/search/", {"q": "medical"})
    assert titles(response)[0] == "Medical"
    assert max(section.found.items[0].score for section in response.context["sections"]) > 1.0


def test_a_query_that_names_a_kind_shows_no_other_of_which_only_the_years_fit(
    client: Client, make_item: MakeItem
) -> None:
    make_item("Old Boy", year=2003, genre=["Crime"])
    make_item("Old Office", kind="startup", year=2004)
    make_item("Old House", kind="drama", year=2004, genre=["Crime"])
    page = client.get("/search/", {"q": "films from the 2000s"})
    assert [section.kind.name for section in page.context["sections"]] == ["movie"]
    assert page.context["count"] == 1
    page = client.get("/search/", {"q": "crime films from the 2000s"})
    assert {"movie", "drama"} <= {section.kind.name for section in page.context["sections"]}
    page = client.get("/search/", {"q": "2000s"})
    assert len(page.context["sections"]) == 3
