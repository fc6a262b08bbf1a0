"""Reads of what people did."""

from collections.abc import Iterable

from django.db.models import Max, QuerySet, Sum

from interactions.models import UserInteraction
from interactions.types import TYPES

_STATES = [row.name for row in TYPES.values() if row.is_state]

# item id, interaction type, sum of training weights
HistoryRow = tuple[int, str, float]


def live_interactions() -> QuerySet[UserInteraction]:
    """Every interaction that counts: withdrawn ones left out."""
    return UserInteraction.objects.filter(withdrawn_at=None)


def get_history(*, user_id: int, kind: str) -> list[HistoryRow]:
    """What one person did with items of `kind`, a row per item and type, oldest first, in one query."""
    rows = (
        live_interactions()
        .filter(user_id=user_id, item__kind=kind)
        .values("item_id", "type")
        .alias(last_at=Max("occurred_at"))
        .annotate(weight_sum=Sum("weight"))
        .order_by("last_at", "item_id", "type")
        .values_list("item_id", "type", "weight_sum")
    )
    return list(rows)


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
