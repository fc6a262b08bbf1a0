"""Explanations of slots: never because of itself."""

import pytest

from accounts.models import User
from core.domain import USE_CASES
from serving.pipeline import recommend
from tests.factories import make_active_als, make_interaction, make_item, make_items

pytestmark = pytest.mark.django_db


def whys(person: User) -> dict[int, str]:
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=10)
    return {slot.item.id: slot.why for slot in served.slots}


def test_what_was_only_viewed_is_not_shown_because_of_itself(person: User) -> None:
    viewed, other, *_ = group = make_items(4)
    make_active_als([[item.pk for item in group]])
    make_interaction(person, viewed, "view")
    make_interaction(person, other, "click")
    found = whys(person)
    assert found[viewed.pk] == f"Because you looked at {other.title}."
    assert found[other.pk] == f"Because you looked at {viewed.title}."


def test_the_only_item_of_a_history_has_the_reason_of_its_source(person: User) -> None:
    viewed, *others = group = make_items(4)
    make_active_als([[item.pk for item in group]])
    make_interaction(person, viewed, "view")
    found = whys(person)
    assert found[viewed.pk] == "People with a taste like yours chose it."
    assert {found[item.pk] for item in others} == {f"Because you looked at {viewed.title}."}


def test_what_is_viewed_often_is_not_like_itself(person: User) -> None:
    first = make_item("Heat", genres=["Crime"])
    second = make_item("Ran", genres=["War"])
    for day in range(4):
        make_interaction(person, first, "click", day=day)
    assert "Heat" not in whys(person)[first.pk]
    for day in range(4):
        make_interaction(person, second, "click", day=day)
    found = whys(person)
    assert "Heat" not in found[first.pk]
    assert "Ran" not in found[second.pk]
