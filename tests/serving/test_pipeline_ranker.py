"""Lists with a ranker: its order, what is on record of it, and that nothing excluded gets in by chance."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.services import save_dislike
from interactions.models import UserInteraction
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction
from ranking.feature_rows import features_of, model_scores, seen_slots
from ranking.features import FEATURE_SET, FEATURES, History, compute_features
from ranking.person import person_before
from ranking.recommenders.registry import RETRIEVING
from ranking.registry.versions import rollback_version
from ranking.scoring import ranked_pool
from ranking.statistics.events import Events
from recommendations.models import RecommendationSession
from serving.live import forget_state, get_context
from serving.opening import load_person, open_request
from serving.pipeline import ServedList, recommend
from tests.factories import (
    EPOCH,
    EXCLUDING,
    active_ranker,
    give_facets,
    make_active_als,
    make_interaction,
    make_item,
    make_items,
    make_users,
    new_interaction,
    new_item,
)

MOVIES = USE_CASES["movie_home"]
NOW = datetime(2026, 6, 1, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def ids(served: ServedList) -> list[int]:
    return [slot.item.id for slot in served.slots]


def serve(person: User, limit: int = 5, *, seed: int = 0) -> ServedList:
    return recommend(
        user_id=person.pk, use_case=MOVIES, limit=limit, now=NOW, rng=np.random.default_rng(seed)
    )


def features_on_record(served: ServedList) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    row = RecommendationSession.objects.get(pk=served.session_id)
    assert row.feature_set == FEATURE_SET
    assert row.features is not None
    features = np.frombuffer(bytes(row.features), dtype="<f4")
    return features.reshape(len(row.recommendations_shown), len(FEATURES))


@pytest.fixture
def films(person: User) -> list[Item]:
    """Thirty films by age, all known to ALS, the oldest the most popular; the person met three of them."""
    genres = [["Crime"], ["Comedy", "Drama"]]
    films = [new_item(published_at=NOW - timedelta(days=180 * (30 - n))) for n in range(30)]
    Item.objects.bulk_create(films)
    give_facets([(film, {"genre": genres[n % 2]}) for n, film in enumerate(films)])
    make_active_als([[film.pk for film in films[:15]], [film.pk for film in films[15:]]])
    met = [film for place, film in enumerate(films[:10]) for _ in range(10 - place)]
    fans = make_users(len(met))
    UserInteraction.objects.bulk_create(map(new_interaction, fans, met))
    make_interaction(person, films[2], "view", day=1)
    make_interaction(person, films[4], "like", day=2)
    make_interaction(person, films[7], "dislike", day=3)
    refresh_popularity(use_case="movie_home", now=NOW)
    return films


def test_the_ranker_orders_the_list(person: User, films: list[Item], settings: Settings) -> None:
    settings.BOOST_STRENGTH_WITH_RANKER, settings.POPULARITY_SHARE = 0.0, 0.0
    without = serve(person, 30)
    active_ranker("recency_score")
    newest_first = serve(person, 30)
    assert set(ids(newest_first)) == set(ids(without))
    # The trees give the newest few the same score.
    assert ids(newest_first)[0] in {film.pk for film in films[-6:]}
    active_ranker("recency_score", sign=-1)
    oldest_first = serve(person, 30)
    # The trees tell only the ends apart: the order is theirs, and it has turned.
    assert set(ids(oldest_first)[:3]) <= {film.pk for film in films[:12]}
    ranker = get_context("movie_home").ranker
    assert ranker is not None
    predicted = ranker.probabilities(features_on_record(oldest_first))
    assert [slot.base_score for slot in oldest_first.slots] == pytest.approx(predicted.tolist(), abs=1e-12)
    assert (np.diff(predicted) <= 0).all()
    assert predicted[0] > predicted[-1]


def test_an_activated_ranker_serves_at_the_next_request(person: User, films: list[Item]) -> None:
    assert serve(person).method_used == "als"
    first = active_ranker(seed=1)
    assert serve(person).model_version.endswith(first.label)
    second = active_ranker(seed=2)
    assert serve(person).model_version.endswith(second.label)
    rollback_version(kind="ranker", use_case="movie_home", why="test")
    assert serve(person).model_version.endswith(first.label)


def test_both_versions_are_on_record(person: User, films: list[Item]) -> None:
    ranker = active_ranker()
    served = serve(person)
    row = RecommendationSession.objects.get(pk=served.session_id)
    assert (row.method, row.model_version) == ("ranker", f"als-movie_home-1+{ranker.label}")
    assert {slot["method"] for slot in row.recommendations_shown} == {"ranker"}
    assert {slot["propensity"] for slot in row.recommendations_shown} == {1.0}
    assert {slot["source"] for slot in row.recommendations_shown} <= set(RETRIEVING)


def test_als_is_on_record_also_where_only_other_sources_fill_the_list(
    person: User, films: list[Item]
) -> None:
    ranker = active_ranker(seed=1)
    new = [make_item(published_at=NOW - timedelta(days=1)) for _ in range(3)]
    forget_state()
    served = serve(person, 3)
    assert set(ids(served)) == {item.pk for item in new}
    assert served.model_version == f"als-movie_home-1+{ranker.label}"


def test_a_ranker_without_als_serves_alone(person: User) -> None:
    make_items(3)
    ranker = active_ranker()
    served = serve(person)
    assert len(served.slots) == 3
    assert (served.method_used, served.model_version) == ("ranker", ranker.label)


def test_an_empty_catalog_is_no_matter_for_the_ranker(person: User) -> None:
    active_ranker()
    served = serve(person)
    assert (served.slots, served.method_used, served.model_version) == ((), "none", "")
    assert features_on_record(served).shape == (0, len(FEATURES))


@pytest.mark.parametrize("with_ranker", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_features_on_record_are_those_of_the_slots(
    person: User, films: list[Item], settings: Settings, with_ranker: bool, share: float
) -> None:
    settings.EXPLORATION_SHARE = share
    if with_ranker:
        active_ranker()
    served = serve(person, 8)
    context = get_context("movie_home")
    request = open_request(person.pk, context, NOW)
    shown = np.array(ids(served))
    rows = context.catalog.rows_of(request.person.item_ids)
    expected = compute_features(
        context.catalog.rows_of(shown),
        model_scores(request, shown),
        history=History(rows, request.person.weights.astype(np.float64)),
        content=context.catalog.content,
        seen=seen_slots(request),
        demand=context.catalog.demand,
        of_items=context.catalog.item_features,
        now=NOW.timestamp(),
    )
    features = features_on_record(served)
    assert features.shape == (8, len(FEATURES))
    assert features == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert np.nanmax(np.ptp(features, axis=0)) > 0


def test_replay_retrieves_and_ranks_as_serving_did(
    person: User, films: list[Item], settings: Settings
) -> None:
    settings.BOOST_STRENGTH_WITH_RANKER = 0.0
    active_ranker("recency_score", sign=-1)
    served = serve(person, 30)
    request = open_request(person.pk, get_context("movie_home"), NOW)
    again = ranked_pool(request)
    # One dislike holds nothing back here, so what is served is the order of the models.
    assert again.item_ids.tolist() == ids(served)
    assert again.scores.tolist() == [slot.score for slot in served.slots]
    features = features_of(request, again.item_ids)
    assert np.array_equal(features, features_on_record(served), equal_nan=True)
    with_a_strange_one = features_of(request, np.append(again.item_ids, 10**9))
    assert with_a_strange_one[:-1] == pytest.approx(features, abs=1e-6, nan_ok=True)
    assert np.isnan(with_a_strange_one[-1]).all()


def test_a_state_from_events_is_that_of_serving(person: User, films: list[Item]) -> None:
    make_interaction(person, films[20], "watched", day=5, rating=7)
    make_interaction(person, films[4], "view", day=6)
    rows = [
        (films[2], 0.5, 1),
        (films[4], 2.0, 2),
        (films[7], -1.0, 3),
        (films[20], 1.2, 5),
        (films[4], 0.5, 6),
    ]
    events = Events(
        user_ids=np.full(5, person.pk),
        item_ids=np.array([film.pk for film, _, _ in rows]),
        weights=np.array([weight for _, weight, _ in rows], dtype=np.float32),
        times=np.array([EPOCH.timestamp() + 86_400.0 * day for _, _, day in rows]),
        relevant=np.array([False, True, False, True, False]),
    )
    served, replayed = load_person(person.pk, get_context(MOVIES.name), NOW), person_before(events)
    assert replayed.item_ids.tolist() == served.item_ids.tolist()
    assert replayed.weights.tolist() == served.weights.tolist()
    # An item only looked at may be shown again, but is no item to be evaluated on.
    assert set(replayed.excluded.tolist()) - set(served.excluded.tolist()) == {films[2].pk}


@pytest.mark.parametrize("type_name", EXCLUDING)
@pytest.mark.parametrize("with_ranker", [True, False])
def test_nothing_excluded_comes_back_by_chance(
    person: User, films: list[Item], settings: Settings, type_name: str, with_ranker: bool
) -> None:
    settings.EXPLORATION_SHARE = 1.0
    if with_ranker:
        active_ranker("recency_score", sign=-1)
    out = {films[4].pk, films[7].pk}
    for film in films[20:26]:
        make_interaction(person, film, type_name)
        out.add(film.pk)
    seen: set[int] = set()
    for seed in range(25):
        served = serve(person, 6, seed=seed)
        assert any(slot.method == "exploration" for slot in served.slots)
        assert len(set(ids(served))) == len(served.slots) == 6
        seen |= set(ids(served))
    assert not seen & out
    # Chance had the occasion: it reached everything behind the list and its spares.
    assert len(seen) == 1 + (30 - len(out) - 11)


def test_a_dislike_takes_effect_at_once_under_a_ranker(person: User, films: list[Item]) -> None:
    active_ranker("recency_score")
    first = serve(person)
    gone = first.slots[0].item.id
    record_interaction(user_id=person.pk, item_id=gone, type_name="dislike")
    assert gone not in ids(serve(person, 30))


def test_explored_slots_are_on_record_with_their_chance(
    person: User, films: list[Item], settings: Settings
) -> None:
    settings.EXPLORATION_SHARE = 1.0
    active_ranker()
    served = serve(person, 5)
    row = RecommendationSession.objects.get(pk=served.session_id)
    reserve = 28 - 10
    assert [slot["method"] for slot in row.recommendations_shown] == ["ranker", *["exploration"] * 4]
    assert [slot["propensity"] for slot in row.recommendations_shown] == pytest.approx(
        [1.0, *[1 / reserve] * 4]
    )
    assert row.method == "ranker"
    assert {slot.why for slot in served.slots[1:]} == {
        "Something different, to find out whether you like it."
    }


def test_what_gave_way_to_chance_is_not_said_to_be_pushed_out(
    person: User, films: list[Item], settings: Settings
) -> None:
    for film in make_items(3, genres=["Crime"]):
        save_dislike(user_id=person.pk, item=film, reason="irrelevant")
    settings.EXPLORATION_SHARE = 0.0
    plain = serve(person, 8)
    before = RecommendationSession.objects.get(pk=plain.session_id).pushed_out
    assert any(slot.multiplier < 1 for slot in plain.slots[1:])
    settings.EXPLORATION_SHARE = 1.0
    explored = serve(person, 8)
    after = RecommendationSession.objects.get(pk=explored.session_id).pushed_out
    assert set(after) <= set(before)


@pytest.mark.parametrize("how_many", [8, 60])
def test_a_request_makes_six_queries_at_most(
    api: APIClient, person: User, settings: Settings, how_many: int
) -> None:
    settings.EXPLORATION_SHARE = 0.5
    settings.MODEL_CHECK_SECONDS = 3600.0
    group = make_items(how_many, genres=["Drama", "Crime"])
    make_active_als([[item.pk for item in group]])
    active_ranker()
    make_interaction(person, group[0])
    save_dislike(user_id=person.pk, item=group[1], reason="wrong_genre")
    address = "/api/recommendations/personalized/movies?limit=20"
    assert api.get(address).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(address)
    assert answer.json()["method_used"] == "ranker"
    assert len(queries) <= 6, [query["sql"] for query in queries]
    with CaptureQueriesContext(connection) as queries:
        recommend(user_id=person.pk, use_case=MOVIES, limit=20, now=timezone.now())
    assert len(queries) == 3, [query["sql"] for query in queries]
