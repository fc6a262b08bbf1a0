"""Search for a person: what taste boosts, what stays first, what is on record, and what it costs."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from interactions.services import record_interaction
from profiles.services import reset_profile
from recommendations.models import RecommendationSession
from search.pipeline import FoundList, search_items, search_kinds
from serving.live import get_context
from tests.answers import assert_refused
from tests.factories import give_facets, make_interaction, make_item, make_user, new_item

DRAMAS = USE_CASES["drama_home"]
ADDRESS = "/api/recommend"

pytestmark = pytest.mark.django_db


def make_drama(title: str, *genres: str, themes: tuple[str, ...] = (), **fields: Any) -> Item:
    item = make_item(title, kind="drama", **fields)
    give_facets([(item, {"genre": genres, "theme": themes})])
    return item


@pytest.fixture
def dramas(db: None) -> list[Item]:
    """Forty dramas: a quarter of them each medical, thriller, romance and history; and one of that name."""
    sorts = ("Medical", "Thriller", "Romance", "History")
    wanted = [(f"{sort} story {n}", sort) for n in range(10) for sort in sorts]
    made = Item.objects.bulk_create([new_item(title, kind="drama") for title, _ in wanted])
    give_facets(
        [
            (item, {"genre": ["Drama", sort], "theme": [f"{sort.lower()} life"]})
            for item, (_, sort) in zip(made, wanted, strict=True)
        ]
    )
    return [*made, make_drama("Signal", "Thriller", year=2016)]


def fan_of(sort: str, dramas: list[Item]) -> User:
    """Somebody new with three likes."""
    person = make_user()
    for item in [item for item in dramas if item.title.startswith(sort)][:3]:
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
    return person


def find(person: User | None, query: str, limit: int = 10) -> FoundList:
    user_id = None if person is None else person.pk
    return search_items(user_id=user_id, use_case=DRAMAS, query=query, limit=limit)


def titles(found: FoundList) -> list[str]:
    return [one.item.title for one in found.items]


def test_two_new_people_find_other_dramas_first(dramas: list[Item]) -> None:
    medical, thriller = (titles(find(fan_of(sort, dramas), "drama")) for sort in ("Medical", "Thriller"))
    assert len(medical) == len(thriller) == 10
    assert all(title.startswith("Medical") for title in medical)
    assert all(title.startswith("Thriller") for title in thriller)


def test_what_taste_adds_is_told(dramas: list[Item]) -> None:
    found = find(fan_of("Medical", dramas), "drama")
    first = found.items[0]
    assert first.boost.percent > 0
    assert first.score == pytest.approx(first.relevance * first.boost.taste)
    assert first.why == "Because you like medical dramas and medical life."
    assert found.personalization.applied
    assert found.personalization.personas[0] == "Medical Fan"
    assert found.analysis.categories == ("Drama",)


def test_a_stranger_finds_by_the_text_alone(person: User, dramas: list[Item]) -> None:
    found = find(person, "medical drama")
    assert not found.personalization.applied
    assert all(one.score == one.relevance for one in found.items)
    assert found.items[0].why == "It has what you searched for: Medical and Drama."
    assert titles(found) == titles(find(None, "medical drama"))


@pytest.mark.parametrize("query", ["Signal", "signal", "Signal 2016"])
def test_an_exact_title_stays_first_whatever_the_taste(dramas: list[Item], query: str) -> None:
    for n in range(5):
        make_drama(f"Signal of the {n}th ward", "Drama", "Medical", themes=("medical life",))
    first = find(fan_of("Medical", dramas), query).items[0]
    assert first.item.title == "Signal"
    assert first.why == "Its title is what you searched for."


def test_scores_fall_and_none_is_cut(dramas: list[Item]) -> None:
    found = find(fan_of("Medical", dramas), "medical drama", limit=40)
    scores = [one.score for one in found.items]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 1.0
    assert scores[-1] > 0.0
    assert [one.rank for one in found.items] == list(range(1, len(scores) + 1))


def test_what_the_person_knows_is_found_too(dramas: list[Item]) -> None:
    fan = fan_of("Medical", dramas)
    make_interaction(fan, dramas[-1], "dislike")
    assert titles(find(fan, "Signal"))[0] == "Signal"


def test_what_is_hidden_is_not_found_and_others_fill_the_list(person: User, dramas: list[Item]) -> None:
    before = titles(find(person, "drama", limit=5))
    Item.objects.filter(title=before[0]).update(is_active=False)
    after = titles(find(person, "drama", limit=5))
    assert before[0] not in after
    assert len(after) == 5


def test_an_item_newer_than_the_snapshot_is_found_unlifted(dramas: list[Item]) -> None:
    fan = fan_of("Medical", dramas)
    get_context("drama_home")
    make_drama("Brand new", "Medical")
    found = find(fan, "brand new")
    assert titles(found)[0] == "Brand new"
    assert found.items[0].boost.percent == 0


def test_without_strength_nothing_is_lifted(dramas: list[Item], settings: Settings) -> None:
    settings.BOOST_STRENGTH = 0.0
    fan = fan_of("Medical", dramas)
    assert titles(find(fan, "drama")) == titles(find(None, "drama"))


def test_after_a_reset_a_fan_is_a_stranger(dramas: list[Item]) -> None:
    fan = fan_of("Medical", dramas)
    reset_profile(user_id=fan.pk)
    assert titles(find(fan, "drama")) == titles(find(None, "drama"))


class TestOnRecord:
    def test_the_list_is_a_session_that_actions_can_name(self, dramas: list[Item]) -> None:
        fan = fan_of("Medical", dramas)
        found = find(fan, "drama", limit=3)
        row = RecommendationSession.objects.get()
        assert (row.pk, row.user_id, row.use_case, row.method) == (
            found.session_id,
            fan.pk,
            "drama_home",
            "search",
        )
        assert [slot["item_id"] for slot in row.recommendations_shown] == [one.item.id for one in found.items]
        assert {slot["source"] for slot in row.recommendations_shown} == {"search"}
        # Nothing for the ranker's dataset: the order of a search says nothing of how lists are ranked.
        assert row.features is not None
        assert bytes(row.features) == b""
        done = record_interaction(
            user_id=fan.pk, item_id=found.items[1].item.id, type_name="favorite", session_id=found.session_id
        ).interaction
        assert (done.recommendation_rank, done.recommendation_method) == (2, "search")

    @pytest.mark.parametrize("query", ["", "qqqqzzzz"])
    def test_where_nothing_is_found_nothing_is(self, person: User, dramas: list[Item], query: str) -> None:
        found = find(person, query)
        assert (found.items, found.session_id) == ((), None)
        assert not RecommendationSession.objects.exists()

    def test_nor_where_nobody_asks_or_it_is_a_suggestion(self, person: User, dramas: list[Item]) -> None:
        assert find(None, "drama").session_id is None
        typed = search_items(user_id=person.pk, use_case=DRAMAS, query="drama", is_recorded=False)
        assert (len(typed.items), typed.session_id) == (20, None)
        assert not RecommendationSession.objects.exists()


def test_several_kinds_cost_no_more_queries_than_one(
    dramas: list[Item], django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    make_item("Drama of the year", genres=["Drama"])
    use_cases = [USE_CASES[name] for name in ("movie_home", "drama_home", "developer_startup")]
    fan = fan_of("Medical", dramas)
    search_kinds(user_id=fan.pk, use_cases=use_cases, query="drama")
    with django_assert_num_queries(4):
        films, found, startups = search_kinds(user_id=fan.pk, use_cases=use_cases, query="drama", limit=5)
    assert titles(films) == ["Drama of the year"]
    assert titles(found)[0].startswith("Medical")
    assert len(found.items) == 5
    assert startups.items == ()
    assert films.session_id != found.session_id


class TestApi:
    def test_it_answers_as_described(self, api: APIClient, person: User, dramas: list[Item]) -> None:
        for item in [item for item in dramas if item.title.startswith("Medical")][:3]:
            record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
        answer = api.get(ADDRESS, {"title": "medical drama after 2010", "top_n": "5", "kind": "drama"}).json()
        assert answer["query"] == "medical drama after 2010"
        assert answer["use_case"] == "drama_home"
        assert answer["analysis"] == {
            "genres": ["Medical", "Drama"],
            "themes": [],
            "people": [],
            "publishers": [],
            "franchises": [],
            "positions": [],
            "years": {"first": 2011, "last": None},
            "text": "",
            "is_title": False,
            "without": [],
            "like": "",
            "children": False,
            "country": "",
        }
        assert answer["personalization"]["persona_name"] == "Medical Fan"
        assert len(answer["recommendations"]) == 5
        first = answer["recommendations"][0]
        assert (first["base_score"], first["personalized_score"]) == (first["relevance"], first["score"])
        assert first["boost_percent"] == round(100 * (first["boost_multiplier"] - 1))
        assert set(first["boost_details"]) == {"genre", "actor", "director", "theme", "dislikes", "seen"}
        assert str(RecommendationSession.objects.get().pk) == answer["recommendation_session_id"]

    def test_films_are_searched_where_nothing_else_is_said(self, api: APIClient, dramas: list[Item]) -> None:
        film = make_item("Signal of the sea")
        answer = api.get(ADDRESS, {"title": "signal"}).json()
        assert [one["item"]["id"] for one in answer["recommendations"]] == [film.pk]
        assert api.get(ADDRESS, {"title": "signal", "use_case": "drama_home"}).json()["recommendations"]

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"title": ""},
            {"title": "  "},
            {"title": "x" * 201},
            {"title": "a\x00b"},
            {"title": "x", "top_n": "0"},
            {"title": "x", "top_n": "101"},
            {"title": "x", "top_n": "many"},
            {"title": "x", "kind": "unicorn"},
            {"title": "x", "use_case": "nowhere"},
            {"title": "x", "kind": "movie", "use_case": "drama_home"},
        ],
    )
    def test_what_makes_no_sense_is_refused(self, api: APIClient, parameters: dict[str, str]) -> None:
        assert_refused(api.get(ADDRESS, parameters), 400)

    def test_nobody_is_refused(self, db: None) -> None:
        assert_refused(APIClient().get(ADDRESS, {"title": "x"}), 401)

    def test_six_queries_at_most(
        self, api: APIClient, person: User, dramas: list[Item], settings: Settings
    ) -> None:
        settings.MODEL_CHECK_SECONDS = 3600.0
        for item in dramas[:35]:
            make_interaction(person, item)
        parameters = {"title": "drama", "kind": "drama", "top_n": "100"}
        api.get(ADDRESS, parameters)
        with CaptureQueriesContext(connection) as queries:
            answer = api.get(ADDRESS, parameters)
        assert len(answer.json()["recommendations"]) == 40
        assert len(queries) <= 6, [query["sql"] for query in queries]


@given(query=st.text(max_size=60))
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_query(person: User, query: str) -> None:
    if not Item.objects.filter(kind="drama").exists():
        make_drama("Signal", "Thriller", year=2016)
    found = find(person, query)
    assert len(found.items) <= 10
