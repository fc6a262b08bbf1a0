"""A person's last word on an item counts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from interactions.models import UserInteraction
from interactions.selectors import get_states
from interactions.services import record_interaction
from tests.factories import make_item

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
