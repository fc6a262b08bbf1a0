"""How much each item is in demand, kept in a table so that no request has to sum the log."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from config.use_cases import USE_CASES
from interactions.models import ItemPopularity, UserInteraction
from interactions.types import TYPES

_BATCH = 5000


def refresh_popularity(*, use_case: str | None = None, now: datetime | None = None) -> int:
    """Recomputes the popularity of every item of one use case, or of all; returns the rows written.

    score = Σ weight × 2^(−age in days / half-life) over the live interactions that speak for an item,
    divided by the greatest such sum, so that it lies in (0, 1]. The database adds up each day, so what
    comes over is a row per item and day, and what is held here is a number per item.
    Raises KeyError for a use case that does not exist.
    """
    names = list(USE_CASES) if use_case is None else [use_case]
    return sum(_refresh(name, now or timezone.now()) for name in names)


def _refresh(use_case: str, now: datetime) -> int:
    demand = _decayed_demand(use_case, now)
    greatest = max(demand.values(), default=1.0)
    rows = _rows(use_case, demand, greatest, now)
    with transaction.atomic():
        # In slices, because bulk_create makes one list of all that it is given.
        while batch := list(islice(rows, _BATCH)):
            ItemPopularity.objects.bulk_create(
                batch,
                update_conflicts=True,
                unique_fields=["use_case", "item"],
                update_fields=["score", "refreshed_at"],
            )
        ItemPopularity.objects.filter(use_case=use_case, refreshed_at__lt=now).delete()
    return len(demand)


def _decayed_demand(use_case: str, now: datetime) -> dict[int, float]:
    half_life = settings.POPULARITY_HALF_LIFE_DAYS
    speaking_for = [row.name for row in TYPES.values() if row.polarity > 0]
    days = (
        UserInteraction.objects.filter(
            item__kind=USE_CASES[use_case].kind, type__in=speaking_for, withdrawn_at=None
        )
        .values_list("item_id", TruncDate("occurred_at"))
        .annotate(weight=Sum("weight"))
        .order_by()
    )
    demand: defaultdict[int, float] = defaultdict(float)
    for item_id, day, weight in days.iterator(chunk_size=_BATCH):
        age = max(0, (now.date() - day).days)
        demand[item_id] += weight * 2.0 ** (-age / half_life)
    return {item_id: value for item_id, value in demand.items() if value > 0.0}


def _rows(
    use_case: str, demand: dict[int, float], greatest: float, now: datetime
) -> Iterator[ItemPopularity]:
    for item_id, value in demand.items():
        yield ItemPopularity(item_id=item_id, use_case=use_case, score=value / greatest, refreshed_at=now)
