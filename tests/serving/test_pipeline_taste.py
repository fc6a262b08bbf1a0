"""Taste in the lists: what it boosts and by how much, what is said of it, and what it costs in queries."""

from dataclasses import replace

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from catalog.selectors import get_cards
from core.domain import MOST_SCORE, USE_CASES
from feedback.services import save_dislike
from interactions.models import ItemPopularity
from interactions.services import record_interaction, withdraw_state
from profiles.catching_up import catch_up
from profiles.services import reset_profile
from ranking.boosting import personalize
from ranking.candidates import Candidates
from ranking.scoring import rank, retrieve
from serving.explaining import liked_sentence
from serving.live import get_context
from serving.opening import open_request
from serving.pipeline import ServedList, ServedSlot, recommend
from tests.factories import active_ranker, make_active_als, make_interaction, make_item, make_items, make_user
from tests.feedback.builders import make_film

MOVIES = USE_CASES["movie_home"]
ADDRESS = "/api/recommendations/personalized/movies"
NOTHING = {"genre": 0.0, "actor": 0.0, "director": 0.0, "theme": 0.0, "dislikes": 1.0, "seen": 1.0}

pytestmark = pytest.mark.django_db


def serve(person: User, limit: int = 20) -> ServedList:
    return recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=limit)


def slot_of(served: ServedList, item: Item) -> ServedSlot:
    return next(slot for slot in served.slots if slot.item.id == item.pk)


def popular(item: Item, score: float) -> Item:
    """The item with that score in charts that many made."""
    ItemPopularity.objects.create(
        item=item, use_case="movie_home", score=score, approvals=10**6, refreshed_at=timezone.now()
    )
    return item


@pytest.fixture
def films(db: None) -> dict[str, Item]:
    """Films in demand: the first by far is a comedy, the last a medical drama with a favorite actor."""
    return {
        "comedy": popular(make_film("Banana", genre=["Comedy"]), 0.5),
        "western": popular(make_film("Dust", genre=["Western"]), 0.45),
        "medical": popular(
            make_film(
                "Ward Six",
                genre=["Medical"],
                actor=["Ann Lee"],
                director=["Bo Ray"],
                theme=["hospital life"],
                publisher=["North"],
            ),
            0.4,
        ),
    }


def like_medical(person: User, times: int = 8) -> None:
    """Looks, which are no statements: they boost and bring nothing."""
    for number in range(times):
        film = make_film(
            f"Clinic {number}",
            genre=["Medical"],
            actor=["Ann Lee"],
            director=["Bo Ray"],
            theme=["hospital life"],
        )
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="view")


class TestBoosts:
    @pytest.fixture(autouse=True)
    def _popular_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The one source whose scores are known numbers."""
        monkeypatch.setitem(USE_CASES, "movie_home", replace(MOVIES, sources=("popular",)))

    def test_the_order_follows_the_taste(
        self, person: User, films: dict[str, Item], settings: Settings
    ) -> None:
        settings.BOOST_STRENGTH = 1.0
        assert [slot.item.title for slot in serve(person).slots] == ["Banana", "Dust", "Ward Six"]
        like_medical(person)
        assert serve(person).slots[0].item.title == "Ward Six"

    def test_each_part_is_in_the_answer_and_they_make_the_multiplier(
        self, api: APIClient, person: User, films: dict[str, Item]
    ) -> None:
        like_medical(person)
        save_dislike(user_id=person.pk, item=make_film(genre=["Western"]), reason="wrong_genre")
        slots = {slot["item"]["title"]: slot for slot in api.get(ADDRESS).json()["recommendations"]}
        details = slots["Ward Six"]["boost_details"]
        for name, cap in {"genre": 0.5, "actor": 0.3, "director": 0.2, "theme": 0.4}.items():
            assert 0.0 < details[name] < cap
        assert details["dislikes"] == 1.0
        multiplier = 1.0 + sum(details[name] for name in ("genre", "actor", "director", "theme"))
        assert slots["Ward Six"]["boost_multiplier"] == pytest.approx(multiplier)
        assert slots["Ward Six"]["score"] == pytest.approx(0.4 * multiplier)
        assert slots["Ward Six"]["base_score"] == 0.4
        assert slots["Banana"]["boost_details"] == NOTHING
        assert slots["Dust"]["boost_details"] == NOTHING | {"dislikes": pytest.approx(0.85)}
        assert slots["Dust"]["score"] == pytest.approx(0.45 * 0.85)

    def test_a_strength_of_0_boosts_nothing(
        self, person: User, films: dict[str, Item], settings: Settings
    ) -> None:
        like_medical(person)
        settings.BOOST_STRENGTH = 0.0
        assert {slot.multiplier for slot in serve(person).slots} == {1.0}
        assert not serve(person).personalization.applied

    def test_under_a_ranker_the_strength_is_another(
        self, person: User, films: dict[str, Item], settings: Settings
    ) -> None:
        like_medical(person)
        active_ranker()
        settings.BOOST_STRENGTH_WITH_RANKER = 0.0
        assert {slot.multiplier for slot in serve(person).slots} == {1.0}
        settings.BOOST_STRENGTH_WITH_RANKER = 1.0
        assert slot_of(serve(person), films["medical"]).multiplier > 1.0

    def test_scores_above_1_are_told_apart(self, person: User) -> None:
        for place in range(5):
            popular(make_film(genre=["Medical"], actor=["Ann Lee"]), 1.0 - place / 100)
        popular(make_film(genre=["Comedy"]), 0.999)
        like_medical(person, times=8)
        slots = serve(person).slots
        scores = [slot.score for slot in slots[:5]]
        assert scores == sorted(scores, reverse=True)
        assert len({1.0, *scores}) == 6
        assert min(scores) > 1.0
        assert [slot.base_score for slot in slots[:5]] == pytest.approx([1.0, 0.99, 0.98, 0.97, 0.96])
        assert slots[5].score == 0.999

    @pytest.mark.parametrize(
        ("liked", "base", "personalized"), [("Medical", 0.75, 1.005), ("Thriller", 0.73, 0.978)]
    )
    def test_the_published_example(self, person: User, liked: str, base: float, personalized: float) -> None:
        for rating in (9.5, 9.6, 9.6, 9.5):
            seen = make_film(genre=[liked], theme=[liked.lower()])
            record_interaction(user_id=person.pk, item_id=seen.pk, type_name="watched", rating=rating)
        best = popular(make_film(genre=[liked], theme=[liked.lower()]), base)
        popular(make_film(genre=["Comedy"]), 0.9)
        slot = serve(person).slots[0]
        assert slot.item.id == best.pk
        assert slot.base_score == pytest.approx(base, abs=1e-4)
        assert round(slot.multiplier, 2) == 1.34
        assert round(slot.score, 3) == personalized


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1.4), st.floats(0.3, 1)), min_size=1, max_size=30),
)
def test_boosted_candidates_stand_in_the_order_of_the_product(
    rows: list[tuple[float, float, float]],
) -> None:
    rows = sorted(rows, reverse=True)
    base, genre, penalties = (np.array(column) for column in zip(*rows, strict=True))
    candidates = Candidates.from_source("popular", np.arange(len(rows)), base)
    boosted = candidates.with_boosts(np.column_stack([genre, *[np.zeros(len(rows))] * 3]), penalties)
    assert (np.diff(boosted.scores) <= 0).all()
    assert ((boosted.scores >= 0) & (boosted.scores <= MOST_SCORE)).all()
    assert sorted(boosted.item_ids) == list(range(len(rows)))
    for boost, score, base_score in zip(
        boosted.boost_rows(), boosted.scores, boosted.base_scores, strict=True
    ):
        assert base_score * boost.multiplier == pytest.approx(score)
        assert abs(boost.percent - 100 * boost.parts["genre"]) <= 0.5 + 1e-9


class TestWhatIsSaidOfTheTaste:
    def test_of_a_stranger(self, api: APIClient, films: dict[str, Item]) -> None:
        assert api.get(ADDRESS).json()["personalization"] == {
            "applied": False,
            "alpha_adjusted": False,
            "original_alpha": 0.7,
            "personalized_alpha": 0.7,
            "top_genres": {},
            "top_genre_names": [],
            "persona": [],
            "persona_name": None,
        }

    def test_of_somebody_known(self, api: APIClient, person: User, films: dict[str, Item]) -> None:
        like_medical(person)
        told = api.get(ADDRESS).json()["personalization"]
        assert told["applied"]
        assert (told["original_alpha"], told["alpha_adjusted"]) == (0.7, True)
        assert 0.5 < told["personalized_alpha"] < 0.7
        assert told["top_genres"] == {"Medical": pytest.approx(0.3 * (1 - 0.8**8))}
        assert told["persona"] == ["Medical Fan"]

    def test_nothing_is_said_to_be_applied_where_nothing_fits(
        self, api: APIClient, person: User, films: dict[str, Item]
    ) -> None:
        record_interaction(
            user_id=person.pk, item_id=make_film(genre=["Horror"]).pk, type_name="watchlist_add"
        )
        told = api.get(ADDRESS).json()["personalization"]
        assert (told["applied"], list(told["top_genres"])) == (False, ["Horror"])

    def test_after_a_reset_the_list_is_a_strangers(
        self, api: APIClient, person: User, films: dict[str, Item]
    ) -> None:
        like_medical(person)
        reset_profile(user_id=person.pk)
        assert api.get(ADDRESS).json()["personalization"]["persona"] == []


class TestWhy:
    def test_what_taste_lifted_names_what_the_person_likes_and_the_item_has(
        self, person: User, films: dict[str, Item]
    ) -> None:
        like_medical(person)
        why = slot_of(serve(person), films["medical"]).why
        assert why == "Because you like medical films, hospital life and Ann Lee."

    def test_a_genre_that_is_the_kind_is_not_said_twice(self, person: User) -> None:
        item = make_item(kind="drama", genres=["Drama", "Medical", "TV Movie"])
        card = get_cards([item.pk])[item.pk]
        assert liked_sentence((("genre", "Drama"),), card) == "Because you like dramas."
        both = (("genre", "Drama"), ("genre", "Medical"), ("genre", "TV Movie"))
        assert liked_sentence(both, card) == "Because you like medical and TV movie dramas."
        assert liked_sentence((("genre", "Horror"), ("actor", "Drama")), card) == ""

    def test_a_facet_that_the_item_has_no_longer_is_not_named(
        self, person: User, films: dict[str, Item]
    ) -> None:
        like_medical(person)
        serve(person)
        films["medical"].item_facets.filter(facet__kind__in=["actor", "theme", "director"]).delete()
        assert slot_of(serve(person), films["medical"]).why == "Because you like medical films."

    def test_what_taste_did_not_boost_keeps_its_own_reason(
        self, person: User, films: dict[str, Item]
    ) -> None:
        like_medical(person)
        assert slot_of(serve(person), films["comedy"]).why == "Popular here at the moment."

    def test_als_tells_which_item_it_was(self, person: User) -> None:
        group = [make_film(f"Case {number}", genre=["Medical"]) for number in range(5)]
        make_active_als([[item.pk for item in group]])
        make_interaction(person, group[0])
        assert {slot.why for slot in serve(person).slots} == {"Because you liked Case 0, also medical."}

    def test_similar_items_name_the_nearest(self, person: User, settings: Settings) -> None:
        liked = make_film("Ward Six", genre=["Medical"], actor=["Ann Lee"])
        alike = make_film(genre=["Medical"], actor=["Ann Lee"])
        make_film(genre=["Comedy"])
        make_interaction(person, liked, "favorite")
        slot = slot_of(serve(person), alike)
        assert (slot.source, slot.method) == ("similar", "similar")
        assert slot.why == "Because Ward Six is one of your favorites, also with Ann Lee."

    def test_under_a_ranker_a_near_item_is_the_reason(self, person: User) -> None:
        liked = make_film("Ward Six", genre=["Medical"], actor=["Ann Lee"])
        alike = make_film(genre=["Medical"], actor=["Ann Lee"])
        strange = make_film(genre=["Comedy"])
        make_interaction(person, liked)
        active_ranker()
        served = serve(person)
        assert slot_of(served, alike).why == "Because you liked Ward Six, also with Ann Lee."
        assert slot_of(served, strange).why == "New in the catalog."


@pytest.mark.parametrize(
    "state", ["up to date", "a few behind", "many behind", "no profile", "undone", "reset"]
)
@pytest.mark.parametrize("with_ranker", [False, True])
def test_a_request_makes_six_queries_at_most(
    api: APIClient, person: User, settings: Settings, state: str, with_ranker: bool
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    films = [make_film(genre=["Drama", f"Genre {n % 5}"], actor=[f"Actor {n}"]) for n in range(80)]
    make_active_als([[film.pk for film in films]])
    if with_ranker:
        active_ranker()
    for film in films[:6]:
        record_interaction(user_id=person.pk, item_id=film.pk, type_name="like")
    save_dislike(user_id=person.pk, item=films[6], reason="wrong_genre")
    assert api.get(ADDRESS).status_code == 200
    if state != "no profile":
        catch_up(user_id=person.pk)
    match state:
        case "a few behind":
            record_interaction(user_id=person.pk, item_id=films[7].pk, type_name="like")
        case "many behind":
            for film in films[7:50]:
                record_interaction(user_id=person.pk, item_id=film.pk, type_name="view")
        case "undone":
            withdraw_state(user_id=person.pk, item_id=films[0].pk, type_name="like")
        case "reset":
            reset_profile(user_id=person.pk)
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(ADDRESS)
    assert answer.json()["recommendations"]
    assert len(queries) <= 6, [query["sql"] for query in queries]


def test_the_pool_stays_at_a_few_hundred(person: User, settings: Settings) -> None:
    settings.CANDIDATES_PER_SOURCE, settings.CANDIDATES_PER_FURTHER_SOURCE = 8, 3
    items = make_items(60, genres=["Drama"])
    make_active_als([[item.pk for item in items[:20]]])
    make_interaction(person, items[0])
    make_interaction(make_user(), items[30])
    context = get_context("movie_home")
    request = open_request(person.pk, context, timezone.now())
    assert [len(one) for one in retrieve(request)] == [8, 0, 0, 0, 0, 0, 0, 0, 3]
    stranger = open_request(make_user().pk, context, timezone.now())
    assert [len(one) for one in retrieve(stranger)] == [0, 0, 0, 0, 0, 0, 0, 0, 8]


def test_personalize_leaves_a_strangers_candidates_as_they_are(person: User) -> None:
    make_items(3, genres=["Drama"])
    request = open_request(person.pk, get_context("movie_home"), timezone.now())
    ranked = rank(request, retrieve(request))
    assert personalize(ranked, request) is ranked
