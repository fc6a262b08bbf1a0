"""Reads of what people did."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max, QuerySet, Sum

from interactions.models import UserInteraction
from interactions.types import TYPES

_STATES = [row.name for row in TYPES.values() if row.is_state]

# item id, interaction type, sum of training weights
HistoryRow = tuple[int, str, float]


def live_interactions() -> QuerySet[UserInteraction]:
    """Every interaction that counts: withdrawn ones left out."""
    return UserInteraction.objects.filter(withdrawn_at=None)


def history_rows(*, user_id: int, kind: str) -> QuerySet[UserInteraction, tuple[int, str, float, datetime]]:
    """What one person did with items of `kind`: item id, type, summed weight, time of the last."""
    return (
        live_interactions()
        .filter(user_id=user_id, item__kind=kind)
        .order_by()
        .values_list("item_id", "type")
        .annotate(weight_sum=Sum("weight"), last_at=Max("occurred_at"))
    )


def get_states(*, user_id: int, item_ids: Iterable[int]) -> dict[int, set[str]]:
    """Which states (like, watched, …) stand between a person and each of these items, in one query."""
    rows = live_interactions().filter(user_id=user_id, item_id__in=list(item_ids), type__in=_STATES)
    states: dict[int, set[str]] = {}
    for item_id, name in rows.values_list("item_id", "type"):
        states.setdefault(item_id, set()).add(name)
    return states


def get_rating(*, user_id: int, item_id: int) -> float | None:
    """The rating (0 to 10) that a person gave an item, or None."""
    return (
        live_interactions()
        .filter(user_id=user_id, item_id=item_id, type="watched")
        .values_list("rating", flat=True)
        .first()
    )
