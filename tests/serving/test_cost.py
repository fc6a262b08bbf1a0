"""The work of a list, counted in calls of functions: a figure that no busy machine changes.

A list for somebody who did nothing since their last one uses what is kept of them. Where a change loses that,
or adds work to every request, the count rises. Milliseconds are in docs/research/speed-of-a-request.md.
"""

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from catalog.models import Item
from core.arrays import Floats, Rows
from core.domain import USE_CASES
from ranking.features import compute_features
from serving.live import get_context
from serving.pipeline import recommend
from tests.factories import (
    active_ranker,
    app_client,
    make_active_als,
    make_interaction,
    make_items,
    make_users,
)
from tests.feedback.builders import make_film

pytestmark = pytest.mark.django_db
LIST = "/api/recommendations/personalized/movies?limit=20"
# Calls of Python and C together as they were counted, and by how much they may grow.
KEPT, NEW = 4_400, 9_700
GROWTH = 1.2


@pytest.fixture
def ask_models(person: User, settings: Settings) -> Callable[[], None]:
    """Asks for a list of somebody with a history and a taste, with the token of an app; no ranker serves."""
    settings.MODEL_CHECK_SECONDS = settings.CATALOG_REFRESH_SECONDS = 3600.0
    settings.RATE_LIMIT_FACTOR = settings.EXPLORATION_SHARE = 0.0
    films = [
        make_film(f"Night {n}", genre=[("Action", "Drama")[n % 2]], theme=[f"Theme {n % 7}"])
        for n in range(60)
    ]
    make_active_als([[film.pk for film in films[:40]], [film.pk for film in films[40:]]])
    for film in films[:8]:
        make_interaction(person, film, "watched", rating=9)
    api = app_client()

    def one() -> None:
        answer = api.get(LIST, HTTP_X_USER_ID=str(person.pk))
        assert len(answer.json()["recommendations"]) == 20

    return one


@pytest.fixture
def ask(ask_models: Callable[[], None]) -> Callable[[], None]:
    """The same, and a ranker orders the list."""
    active_ranker()
    return ask_models


@contextmanager
def counted() -> Iterator[list[int]]:
    """The number of calls in the block.

    No garbage is looked for meanwhile: to tidy up what earlier tests left takes calls, too.
    """
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            calls[0] += 1

    before = sys.getprofile()
    gc.collect()
    gc.disable()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)
        gc.enable()


def test_who_did_nothing_costs_what_it_did(ask: Callable[[], None]) -> None:
    for _ in range(3):
        ask()
    with counted() as calls:
        ask()
    assert calls[0] <= GROWTH * KEPT


def test_who_did_nothing_costs_four_queries(
    ask: Callable[[], None], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """The token with the person, their record, the moments of the cards, and the row of the list."""
    for _ in range(3):
        ask()
    with django_assert_num_queries(4):
        ask()


def test_chance_shows_others_whose_features_are_there(
    ask_models: Callable[[], None], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a ranker only the record asks for features, and the second list for those of the whole pool."""
    settings.EXPLORATION_SHARE = 0.5
    computed: list[int] = []

    def compute(rows: Rows, *args: Any, **options: Any) -> Floats:
        computed.append(len(rows))
        return compute_features(rows, *args, **options)

    monkeypatch.setattr("ranking.feature_rows.compute_features", compute)
    for _ in range(6):
        ask_models()
    assert len(computed) == 2
    assert computed[0] == 20 < computed[1]


def test_who_did_something_costs_what_it_did(ask: Callable[[], None], person: User) -> None:
    for _ in range(3):
        ask()
    make_interaction(person, Item.objects.filter(interactions=None)[0], "watched", rating=8)
    with counted() as calls:
        ask()
    assert calls[0] <= GROWTH * NEW


@pytest.mark.slow
def test_people_are_weighed_as_large_as_they_are(settings: Settings) -> None:
    """Within a third: with a ranker, reasons and slots. PEOPLE_MEMORY_MB counts by it."""
    settings.MODEL_CHECK_SECONDS = settings.CATALOG_REFRESH_SECONDS = 3600.0
    films = make_items(300, genres=["Drama"])
    active_ranker()
    people = make_users(40)
    for place, person in enumerate(people):
        make_interaction(person, films[place], "watched", rating=9)

    def ask(some: list[User]) -> None:
        for person in some:
            recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=20)

    # Cards and queries are those of the process, and nobody's.
    ask(people[:20])
    memory = get_context("movie_home").memory
    assert memory is not None
    weighed = memory.size
    gc.collect()
    tracemalloc.start()
    try:
        ask(people[20:])
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.66 < (memory.size - weighed) / held < 1.5
