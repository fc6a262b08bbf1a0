"""A person's last word on an item counts."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from interactions.models import UserInteraction
from interactions.selectors import get_states
from interactions.services import Wanted, record_interaction, record_interactions, withdraw_state
from tests.factories import make_item, make_items

pytestmark = pytest.mark.django_db
WANTED = ["like", "favorite", "apply", "interest", "watchlist_add"]


@pytest.mark.parametrize("wanted", WANTED)
def test_a_dislike_and_what_says_the_opposite_never_stand_together(person: User, wanted: str) -> None:
    item = make_item()
    for type_name in (wanted, "dislike", wanted, "dislike"):
        record_interaction(user_id=person.pk, item_id=item.pk, type_name=type_name)
        assert get_states(user_id=person.pk, item_ids=[item.pk]) == {item.pk: {type_name}}
    assert UserInteraction.objects.count() == 4


def test_a_rating_says_nothing_against_either(person: User) -> None:
    item = make_item()
    record_interaction(user_id=person.pk, item_id=item.pk, type_name="watched", rating=2)
    record_interaction(user_id=person.pk, item_id=item.pk, type_name="dislike")
    assert get_states(user_id=person.pk, item_ids=[item.pk]) == {item.pk: {"watched", "dislike"}}


def test_what_arrives_late_does_not_undo_the_last_word(person: User) -> None:
    item = make_item()
    record_interaction(user_id=person.pk, item_id=item.pk, type_name="dislike")
    record_interaction(
        user_id=person.pk,
        item_id=item.pk,
        type_name="like",
        occurred_at=timezone.now() - timedelta(days=1),
    )
    assert get_states(user_id=person.pk, item_ids=[item.pk]) == {item.pk: {"dislike"}}


def test_in_bulk_each_follows_the_one_before(person: User) -> None:
    item = make_item()
    wanted = [Wanted(item.pk, name) for name in ("like", "like", "dislike", "favorite", "view", "view")]
    recorded = record_interactions(user_id=person.pk, wanted=wanted)
    assert [one.created for one in recorded] == [True, False, True, True, True, False]
    assert get_states(user_id=person.pk, item_ids=[item.pk]) == {item.pk: {"favorite"}}
    assert UserInteraction.objects.filter(withdrawn_at=None).count() == 2


@pytest.mark.parametrize("how_many", [1, 60])
def test_the_number_of_queries_does_not_grow(
    person: User, how_many: int, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    wanted = [Wanted(item.pk, "like") for item in make_items(how_many)]
    record_interactions(user_id=person.pk, wanted=[Wanted(one.item_id, "dislike") for one in wanted])
    # The person's lock, the items' kinds, what is on record, withdrawn and added; and the savepoint.
    with django_assert_max_num_queries(7):
        record_interactions(user_id=person.pk, wanted=wanted)


def active_types(person: User) -> list[str]:
    return sorted(
        UserInteraction.objects.filter(user=person, withdrawn_at=None).values_list("type", flat=True)
    )


@pytest.mark.parametrize("wanted", WANTED)
def test_a_dislike_on_and_off_leaves_what_was_before(person: User, wanted: str) -> None:
    item = make_item()
    before = record_interaction(user_id=person.pk, item_id=item.pk, type_name=wanted).interaction
    record_interaction(user_id=person.pk, item_id=item.pk, type_name="dislike")
    withdraw_state(user_id=person.pk, item_id=item.pk, type_name="dislike")
    (standing,) = UserInteraction.objects.filter(user=person, withdrawn_at=None)
    assert (standing.pk, standing.occurred_at) == (before.pk, before.occurred_at)


@pytest.mark.parametrize("wanted", WANTED)
def test_what_ended_a_dislike_and_is_taken_back_leaves_the_dislike(person: User, wanted: str) -> None:
    item = make_item()
    for type_name in ("dislike", wanted):
        record_interaction(user_id=person.pk, item_id=item.pk, type_name=type_name)
    withdraw_state(user_id=person.pk, item_id=item.pk, type_name=wanted)
    assert "dislike" in active_types(person)
    assert wanted not in active_types(person)


def test_what_the_person_took_back_before_stays_taken_back(person: User) -> None:
    item = make_item()
    record_interaction(user_id=person.pk, item_id=item.pk, type_name="like")
    withdraw_state(user_id=person.pk, item_id=item.pk, type_name="like")
    record_interaction(user_id=person.pk, item_id=item.pk, type_name="dislike")
    withdraw_state(user_id=person.pk, item_id=item.pk, type_name="dislike")
    assert active_types(person) == []
