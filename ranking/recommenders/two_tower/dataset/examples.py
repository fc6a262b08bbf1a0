"""The examples of one person: interactions, slots passed over, and items they might have met instead."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from math import log2
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from django.conf import settings

from core.domain import APPROVAL_WEIGHT, TYPES
from ranking.recommenders.two_tower.data import HARD_NEGATIVE, OBSERVED, RANDOM_NEGATIVE
from ranking.recommenders.two_tower.dataset.log import Act, PersonLog
from ranking.recommenders.two_tower.dataset.negatives import Demand, PassedOver, Shown

# A like found far down says more than one at the top, where everybody looks; but not without end.
MOST_RANK_WEIGHT = 3.0
# So often an item is drawn in the hope of one that the person never met.
DRAWS = 4


class Example(NamedTuple):
    """One row of the dataset but for the person's state, which is that before `time`.

    label        0 to 1
    weight       signed training weight of the interaction; 0 for a negative that nobody stated
    rank_weight  how much the example counts, above 0
    kind         OBSERVED, HARD_NEGATIVE or RANDOM_NEGATIVE
    relevant     counts as a success in the use case
    rank, score  of the slot that it came from; 0 and None for no list
    """

    time: float
    item_id: int
    label: float
    weight: float
    rank_weight: float
    kind: int
    relevant: bool
    rank: int = 0
    score: float | None = None


def examples_of(
    log: PersonLog,
    shown: Shown,
    demand: Demand,
    successes: Collection[str],
    rng: np.random.Generator,
) -> Iterator[tuple[float, list[Example]]]:
    """Each moment with examples, oldest first, and these; `successes` are interaction types."""
    observed = list(_observed(log.acts, successes))
    met = shown.item_ids.union(act.item_id for act in log.acts)
    found = [
        *observed,
        *map(_hard_negative, shown.passed_over),
        *_random_negatives(observed, met, demand, rng),
    ]
    found.sort(key=attrgetter("time"))
    for moment, examples in groupby(found, key=attrgetter("time")):
        yield moment, list(examples)


def label_of(type_name: str, weight: float) -> float:
    """The strength by which an interaction says that the person likes the item, 0 to 1.

    A rating gives as much as it says for the item; otherwise it is the training weight over that of a plain
    yes, at most 1. A no gives 0.
    """
    row = TYPES[type_name]
    if row.is_rated:
        return max(0.0, row.strength_of(weight))
    return min(1.0, max(0.0, weight / APPROVAL_WEIGHT))


def rank_weight(rank: int) -> float:
    """1 over the chance that a rank is examined: log2(rank + 1), at most MOST_RANK_WEIGHT; 1 for no list."""
    return min(MOST_RANK_WEIGHT, log2(rank + 1)) if rank else 1.0


def _observed(acts: Sequence[Act], successes: Collection[str]) -> Iterator[Example]:
    """Evidence for or against an item; a dislike outweighs whatever came with it or after it."""
    disliked: dict[int, float] = {}
    for act in acts:
        if act.counts and act.weight < 0.0:
            disliked.setdefault(act.item_id, act.time)
    for act in acts:
        if not act.counts or act.weight == 0.0 or TYPES[act.type_name].polarity == 0:
            continue
        if act.weight < 0.0:
            counts = settings.DISLIKE_EXAMPLE_WEIGHT * -TYPES[act.type_name].strength_of(act.weight)
            yield Example(
                time=act.time,
                item_id=act.item_id,
                label=0.0,
                weight=act.weight,
                rank_weight=counts,
                kind=HARD_NEGATIVE,
                relevant=False,
                rank=act.rank,
                score=act.score,
            )
        else:
            outweighed = disliked.get(act.item_id, np.inf) <= act.time
            yield Example(
                time=act.time,
                item_id=act.item_id,
                label=0.0 if outweighed else label_of(act.type_name, act.weight),
                weight=act.weight,
                rank_weight=rank_weight(act.rank),
                kind=OBSERVED,
                relevant=act.type_name in successes,
                rank=act.rank,
                score=act.score,
            )


def _hard_negative(slot: PassedOver) -> Example:
    """It counts as much as the rank is likely to have been examined."""
    examined = 1.0 / log2(slot.rank + 1)
    return Example(
        time=slot.time,
        item_id=slot.item_id,
        label=0.0,
        weight=0.0,
        rank_weight=examined,
        kind=HARD_NEGATIVE,
        relevant=False,
        rank=slot.rank,
        score=slot.score,
    )


def _random_negatives(
    observed: Sequence[Example], met: Collection[int], demand: Demand, rng: np.random.Generator
) -> Iterator[Example]:
    """For each positive example an item drawn by demand that the person never met, or none after DRAWS."""
    moments = [one.time for one in observed if one.label > 0.0]
    drawn = demand.draw(np.repeat(np.array(moments, dtype=np.float64), DRAWS), rng).reshape(-1, DRAWS)
    for moment, item_ids in zip(moments, drawn.tolist(), strict=True):
        item_id = next((one for one in item_ids if one not in met), 0)
        if item_id:
            yield Example(moment, item_id, 0.0, 0.0, 1.0, RANDOM_NEGATIVE, relevant=False)
