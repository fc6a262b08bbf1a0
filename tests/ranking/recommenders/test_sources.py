"""The contract that every candidate source keeps. A new source is tried here by being in SOURCES."""

import numpy as np
import pytest
from django.utils import timezone

from accounts.models import User
from core.domain import USE_CASES
from interactions.popularity import refresh_popularity
from ranking.live import Live, get_live
from ranking.sources import METHODS, SOURCES, UserState
from serving.pipeline import load_user_state
from tests.factories import active_tower, make_active_als, make_interaction, make_item, make_items, make_user

MOVIES = USE_CASES["movie_home"]

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("name", SOURCES)]


def load(person: User) -> tuple[UserState, Live]:
    live = get_live("movie_home")
    return load_user_state(person.pk, MOVIES, live, timezone.now()), live


@pytest.fixture
def world(person: User) -> list[int]:
    """Thirty films, models that know twenty of them, demand for some, and a person with a history."""
    genres = [["Crime"], ["Comedy", "Drama"], ["Western"]]
    items = [
        make_item(genres=genres[number % 3], published_at=f"20{number:02}-01-01T00:00:00Z")
        for number in range(30)
    ]
    groups = [[item.pk for item in items[:10]], [item.pk for item in items[10:20]]]
    make_active_als(groups)
    active_tower(groups)
    for item in items[5:15]:
        make_interaction(make_user(), item)
    make_interaction(person, items[0], "like", day=1)
    make_interaction(person, items[1], "watched", rating=9, day=2)
    make_interaction(person, items[6], "favorite", day=2)
    make_interaction(person, items[11], "dislike", day=3)
    make_interaction(person, items[2], "view", day=4)
    refresh_popularity(use_case="movie_home")
    return [item.pk for item in items]


def test_brings_at_most_what_is_asked_best_first(name: str, world: list[int], person: User) -> None:
    state, live = load(person)
    brought = SOURCES[name](state, live, 5)
    assert 0 < len(brought) <= 5
    assert len(set(brought.item_ids.tolist())) == len(brought)
    assert (np.diff(brought.source_scores) <= 0).all()
    assert ((brought.source_scores >= 0) & (brought.source_scores <= 1)).all()
    assert brought.source_ranks.tolist() == list(range(1, len(brought) + 1))
    assert set(brought.sources.tolist()) == {name}
    assert name in METHODS


def test_brings_nothing_that_is_excluded_or_unknown(name: str, world: list[int], person: User) -> None:
    state, live = load(person)
    brought = set(SOURCES[name](state, live, 1000).item_ids.tolist())
    assert brought <= set(world) - set(state.excluded.tolist())


def test_keeps_its_hands_off_the_state(name: str, world: list[int], person: User) -> None:
    state, live = load(person)
    arrays = (state.item_ids, state.weights, state.excluded, live.catalogue.item_ids)
    before = [array.tolist() for array in arrays]
    SOURCES[name](state, live, 10)
    assert [array.tolist() for array in arrays] == before


def test_copes_with_an_empty_catalogue(name: str, person: User) -> None:
    state, live = load(person)
    assert len(SOURCES[name](state, live, 10)) == 0


def test_copes_with_everything_excluded(name: str, person: User) -> None:
    items = make_items(4)
    make_active_als([[item.pk for item in items]])
    active_tower([[item.pk for item in items]])
    for item in items:
        make_interaction(person, item, "like")
    refresh_popularity(use_case="movie_home")
    state, live = load(person)
    assert len(SOURCES[name](state, live, 10)) == 0
