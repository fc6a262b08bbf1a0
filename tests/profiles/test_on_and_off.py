"""Tests of what is done and taken back, which leaves the taste of before, and of views of the refused."""

from collections.abc import Callable

import pytest

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES
from feedback.services import save_dislike, undo_dislike_of_item
from interactions.services import record_interaction, withdraw_state
from profiles.catching_up import catch_up
from profiles.historical_taste import HistoricalTastes
from profiles.reduction import Taste
from profiles.selectors import get_taste
from profiles.services import rate_item
from tests.factories import make_item
from tests.feedback.builders import full_film

pytestmark = pytest.mark.django_db
STATES = [row.name for row in TYPES.values() if row.is_state and row.name != "dislike"]
LATER = 1e11


def believed(person: User) -> tuple[dict[int, float], dict[int, float]]:
    """The scores and entries that are not those of somebody unknown; stored, served and in the past alike."""
    tastes = [
        catch_up(user_id=person.pk),
        get_taste(person.pk).taste,
        HistoricalTastes().at(person.pk, LATER).taste,
    ]
    first, *others = [told(taste) for taste in tastes]
    assert all(other == first for other in others)
    return first


def told(taste: Taste) -> tuple[dict[int, float], dict[int, float]]:
    ids = taste.facet_ids.tolist()
    scores = {one: score for one, score in zip(ids, taste.scores.tolist(), strict=True) if score}
    return scores, {
        one: value for one, value in zip(ids, taste.running.tolist(), strict=True) if value != 0.5
    }


def do(person: User, item: Item, type_name: str) -> None:
    record_interaction(user_id=person.pk, item_id=item.pk, type_name=type_name)


PAIRS: dict[str, tuple[Callable[[User, Item], object], Callable[[User, Item], object]]] = {
    **{
        name: (
            lambda person, item, name=name: do(person, item, name),  # type: ignore[misc]
            lambda person, item, name=name: withdraw_state(  # type: ignore[misc]
                user_id=person.pk, item_id=item.pk, type_name=name
            ),
        )
        for name in STATES
    },
    "left the watchlist by an event": (
        lambda person, item: do(person, item, "watchlist_add"),
        lambda person, item: do(person, item, "watchlist_remove"),
    ),
    "a dislike": (
        lambda person, item: save_dislike(user_id=person.pk, item=item, reason="wrong_genre"),
        lambda person, item: undo_dislike_of_item(user_id=person.pk, item_id=item.pk),
    ),
    "a low rating": (
        lambda person, item: rate_item(user_id=person.pk, item=item, rating=1.0),
        lambda person, item: withdraw_state(user_id=person.pk, item_id=item.pk, type_name="watched"),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("first", ["", "view", "like"])
def test_on_and_off_leaves_exactly_what_was_before(person: User, name: str, first: str) -> None:
    item, other = full_film(), full_film()
    do(person, other, "favorite")
    if first and first != name:
        do(person, item, first)
    before = believed(person)
    on, off = PAIRS[name]
    on(person, item)
    assert believed(person) != before
    off(person, item)
    assert believed(person) == before


def test_a_removal_that_took_nothing_back_counts(person: User) -> None:
    do(person, make_item(genres=["War"]), "watchlist_remove")
    ((score,), _) = (tuple(figures.values()) for figures in believed(person))
    assert score == pytest.approx(-0.06)


@pytest.mark.parametrize("looks_first", [True, False])
@pytest.mark.parametrize("looks", [1, 5])
@pytest.mark.parametrize("no", ["a dislike", "a low rating"])
def test_looking_at_what_is_refused_raises_nothing(
    person: User, looks: int, looks_first: bool, no: str
) -> None:
    item = full_film()
    refuse, take_back = PAIRS[no]
    if not looks_first:
        refuse(person, item)
        alone = believed(person)
    for name in ("view", "click") * looks:
        do(person, item, name)
    if looks_first:
        refuse(person, item)
    else:
        assert believed(person) == alone
    assert max(believed(person)[0].values()) < 0.0
    take_back(person, item)
    assert min(believed(person)[0].values()) > 0.0
