"""The demand for each item, kept in a table so that no request has to sum the log."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from catalog.models import Item
from core.arrays import Doubles, Ints
from core.demand import RESPONSE_DAYS, TREND_DAYS, approval_of, popularity_of
from core.domain import TYPES, USE_CASES, UseCase
from core.sql import column_field, column_names, insert_rows
from interactions.models import ItemPopularity
from interactions.new_accounts import most_of_new, new_in, share_left
from interactions.responses import responses_by_day
from interactions.selectors import TEACHES, active_interactions, said_in
from interactions.successes import successes_of

if TYPE_CHECKING:
    from pyarrow import Schema

_WRITTEN_AT_ONCE = 1000
# What a person's plain yes weighs at the most, of all kinds.
_PLAIN_WEIGHT = max(row.training_weight(None) for row in TYPES.values() if row.polarity > 0)
_OPINIONS = [row.name for row in TYPES.values() if row.polarity != 0]

# The columns by half-life: of TREND_DAYS, and of RESPONSE_DAYS.
TREND_FIELDS = ("trend_1", "trend_7", "trend_30")
EXAMINED_FIELDS = ("examined", "examined_lately")
ENGAGED_FIELDS = ("engaged", "engaged_lately")
_WRITTEN = [
    "score",
    "approvals",
    "dislikes",
    *TREND_FIELDS,
    *EXAMINED_FIELDS,
    *ENGAGED_FIELDS,
    "refused",
    "refreshed_at",
]
_KEY = ("use_case", "item")
_ON_CONFLICT = f"ON CONFLICT ({column_names(ItemPopularity, *_KEY)}) DO UPDATE SET " + ", ".join(
    f"{column} = EXCLUDED.{column}" for column in column_names(ItemPopularity, *_WRITTEN).split(", ")
)


@dataclass(slots=True)
class _Demand:
    """The sums of one item; `trends` by TREND_DAYS, `examined` and `engaged` by RESPONSE_DAYS."""

    weight: float = 0.0
    approvals: int = 0
    dislikes: int = 0
    trends: list[float] = field(default_factory=lambda: [0.0] * len(TREND_DAYS))
    examined: list[float] = field(default_factory=lambda: [0.0] * len(RESPONSE_DAYS))
    engaged: list[float] = field(default_factory=lambda: [0.0] * len(RESPONSE_DAYS))
    refused: float = 0.0


_RESPONSES: tuple[Callable[[_Demand], float], ...] = (
    lambda one: one.examined[0],
    lambda one: one.engaged[0],
    lambda one: one.refused,
)


class _Sums:
    """Sums by item: approvals, dislikes, the demand, and that of late by TREND_DAYS."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._sums = np.zeros((_WRITTEN_AT_ONCE, 3 + len(TREND_DAYS)))

    def add(self, items: Ints, columns: Doubles) -> None:
        known = self._places
        places = [known.setdefault(item_id, len(known)) for item_id in items.tolist()]
        if len(known) > len(self._sums):
            self._sums.resize((2 * len(known), self._sums.shape[1]), refcheck=False)
        np.add.at(self._sums, places, columns)

    def demand(self) -> defaultdict[int, _Demand]:
        found: defaultdict[int, _Demand] = defaultdict(_Demand)
        sums = self._sums[: len(self._places)].tolist()
        for item_id, (approvals, dislikes, weight, *trends) in zip(self._places, sums, strict=True):
            found[item_id] = _Demand(weight, round(approvals), round(dislikes), trends)
        return found


def refresh_popularity(*, use_case: str | None = None, now: datetime | None = None) -> int:
    """Recomputes the demand for every item of one use case, or of all; returns the rows written.

    The score is `core.demand.popularity_of` the demand Σ weight × 2^(−age in days / half-life) over the
    active interactions that speak for an item, and of how many verdicts on it are approvals. Beside it stand
    the demand of late, and the responses to what was shown, decayed alike. Dislikes that staff took for abuse
    count for nothing, and new accounts for little however many they are (`interactions.new_accounts`). The
    database adds up each day: what comes over is a row per item and day, what is held are some numbers per
    item.
    Raises KeyError for a use case that does not exist.
    """
    names = list(USE_CASES) if use_case is None else [use_case]
    return sum(_refresh(name, now or timezone.now()) for name in names)


def _refresh(use_case: str, now: datetime) -> int:
    demand = _count_demand(use_case, now)
    rows = _rows(use_case, demand, now)
    # In slices, so that on SQLite nobody waits long to write. Each row is right for itself.
    while batch := list(islice(rows, _WRITTEN_AT_ONCE)):
        insert_rows(ItemPopularity, [*_KEY, *_WRITTEN], batch, _ON_CONFLICT)
    ItemPopularity.objects.filter(use_case=use_case, refreshed_at__lt=now).delete()
    return len(demand)


def _count_demand(use_case: str, now: datetime) -> dict[int, _Demand]:
    # Arrow takes a tenth of a second to load, and who only reads demand does without.
    from core.batches import read_batches

    half_life = settings.POPULARITY_HALF_LIFE_DAYS
    successes = successes_of(USE_CASES[use_case], now)
    days = (
        new_in(active_interactions(), now)
        .filter(TEACHES, said_in(USE_CASES[use_case]), type__in=_OPINIONS)
        .values_list("item_id", TruncDate("occurred_at"), "is_new")
        .annotate(
            wanted=Sum("weight", filter=Q(weight__gt=0.0), default=0.0),
            approvals=Count("pk", filter=Q(type__in=successes, weight__gt=0.0)),
            dislikes=Count("pk", filter=Q(weight__lt=0.0)),
        )
        .order_by()
    )
    sums = {False: _Sums(), True: _Sums()}
    for batch in read_batches(days, _schema()):
        items, dates, are_new, wanted, *verdicts = (
            column.to_numpy(zero_copy_only=False) for column in batch.columns
        )
        ages = np.maximum((np.datetime64(now.date()) - dates).astype(float), 0.0)
        decayed = [wanted * 2.0 ** (-ages / days_of) for days_of in (half_life, *TREND_DAYS)]
        columns = np.column_stack([*verdicts, *decayed])
        for is_new, of_these in sums.items():
            of_these.add(items[are_new == is_new], columns[are_new == is_new])
    demand, of_new = sums[False].demand(), sums[True].demand()
    _add_new_accounts(demand, of_new)
    _add_responses(demand, USE_CASES[use_case], now)
    return {
        item_id: one
        for item_id, one in demand.items()
        if one.weight > 0.0 or one.dislikes or one.examined[0] > 0.0
    }


def _schema() -> "Schema":
    from core.arrow import pa

    return pa.schema(
        {
            "item_id": pa.int64(),
            "day": pa.date32(),
            "is_new": pa.bool_(),
            "wanted": pa.float64(),
            "approvals": pa.float64(),
            "dislikes": pa.float64(),
        }
    )


def _add_new_accounts(demand: defaultdict[int, _Demand], of_new: Mapping[int, _Demand]) -> None:
    """Adds what new accounts did, of each item no more than `most_of_new` allows."""
    verdicts = most_of_new([one.approvals + one.dislikes for one in demand.values()], 1.0)
    weight = most_of_new([one.weight for one in demand.values()], _PLAIN_WEIGHT)
    for item_id, new in of_new.items():
        one, left = demand[item_id], share_left(new.weight, weight)
        one.weight += new.weight * left
        one.trends = [
            sum(pair) for pair in zip(one.trends, (late * left for late in new.trends), strict=True)
        ]
        one.approvals += round(new.approvals * share_left(new.approvals, verdicts))
        one.dislikes += round(new.dislikes * share_left(new.dislikes, verdicts))


def _add_responses(demand: defaultdict[int, _Demand], use_case: UseCase, now: datetime) -> None:
    # A list may name an item that is in the catalog no more.
    there = set(Item.objects.filter(kind=use_case.kind).values_list("pk", flat=True))
    of_new: defaultdict[int, _Demand] = defaultdict(_Demand)
    for row in responses_by_day(use_case, now):
        if row.item_id not in there:
            continue
        one = (of_new if row.is_new else demand)[row.item_id]
        for place, days in enumerate(RESPONSE_DAYS):
            left = _left(now, row.day, days)
            one.examined[place] += row.examined * left
            one.engaged[place] += row.engaged * left
        one.refused += row.refused * _left(now, row.day, RESPONSE_DAYS[0])
    most = [most_of_new([response(one) for one in demand.values()], 1.0) for response in _RESPONSES]
    for item_id, new in of_new.items():
        # One share of all, so that their rate stays theirs.
        share = min(
            share_left(response(new), bound) for response, bound in zip(_RESPONSES, most, strict=True)
        )
        one = demand[item_id]
        one.examined = [all_ + share * more for all_, more in zip(one.examined, new.examined, strict=True)]
        one.engaged = [all_ + share * more for all_, more in zip(one.engaged, new.engaged, strict=True)]
        one.refused += share * new.refused


def _left(now: datetime, day: date, half_life_days: float) -> float:
    """The share that is left of what happened on a day, in whole days."""
    share: float = 2.0 ** (-max(0, (now.date() - day).days) / half_life_days)
    return share


def _rows(use_case: str, demand: dict[int, _Demand], now: datetime) -> Iterator[tuple[Any, ...]]:
    """The values of _WRITTEN of each row, after its use case and item."""
    counted = np.array([(one.weight, one.approvals, one.dislikes) for one in demand.values()]).reshape(-1, 3)
    weights, approvals, dislikes = counted.T
    scores = popularity_of(weights, approval_of(approvals, dislikes))
    refreshed_at = column_field(ItemPopularity, "refreshed_at").get_db_prep_value(now, connection)
    for (item_id, one), score in zip(demand.items(), scores.tolist(), strict=True):
        counts = (one.approvals, one.dislikes)
        responses = (*one.examined, *one.engaged, one.refused)
        yield use_case, item_id, score, *counts, *one.trends, *responses, refreshed_at
