"""The work of a list, counted in calls of functions: a figure that no busy machine changes.

A list for somebody who did nothing since their last one uses what is kept of them. Where a change loses that,
or adds work to every request, the count rises. Milliseconds are in docs/research/speed-of-a-request.md.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from catalog.models import Item
from tests.factories import active_ranker, app_client, make_active_als, make_interaction
from tests.feedback.builders import make_film

pytestmark = pytest.mark.django_db
LIST = "/api/recommendations/personalized/movies?limit=20"
# Calls of Python and C together as they were counted, and by how much they may grow.
KEPT, NEW = 4_400, 9_700
GROWTH = 1.2


@pytest.fixture
def ask(person: User, settings: Settings) -> Callable[[], None]:
    """Asks for a list of somebody with a history and a taste, with the token of an app."""
    settings.MODEL_CHECK_SECONDS = settings.CATALOG_REFRESH_SECONDS = 3600.0
    settings.RATE_LIMIT_FACTOR = settings.EXPLORATION_SHARE = 0.0
    films = [
        make_film(f"Night {n}", genre=[("Action", "Drama")[n % 2]], theme=[f"Theme {n % 7}"])
        for n in range(60)
    ]
    make_active_als([[film.pk for film in films[:40]], [film.pk for film in films[40:]]])
    active_ranker()
    for film in films[:8]:
        make_interaction(person, film, "watched", rating=9)
    api = app_client()

    def one() -> None:
        answer = api.get(LIST, HTTP_X_USER_ID=str(person.pk))
        assert len(answer.json()["recommendations"]) == 20

    return one


@contextmanager
def counted() -> Iterator[list[int]]:
    """The number of calls in the block."""
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            calls[0] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(before)


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


def test_who_did_something_costs_what_it_did(ask: Callable[[], None], person: User) -> None:
    for _ in range(3):
        ask()
    make_interaction(person, Item.objects.filter(interactions=None)[0], "watched", rating=8)
    with counted() as calls:
        ask()
    assert calls[0] <= GROWTH * NEW
