"""The demand for each item, kept in a table so that no request has to sum the log."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from core.demand import approval_of, popularity_of
from core.domain import TYPES, USE_CASES
from interactions.models import ItemPopularity
from interactions.selectors import NOT_ABUSE, active_interactions, said_in
from interactions.successes import successes_of

_BATCH = 5000
_OPINIONS = [row.name for row in TYPES.values() if row.polarity != 0]


@dataclass(slots=True)
class _Demand:
    weight: float = 0.0
    approvals: int = 0
    dislikes: int = 0


def refresh_popularity(*, use_case: str | None = None, now: datetime | None = None) -> int:
    """Recomputes the demand for every item of one use case, or of all; returns the rows written.

    The score is `core.demand.popularity_of` the demand Σ weight × 2^(−age in days / half-life) over the
    active interactions that speak for an item, and of how many verdicts on it are approvals. Dislikes that
    staff took for abuse count for nothing. The database adds up each day: what comes over is a row per item
    and day, what is held are three numbers per item.
    Raises KeyError for a use case that does not exist.
    """
    names = list(USE_CASES) if use_case is None else [use_case]
    return sum(_refresh(name, now or timezone.now()) for name in names)


def _refresh(use_case: str, now: datetime) -> int:
    demand = _count_demand(use_case, now)
    rows = _rows(use_case, demand, now)
    with transaction.atomic():
        # In slices, because bulk_create makes one list of all that it is given.
        while batch := list(islice(rows, _BATCH)):
            ItemPopularity.objects.bulk_create(
                batch,
                update_conflicts=True,
                unique_fields=["use_case", "item"],
                update_fields=["score", "approvals", "dislikes", "refreshed_at"],
            )
        ItemPopularity.objects.filter(use_case=use_case, refreshed_at__lt=now).delete()
    return len(demand)


def _count_demand(use_case: str, now: datetime) -> dict[int, _Demand]:
    half_life = settings.POPULARITY_HALF_LIFE_DAYS
    successes = successes_of(USE_CASES[use_case], now)
    days = (
        active_interactions()
        .filter(NOT_ABUSE, said_in(USE_CASES[use_case]), type__in=_OPINIONS)
        .values_list("item_id", TruncDate("occurred_at"))
        .annotate(
            wanted=Sum("weight", filter=Q(weight__gt=0.0), default=0.0),
            approvals=Count("pk", filter=Q(type__in=successes, weight__gt=0.0)),
            dislikes=Count("pk", filter=Q(weight__lt=0.0)),
        )
        .order_by()
    )
    demand: defaultdict[int, _Demand] = defaultdict(_Demand)
    for item_id, day, weight, approvals, dislikes in days.iterator(chunk_size=_BATCH):
        age = max(0, (now.date() - day).days)
        one = demand[item_id]
        one.weight += weight * 2.0 ** (-age / half_life)
        one.approvals += approvals
        one.dislikes += dislikes
    return {item_id: one for item_id, one in demand.items() if one.weight > 0.0 or one.dislikes}


def _rows(use_case: str, demand: dict[int, _Demand], now: datetime) -> Iterator[ItemPopularity]:
    counted = np.array([(one.weight, one.approvals, one.dislikes) for one in demand.values()]).reshape(-1, 3)
    weights, approvals, dislikes = counted.T
    scores = popularity_of(weights, approval_of(approvals, dislikes))
    for (item_id, one), score in zip(demand.items(), scores.tolist(), strict=True):
        yield ItemPopularity(
            item_id=item_id,
            use_case=use_case,
            score=score,
            approvals=one.approvals,
            dislikes=one.dislikes,
            refreshed_at=now,
        )
