"""The lists that people really got before and after a no, beside those of people who said none.

A pair is two lists of a person in a row. It is treated where the person turned something of the first list
down before the second was made; the controls of it are the pairs of others whose first list held the same
item, and who turned nothing down in between. Difference in differences: what changes without any no, such as
a new model or what was seen meanwhile, changes for the controls too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import QuerySet

from core.arrays import Doubles, Ints
from experiments.responsiveness.report import Logged
from experiments.responsiveness.world import LENGTH, World
from feedback.selectors import counted_dislikes
from ranking.datasets.session_log import read_sessions, sessions_until
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import ratio_bootstrap_interval
from recommendations.models import RecommendationSession

DAYS = 90
# The newest lists are read, so that memory and time have an end.
MOST_LISTS = 20_000
# A second list that came later than this says little of the no.
LONGEST_PAUSE = timedelta(days=14).total_seconds()
MOST_CONTROLS = 20


@dataclass(frozen=True, slots=True)
class _Shown:
    """A list of a person: when, and its first items."""

    user_id: int
    at: float
    item_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two lists of a person in a row, and what they turned down in between."""

    user_id: int
    first: tuple[int, ...]
    second: tuple[int, ...]
    at: float
    refused: tuple[int, ...]


def measure_logged(world: World, now: datetime) -> Logged:
    """The figures of the last DAYS, of at most MOST_LISTS lists: two queries, and one per chunk of lists."""
    since = now - timedelta(days=DAYS)
    newest = (
        sessions_until(world.use_case, now)
        .filter(created_at__gte=since, is_external=False)
        .order_by("-created_at")
        .values_list("created_at", flat=True)[MOST_LISTS : MOST_LISTS + 1]
    )
    since = max([since, *newest])
    noes: dict[int, list[tuple[float, int]]] = defaultdict(list)
    rows = counted_dislikes(since, now).filter(item__kind=world.use_case.kind)
    for user_id, item_id, moment in rows.order_by("created_at", "pk").values_list(
        "user_id", "item_id", "created_at"
    ):
        noes[user_id].append((moment.timestamp(), item_id))
    shown = _read(sessions_until(world.use_case, now).filter(created_at__gt=since, is_external=False))
    return _compare(world, list(_pairs(shown, noes)))


def _read(sessions: QuerySet[RecommendationSession]) -> list[_Shown]:
    found = []
    for chunk in read_sessions(sessions):
        ends = np.cumsum(chunk.sizes)
        item_ids = chunk.item_ids.tolist()
        for row, (end, size) in enumerate(zip(ends.tolist(), chunk.sizes.tolist(), strict=True)):
            first = tuple(item_ids[end - size : min(end, end - size + LENGTH)])
            found.append(_Shown(int(chunk.user_ids[row]), float(chunk.times[row]), first))
    return found


def _pairs(shown: Sequence[_Shown], noes: Mapping[int, Sequence[tuple[float, int]]]) -> Iterator[_Pair]:
    last: dict[int, _Shown] = {}
    for one in shown:
        before = last.get(one.user_id)
        last[one.user_id] = one
        if before is None or one.at - before.at > LONGEST_PAUSE or not one.item_ids:
            continue
        refused = tuple(
            item_id for moment, item_id in noes.get(one.user_id, ()) if before.at <= moment < one.at
        )
        yield _Pair(one.user_id, before.item_ids, one.item_ids, before.at, refused)


def _compare(world: World, pairs: Sequence[_Pair]) -> Logged:
    calm: dict[int, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        for item_id in pair.first if not pair.refused else ():
            calm[item_id].append(pair)
    rows: list[tuple[float, ...]] = []
    people, controls = [], 0
    for pair in pairs:
        for refused in set(pair.refused).intersection(pair.first):
            like = world.like(refused) if world.context.catalog.holds(np.array([refused]))[0] else frozenset()
            others = [one for one in calm[refused] if one.user_id != pair.user_id]
            others = sorted(others, key=lambda one: abs(one.at - pair.at))[:MOST_CONTROLS]
            if not like or not others:
                continue
            without = np.array([_shares(one, refused, like) for one in others]).mean(axis=0)
            rows.append((*_shares(pair, refused, like), *without))
            people.append(pair.user_id)
            controls += len(others)
    if not rows:
        return Logged()
    columns = np.array(rows, dtype=np.float64)
    means = columns.mean(axis=0)
    return Logged(
        pairs=len(rows),
        people=len(set(people)),
        controls=controls,
        before=float(means[0]),
        after=float(means[1]),
        control_before=float(means[2]),
        control_after=float(means[3]),
        prevented=_difference_in_differences(columns, np.array(people)),
    )


def _shares(pair: _Pair, refused: int, like: frozenset[int]) -> tuple[float, float]:
    """The share of like items among the others in both lists."""
    shares = []
    for shown in (pair.first, pair.second):
        others = [item_id for item_id in shown if item_id != refused]
        shares.append(len(like.intersection(others)) / max(1, len(others)))
    return shares[0], shares[1]


def _difference_in_differences(columns: Doubles, people: Ints) -> Interval | None:
    """(before − after − (control before − control after)) ÷ before; people are resampled with their pairs."""
    found, rows = np.unique(people, return_inverse=True)
    sums = np.zeros((len(found), 2))
    np.add.at(
        sums,
        rows,
        np.stack([columns[:, 0] - columns[:, 1] - columns[:, 2] + columns[:, 3], columns[:, 0]], 1),
    )
    if not sums[:, 1].sum() > 0.0:
        return None
    return ratio_bootstrap_interval(sums[:, 0], sums[:, 1], rng=np.random.default_rng(0))
