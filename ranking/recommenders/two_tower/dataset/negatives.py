"""Implicit negatives: items passed over in a list, or drawn by chance."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db.models import Count, Min

from core.arrays import Doubles, Ints
from core.domain import UseCase
from ranking.datasets.labels import deepest_ranks, hard_negatives, read_outcomes
from ranking.datasets.session_log import read_sessions, sessions_until
from ranking.recommenders.two_tower.dataset.log import People, acts_that_count


class PassedOver(NamedTuple):
    """A slot that scored high and was examined and left alone, at `time` in seconds since 1970."""

    time: float
    item_id: int
    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Shown:
    """The items that one person was shown in lists of the use case.

    item_ids     every item of these lists, however deep it stood
    passed_over  the hard negatives among them, oldest first
    """

    item_ids: set[int] = field(default_factory=set)
    passed_over: list[PassedOver] = field(default_factory=list)


def read_shown(use_case: UseCase, people: People, until: datetime) -> dict[int, Shown]:
    """The lists of the use case that these people were shown up to `until`, by person.

    Hard negatives are those of the ranker: no deeper than was examined.
    """
    found: defaultdict[int, Shown] = defaultdict(Shown)
    for chunk in read_sessions(sessions_until(use_case, until).filter(people.rows)):
        outcomes, lists = read_outcomes(chunk, use_case, until), chunk.list_of_slot
        seen = chunk.ranks <= deepest_ranks(chunk, outcomes)[lists]
        kept = np.flatnonzero(hard_negatives(chunk, outcomes) & seen & ~outcomes.left_out)
        owners = chunk.user_ids[lists]
        for user_id, item_id in zip(owners.tolist(), chunk.item_ids.tolist(), strict=True):
            found[user_id].item_ids.add(item_id)
        columns = (owners, chunk.times[lists], chunk.item_ids, chunk.ranks, chunk.numbers("score"))
        for user_id, *slot in zip(*(column[kept].tolist() for column in columns), strict=True):
            found[user_id].passed_over.append(PassedOver(*slot))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """The items that anybody speaks for, in the order in which somebody first did.

    item_ids  (n,)
    times     (n,) when that was, seconds since 1970, rising
    people    (n,) how many people speak for the item and those before it
    """

    item_ids: Ints
    times: Doubles
    people: Ints

    def draw(self, moments: Doubles, rng: np.random.Generator) -> Ints:
        """An item for each moment (m,), one of those met before it, as often as people speak for it.

        0, which no item has, where nobody had met anything yet.
        """
        met = np.searchsorted(self.times, moments)
        chances = rng.random(len(moments))
        if not len(self.item_ids):
            return np.zeros(len(moments), dtype=np.int64)
        total = self.people[np.maximum(met, 1) - 1]
        rows = np.searchsorted(self.people, np.floor(chances * total), side="right")
        return np.where(met > 0, self.item_ids[rows], 0)


def read_demand(use_case: UseCase, until: datetime) -> Demand:
    """The demand up to `until`: one query, three numbers per item."""
    rows = (
        acts_that_count(use_case, until)
        .filter(weight__gt=0)
        .order_by()
        .values_list("item_id")
        .annotate(first=Min("occurred_at"), people=Count("user_id", distinct=True))
    )
    met = sorted((first.timestamp(), item_id, people) for item_id, first, people in rows.iterator())
    times, item_ids, people = (list(column) for column in zip(*met, strict=True)) if met else ([], [], [])
    return Demand(
        item_ids=np.array(item_ids, dtype=np.int64),
        times=np.array(times, dtype=np.float64),
        people=np.cumsum(np.array(people, dtype=np.int64)),
    )
