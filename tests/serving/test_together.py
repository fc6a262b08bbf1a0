"""A list for two people: what both would like, nothing that either leaves out, recorded as one person's."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from serving.pipeline import ServedList, recommend
from serving.together import recommend_together
from tests.factories import EXCLUDING, make_active_als, make_interaction, make_items, make_user

MOVIES = USE_CASES["movie_home"]

pytestmark = pytest.mark.django_db


def ids(served: ServedList) -> list[int]:
    return [slot.item.id for slot in served.slots]


def serve(person: User, other: User, limit: int = 5) -> ServedList:
    return recommend_together(user_id=person.pk, other_id=other.pk, use_case=MOVIES, limit=limit)


@pytest.fixture
def tastes(person: User) -> tuple[list[Item], list[Item], list[Item]]:
    """Films of one taste, of another, and of both; a model that tells them apart."""
    left, right, both = make_items(6), make_items(6), make_items(4)
    make_active_als(
        [[item.pk for item in (*left, *both)], [item.pk for item in (*right, *both)]],
    )
    return left, right, both


@pytest.fixture
def other(tastes: tuple[list[Item], list[Item], list[Item]], person: User) -> User:
    """Somebody of the other taste; the person is of the first."""
    bob = make_user("bob")
    record_interaction(user_id=person.pk, item_id=tastes[0][0].pk, type_name="like")
    record_interaction(user_id=bob.pk, item_id=tastes[1][0].pk, type_name="like")
    return bob


def test_what_both_like_stands_first_whoever_asks(
    person: User, other: User, tastes: tuple[list[Item], list[Item], list[Item]]
) -> None:
    both = {item.pk for item in tastes[2]}
    assert set(ids(serve(person, other, 4))) == both
    assert ids(serve(person, other, 4)) == ids(serve(other, person, 4))
    alone = recommend(user_id=person.pk, use_case=MOVIES, limit=9)
    assert set(ids(alone)) - both, "alone there is more of the person's own taste"


@pytest.mark.parametrize("type_name", EXCLUDING)
@pytest.mark.parametrize("whose", ["person", "other"])
def test_what_either_knows_or_turned_down_is_not_in_it(
    person: User,
    other: User,
    tastes: tuple[list[Item], list[Item], list[Item]],
    type_name: str,
    whose: str,
) -> None:
    gone = tastes[2][0]
    make_interaction(person if whose == "person" else other, gone, type_name)
    assert gone.pk in ids(serve(make_user(), make_user(), 20))
    assert gone.pk not in ids(serve(person, other, 20))


def test_it_is_recorded_as_the_list_of_who_asked(person: User, other: User) -> None:
    served = serve(person, other)
    (session,) = RecommendationSession.objects.all()
    assert (session.pk, session.user_id, session.asked_for) == (
        served.session_id,
        person.pk,
        {"together": True},
    )
    assert [slot["item_id"] for slot in session.recommendations_shown] == ids(served)
    assert {slot["propensity"] for slot in session.recommendations_shown} == {1.0}
    assert [slot.score for slot in served.slots] == sorted(
        (slot.score for slot in served.slots), reverse=True
    )


def test_it_names_nothing_that_the_other_did(person: User, other: User) -> None:
    liked = Item.objects.get(interactions__user=other)
    assert not any(liked.title in slot.why for slot in serve(person, other, 20).slots)


def test_it_makes_four_queries(person: User, other: User, settings: Settings) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    serve(person, other)
    with CaptureQueriesContext(connection) as queries:
        serve(person, other)
    # The record of each, the cards, the session's row.
    assert len(queries) == 4, [query["sql"] for query in queries]


def test_two_of_whom_nothing_is_known_get_what_is_popular(person: User) -> None:
    make_items(3)
    assert len(ids(serve(person, make_user()))) == 3
