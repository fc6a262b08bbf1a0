"""Writes of what people did.

Every write runs under the person's lock, so that "is it there already?" and the insert are one step:
twenty clicks at once leave one row.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.services import lock_person
from config.errors import InvalidInput, NotFound
from interactions.models import UserInteraction
from interactions.selectors import live_interactions
from interactions.types import MAX_RATING, TYPES, training_weight
from recommendations.selectors import Slot, find_slot

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(minutes=5)

_WANTED = ("like", "favorite", "apply", "interest", "watchlist_add")
# The last word counts: what each interaction withdraws of what the person said of the item before.
REPLACES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_WANTED, ("dislike",)),
    "dislike": _WANTED,
    "watched": ("watched",),
    "watchlist_remove": ("watchlist_add",),
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a write: the interaction, and whether it is new or was there before."""

    interaction: UserInteraction
    created: bool


def record_interaction(
    *,
    user_id: int,
    item_id: int,
    type_name: str,
    session_id: UUID | None = None,
    rating: float | None = None,
    occurred_at: datetime | None = None,
) -> Recorded:
    """Records that a person did something with an item, with the slot it came from where one is named.

    A state that stands already (a like) is not recorded again; a new rating replaces the older one, and one
    that arrives late is kept beside the newer one, withdrawn; a view that follows another within
    VIEW_REPEAT_MINUTES is the same view.
    Raises InvalidInput for values out of range and NotFound for a session that does not hold the item.
    The item must exist.
    """
    now = timezone.now()
    moment = _checked_moment(occurred_at, now)
    _check_type_and_rating(type_name, rating)
    slot = None if session_id is None else find_slot(user_id=user_id, session_id=session_id, item_id=item_id)
    with transaction.atomic():
        lock_person(user_id=user_id)
        known = _same_already(user_id, item_id, type_name, rating, moment, slot)
        if known is not None:
            return Recorded(known, created=False)
        newer_stands = _withdraw_what_it_replaces(user_id, item_id, type_name, moment, now)
        interaction = UserInteraction(
            user_id=user_id,
            item_id=item_id,
            type=type_name,
            weight=training_weight(type_name, rating),
            rating=rating,
            occurred_at=moment,
            withdrawn_at=now if newer_stands else None,
        )
        if slot is not None:
            interaction.recommendation_session_id = slot.session_id
            interaction.recommendation_source = slot.source
            interaction.recommendation_rank = slot.rank
            interaction.recommendation_score = slot.score
            interaction.recommendation_method = slot.method
        interaction.save(force_insert=True)
        return Recorded(interaction, created=True)


def withdraw_state(*, user_id: int, item_id: int, type_name: str) -> UserInteraction:
    """Takes a state (a like, a place on the watchlist) back; the row stays, marked as withdrawn.

    Leaving the watchlist is itself recorded as `watchlist_remove`. Raises NotFound where there is nothing
    to take back.
    """
    if type_name not in TYPES or not TYPES[type_name].is_state:
        raise InvalidInput(f"{type_name}: only {', '.join(sorted(_state_names()))} can be taken back.")
    now = timezone.now()
    with transaction.atomic():
        lock_person(user_id=user_id)
        state = live_interactions().filter(user_id=user_id, item_id=item_id, type=type_name).first()
        if state is None:
            raise NotFound(f"There is no {type_name.replace('_', ' ')} of this item to take back.")
        state.withdrawn_at = now
        state.save(update_fields=["withdrawn_at"])
        if type_name == "watchlist_add":
            UserInteraction.objects.create(
                user_id=user_id, item_id=item_id, type="watchlist_remove", weight=0.0, occurred_at=now
            )
        return state


def _state_names() -> list[str]:
    return [row.name for row in TYPES.values() if row.is_state]


def _checked_moment(occurred_at: datetime | None, now: datetime) -> datetime:
    if occurred_at is None:
        return now
    if occurred_at > now + CLOCK_SKEW:
        raise InvalidInput("occurred_at: this time is in the future.")
    if occurred_at < EARLIEST:
        raise InvalidInput("occurred_at: this time is before 1970.")
    return occurred_at


def _check_type_and_rating(type_name: str, rating: float | None) -> None:
    if type_name not in TYPES:
        raise InvalidInput(f"type: must be one of {', '.join(TYPES)}.")
    if rating is None:
        return
    if type_name != "watched":
        raise InvalidInput("rating: only an interaction of type watched has a rating.")
    if not math.isfinite(rating) or not 0.0 <= rating <= MAX_RATING:
        raise InvalidInput("rating: must be a number from 0 to 10.")


def _same_already(
    user_id: int, item_id: int, type_name: str, rating: float | None, moment: datetime, slot: Slot | None
) -> UserInteraction | None:
    mine = UserInteraction.objects.filter(user_id=user_id, item_id=item_id, type=type_name)
    at_this_moment = mine.filter(occurred_at=moment).first()
    if at_this_moment is not None:
        return at_this_moment
    if TYPES[type_name].is_state:
        state = mine.filter(withdrawn_at=None).first()
        return (
            state
            if state is not None and (type_name != "watched" or rating in (None, state.rating))
            else None
        )
    if type_name == "view":
        repeat = timedelta(minutes=settings.VIEW_REPEAT_MINUTES)
        return mine.filter(
            occurred_at__gt=moment - repeat,
            occurred_at__lt=moment + repeat,
            recommendation_session=slot.session_id if slot else None,
        ).first()
    return None


def _withdraw_what_it_replaces(
    user_id: int, item_id: int, type_name: str, moment: datetime, now: datetime
) -> bool:
    """Withdraws what was so until `moment`; True where what contradicts it stands from a later moment."""
    replaced = REPLACES.get(type_name, ())
    standing = live_interactions().filter(user_id=user_id, item_id=item_id, type__in=replaced)
    standing.filter(occurred_at__lte=moment).update(withdrawn_at=now)
    return TYPES[type_name].is_state and bool(replaced) and standing.exists()
