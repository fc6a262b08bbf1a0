"""The request path as a person meets it: what they do changes the next list, what is excluded stays out."""

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.services import save_dislike
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction, withdraw_state
from ranking.candidates import Brought
from ranking.scoring import rank
from recommendations.models import RecommendationSession
from serving.live import forget_state, get_context
from serving.opening import load_person
from serving.pipeline import ServedList, recommend
from tests.factories import EXCLUDING, make_active_als, make_interaction, make_item, make_items, make_user
from tests.ranking.builders import bare_context, request_of, stranger

MOVIES = USE_CASES["movie_home"]

pytestmark = pytest.mark.django_db


def ids(served: ServedList) -> list[int]:
    return [slot.item.id for slot in served.slots]


def serve(person: User, limit: int = 5) -> ServedList:
    return recommend(user_id=person.pk, use_case=MOVIES, limit=limit)


def test_an_empty_catalog_gives_an_empty_list_on_record(person: User) -> None:
    served = serve(person)
    assert served.slots == ()
    assert served.method_used == "none"
    assert RecommendationSession.objects.get(pk=served.session_id).recommendations_shown == []


def test_without_interactions_the_newest_items_are_shown(person: User) -> None:
    old = make_item(published_at="2001-01-01T00:00:00Z")
    undated = make_item()
    new = make_item(published_at="2024-01-01T00:00:00Z")
    served = serve(person)
    assert ids(served) == [new.pk, old.pk, undated.pk]
    assert served.method_used == "fresh"
    assert served.slots[0].why == "New in the catalog."


def test_without_a_model_popularity_orders_the_list(person: User) -> None:
    rare, common = make_items(2)
    for _ in range(3):
        make_interaction(make_user(), common)
    make_interaction(make_user(), rare)
    refresh_popularity(use_case="movie_home")
    served = serve(person)
    assert ids(served) == [common.pk, rare.pk]
    assert served.method_used == "popularity"
    assert served.model_version == ""


def test_a_like_changes_the_very_next_list(person: User) -> None:
    left, right = make_items(6), make_items(6)
    version = make_active_als([[item.pk for item in left], [item.pk for item in right]])
    record_interaction(user_id=person.pk, item_id=left[0].pk, type_name="like")
    first = serve(person)
    assert set(ids(first)) == {item.pk for item in left[1:]}
    assert first.method_used == "als"
    assert first.model_version == version.label
    assert first.slots[0].why == f"Because you liked {left[0].title}."

    withdraw_state(user_id=person.pk, item_id=left[0].pk, type_name="like")
    record_interaction(user_id=person.pk, item_id=right[0].pk, type_name="favorite")
    assert set(ids(serve(person))) == {item.pk for item in right[1:]}


@pytest.mark.parametrize("type_name", EXCLUDING)
def test_a_known_item_never_comes_back(person: User, type_name: str) -> None:
    group = make_items(4)
    make_active_als([[item.pk for item in group]])
    make_interaction(person, group[0], "view")
    make_interaction(person, group[1], type_name)
    assert group[1].pk not in ids(serve(person))


@pytest.mark.parametrize("title", ["Moulin Rouge!", "Airplane!", "Who Framed Roger Rabbit?"])
def test_a_reason_ends_with_one_mark(person: User, title: str) -> None:
    group = [make_item(title), *make_items(3)]
    make_active_als([[item.pk for item in group]])
    make_interaction(person, group[0])
    assert serve(person).slots[0].why == f"Because you liked {title}"


def test_an_item_hidden_since_the_snapshot_is_not_shown(person: User) -> None:
    group = make_items(4)
    serve(person)
    group[0].is_active = False
    group[0].save()
    served = serve(person)
    assert sorted(ids(served)) == [item.pk for item in group[1:]]


def test_only_items_of_the_kind_are_shown(person: User) -> None:
    make_item(kind="drama")
    film = make_item(kind="movie")
    assert ids(serve(person)) == [film.pk]


def test_the_list_is_recorded_as_it_was_served(person: User) -> None:
    group = make_items(4)
    make_active_als([[item.pk for item in group]])
    record_interaction(user_id=person.pk, item_id=group[0].pk, type_name="like")
    served = serve(person, limit=2)
    row = RecommendationSession.objects.get(pk=served.session_id)
    assert (row.user_id, row.use_case, row.method) == (person.pk, "movie_home", "als")
    assert row.model_version == served.model_version
    assert [slot["item_id"] for slot in row.recommendations_shown] == ids(served)
    assert [slot["rank"] for slot in row.recommendations_shown] == [1, 2]
    first = row.recommendations_shown[0]
    assert first["score"] == served.slots[0].score
    assert first["source"] == "als"
    assert (first["source_rank"], first["propensity"]) == (1, 1.0)
    assert row.seen_rank == 0


def test_scores_lie_between_0_and_1_and_fall(person: User) -> None:
    group, others = make_items(5), make_items(20)
    make_active_als([[item.pk for item in group]])
    for item in others[:8]:
        make_interaction(make_user(), item)
    make_interaction(person, group[0])
    refresh_popularity(use_case="movie_home")
    scores = [slot.score for slot in serve(person, limit=20).slots]
    assert len(scores) == 20
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert scores == sorted(scores, reverse=True)


def test_the_list_names_each_item_once_and_keeps_to_its_limit(person: User) -> None:
    group = make_items(30)
    make_active_als([[item.pk for item in group]])
    make_interaction(person, group[0])
    make_interaction(make_user(), group[1])
    refresh_popularity(use_case="movie_home")
    served = ids(serve(person, limit=100))
    assert len(served) == len(set(served)) == 29
    assert len(serve(person, limit=7).slots) == 7


@pytest.mark.parametrize("how_many", [1, 60])
def test_queries_do_not_grow_with_the_list(person: User, settings: Settings, how_many: int) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    group = make_items(how_many + 1, genres=["Drama", "Crime"])
    make_active_als([[item.pk for item in group]])
    make_interaction(person, group[0])
    serve(person)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        served = serve(person, limit=100)
    assert len(served.slots) == how_many
    # The record of the person, the cards, the session's row.
    assert len(queries) == 3, [query["sql"] for query in queries]
    make_interaction(person, group[0], "view")
    with CaptureQueriesContext(connection) as queries:
        serve(person, limit=100)
    # Of somebody who did something since, the taste too.
    assert len(queries) == 4, [query["sql"] for query in queries]


def test_a_person_the_model_knows_nothing_of_gets_what_is_popular(person: User) -> None:
    group = make_items(4)
    make_active_als([[item.pk for item in group]])
    make_interaction(make_user(), group[2])
    refresh_popularity(use_case="movie_home")
    served = serve(person)
    assert served.method_used == "popularity"
    assert served.model_version == ""


def test_one_dislike_alone_is_no_ground_for_a_taste(person: User) -> None:
    group = make_items(4)
    make_active_als([[item.pk for item in group]])
    make_interaction(person, group[0], "dislike")
    assert serve(person).method_used == "fresh"


def test_a_dislike_outweighs_what_else_there_is_on_the_item(person: User) -> None:
    item = make_item()
    make_interaction(person, item, "view", day=1)
    make_interaction(person, item, "like", day=2)
    make_interaction(person, item, "dislike", day=3)
    state = load_person(person.pk, get_context(MOVIES.name), timezone.now())
    assert state.item_ids.tolist() == [item.pk]
    assert state.weights.tolist() == [-1.0]
    assert state.excluded.tolist() == [item.pk]


def test_the_history_of_others_is_not_seen(person: User, other_person: User) -> None:
    group = make_items(3)
    make_interaction(other_person, group[0], "watched", rating=9)
    assert len(serve(person).slots) == 3
    state = load_person(person.pk, get_context(MOVIES.name), timezone.now())
    assert state.item_ids.tolist() == []


def test_it_keeps_how_long_it_took(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_items(3)
    clock = iter(range(1000))
    monkeypatch.setattr("serving.pipeline.time.perf_counter", lambda: float(next(clock)))
    session = RecommendationSession.objects.get(pk=recommend(user_id=person.pk, use_case=MOVIES).session_id)
    # The clock is asked at both ends of each stage before the record too.
    assert session.made_in_ms is not None
    assert session.made_in_ms >= 2000


def test_two_lists_in_a_row_are_the_same_but_two_records(person: User) -> None:
    make_items(8)
    first, second = serve(person), serve(person)
    assert ids(first) == ids(second)
    assert first.session_id != second.session_id
    forget_state()
    assert ids(serve(person)) == ids(first)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 30), st.floats(0, 1)), max_size=10, unique_by=lambda pair: pair[0]),
        min_size=1,
        max_size=4,
    )
)
def test_rank_keeps_every_item_once_in_falling_order(sources: list[list[tuple[int, float]]]) -> None:
    retrieved = []
    for number, pairs in enumerate(sources):
        ordered = sorted(pairs, key=lambda pair: -pair[1])
        retrieved.append(
            Brought(
                f"s{number}",
                np.array([item for item, _ in ordered], dtype=np.int64),
                np.array([score for _, score in ordered], dtype=np.float64),
            )
        )
    ranked = rank(request_of(stranger(), bare_context(range(1, 31))), retrieved)
    assert sorted(ranked.item_ids) == sorted({item for pairs in sources for item, _ in pairs})
    assert (np.diff(ranked.base_scores) <= 0).all()
    assert ((ranked.base_scores >= 0) & (ranked.base_scores <= 1)).all()


def test_a_list_names_its_model_also_where_dislikes_moved_another_source_to_the_top(person: User) -> None:
    crime = make_items(5, genres=["Crime"])
    comedy = make_item(genres=["Comedy"])
    version = make_active_als([[item.pk for item in crime]])
    make_interaction(person, crime[0])
    for item in make_items(8, genres=["Crime"]):
        save_dislike(user_id=person.pk, item=item, reason="wrong_genre")
    make_interaction(make_user(), comedy)
    refresh_popularity(use_case="movie_home")
    served = serve(person)
    assert served.slots[0].item.id == comedy.pk
    assert (served.method_used, served.model_version) == ("als", version.label)


def test_what_was_hidden_is_not_said_to_be_pushed_out_by_a_dislike(person: User) -> None:
    items = make_items(3)
    serve(person)
    Item.objects.filter(pk=items[0].pk).update(is_active=False)
    served = serve(person, limit=2)
    assert len(served.slots) == 2
    assert RecommendationSession.objects.get(pk=served.session_id).pushed_out == []
