"""find_slots: the slot in which a person was shown an item, and four refusals that cannot be told apart."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.models import User
from core.errors import NotFound
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession
from recommendations.selectors import Slot, find_slots
from tests.answers import assert_refused
from tests.factories import make_item, make_items
from tests.recommendations.builders import list_body, make_session


def find_slot(*, user_id: int, session_id: UUID, item_id: int) -> Slot:
    """The one slot that is asked for."""
    return find_slots(user_id=user_id, wanted={(session_id, item_id)})[session_id, item_id]


def test_the_slot_is_the_servers_own_record(person: User) -> None:
    items = make_items(3)
    session = make_session(person, items)
    slot = find_slot(user_id=person.pk, session_id=session.pk, item_id=items[1].pk)
    assert slot == Slot(session.pk, items[1].pk, rank=2, score=0.8, method="als", source="als")


def test_a_list_made_elsewhere_has_slots_too(api: APIClient, person: User) -> None:
    items = make_items(2)
    body = list_body(items)
    api.post("/api/recommendations/session", body, format="json")
    session_id = UUID(body["recommendation_session_id"])
    slot = find_slot(user_id=person.pk, session_id=session_id, item_id=items[1].pk)
    assert slot == Slot(session_id, items[1].pk, rank=2, score=0.5, method="als", source="external")


def test_it_is_one_query_whatever_the_length_of_the_list(
    person: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in (1, 20):
        items = make_items(number)
        session = make_session(person, items)
        with django_assert_num_queries(1):
            find_slot(user_id=person.pk, session_id=session.pk, item_id=items[-1].pk)


def test_a_list_may_be_named_until_it_is_too_old(person: User, settings: Settings) -> None:
    settings.RECOMMENDATION_SESSION_DAYS = 30
    items = make_items(1)
    fresh = make_session(person, items, age=timedelta(days=29, hours=23))
    old = make_session(person, items, age=timedelta(days=30, minutes=1))
    assert find_slot(user_id=person.pk, session_id=fresh.pk, item_id=items[0].pk).rank == 1
    with pytest.raises(NotFound):
        find_slot(user_id=person.pk, session_id=old.pk, item_id=items[0].pk)


def test_absent_foreign_mismatched_and_expired_are_answered_with_the_same_bytes(
    api: APIClient, person: User, other_person: User
) -> None:
    item = make_item()
    sessions = {
        "absent": uuid4(),
        "foreign": make_session(other_person, [item]).pk,
        "mismatched": make_session(person, make_items(2)).pk,
        "expired": make_session(person, [item], age=timedelta(days=31)).pk,
        "empty": make_session(person, []).pk,
    }
    bulk = {"item_id": item.pk, "type": "click"}
    sends: list[Callable[[dict[str, str]], Any]] = [
        lambda context: api.post(f"/api/movies/{item.pk}/like", context, format="json"),
        lambda context: api.get(f"/api/movies/{item.pk}", context),
        lambda context: api.post("/api/interactions", bulk | context, format="json"),
    ]
    for send in sends:
        answers = {
            name: send({"recommendation_session_id": str(session_id)})
            for name, session_id in sessions.items()
        }
        for answer in answers.values():
            assert_refused(answer, 404)
            del answer.headers["X-Request-ID"]  # a number of its own for every request
        assert len({(answer.content, str(answer.headers)) for answer in answers.values()}) == 1
    assert not UserInteraction.objects.exists()
    assert RecommendationSession.objects.count() == 4
