"""Training batches of a two-tower model: its examples, their order, and the sampled negatives."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows
from ranking.recommenders.two_tower.data import (
    HARD_NEGATIVE,
    RANDOM_NEGATIVE,
    States,
    TwoTowerExamples,
    TwoTowerItems,
    TwoTowerParameters,
)
from ranking.recommenders.two_tower.demand import DemandHistory
from ranking.statistics.events import SECONDS_PER_DAY

# An epoch reads at most so many positives; of a longer log, whose end nobody would wait for, a part.
LONGEST_EPOCH = 100_000
# No item is taken for rarer in a batch than this.
RAREST = 1e-9


def first_meetings(examples: TwoTowerExamples) -> TwoTowerExamples:
    """One positive example for each person and item: as they first met, with the most that became of it.

    Later ones have the item in the person's past and would teach what serving never asks for. What the person
    refused is left out altogether. Sorted by person and time.
    """
    refused = examples.take(examples.kinds == HARD_NEGATIVE)
    positive = examples.take(examples.positive)
    span = int(examples.item_rows.max(initial=0)) + 1
    pairs = positive.user_ids * span + positive.item_rows
    order = np.lexsort((positive.times, pairs))
    order = order[~np.isin(pairs[order], refused.user_ids * span + refused.item_rows)]
    if not len(order):
        return positive.take(order)
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = pairs[order][1:] != pairs[order][:-1]
    starts = np.flatnonzero(is_first)
    met = replace(
        positive.take(order[starts]),
        labels=np.maximum.reduceat(positive.labels[order], starts),
        rank_weights=np.maximum.reduceat(positive.rank_weights[order], starts),
    )
    return met.take(np.lexsort((met.times, met.user_ids)))


def fading(times: Doubles, half_life_days: float) -> Doubles:
    """(e,): 1, halved per half-life of age; age counts from the time that 99 % of the examples precede."""
    age_days = np.maximum(np.quantile(times, 0.99) - times, 0) / SECONDS_PER_DAY
    result: Doubles = np.exp2(-age_days / half_life_days)
    return result


def example_weights(positives: TwoTowerExamples, half_life_days: float) -> Floats:
    """(e,) rank weight × label × fading, over the root of how many examples the person has; mean 1.

    The root keeps the few people with very many examples from making the model, as in ALS.
    """
    _, person, counts = np.unique(positives.user_ids, return_inverse=True, return_counts=True)
    weights = positives.rank_weights.astype(np.float64) * positives.labels
    weights *= fading(positives.times, half_life_days) / np.sqrt(counts)[person]
    result: Floats = (weights / weights.mean()).astype(np.float32)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """b examples, and p items among which each of them has to find its own.

    examples
    states          (b,) of their people, with a part of some histories hidden
    weights         (b,) how much each counts
    pool            (p,) item rows, sorted, unique; the items of the examples are among them
    anonymous       (p,) which of them are to be known by their features alone
    targets         (b,) the place of each example's own item in the pool
    barred          (b, p) what is in the person's past, and so is no alternative
    log_demand      (b, p) of each item of the pool when the example happened
    log_inclusions  (p,) log of the probability that the item is in the pool of a batch
    refused         (b,) row of an item that the person refused, -1 where there is none
    refused_demand  (b,) its log demand when the example happened; 0 where there is none
    """

    examples: TwoTowerExamples
    states: States
    weights: Floats
    pool: Rows
    anonymous: Bools
    targets: Rows
    barred: Bools
    log_demand: Floats
    log_inclusions: Floats
    refused: Rows
    refused_demand: Floats


class Batches:
    """Draws the batches of each epoch from the positives and negatives of a training set."""

    def __init__(
        self,
        items: TwoTowerItems,
        train: TwoTowerExamples,
        parameters: TwoTowerParameters,
        rng: np.random.Generator,
    ) -> None:
        """Raises ValueError if no example speaks for an item."""
        self.positives = first_meetings(train)
        if not len(self.positives):
            raise ValueError("There are no positive examples to train on; import or record some first.")
        self.demand = DemandHistory.of(self.positives, len(items), parameters.demand_half_life_days)
        self.size = min(parameters.batch_size, len(self.positives))
        self._items = len(items)
        self._parameters = parameters
        self._rng = rng
        self._weights = example_weights(self.positives, parameters.half_life_days)
        self._random = train.item_rows[train.kinds == RANDOM_NEGATIVE]
        self._refused = _Refused.of(train.take(train.kinds == HARD_NEGATIVE), self.positives.user_ids)
        self._log_inclusions = self._inclusions()
        # The positives of the next epochs.
        self._coming: Rows = np.empty(0, dtype=np.intp)

    def __iter__(self) -> Iterator[Batch]:
        """One epoch: every positive once, in a new order; of very many a part, and others the next time."""
        count = min(len(self.positives), LONGEST_EPOCH)
        if len(self._coming) < count:
            self._coming = np.concatenate([self._coming, self._rng.permutation(len(self.positives))])
        order, self._coming = self._coming[:count], self._coming[count:]
        for start in range(0, len(order), self.size):
            yield self._batch(order[start : start + self.size])

    def _batch(self, rows: Rows) -> Batch:
        examples = self.positives.take(rows)
        states = examples.states.take(examples.state_of)
        drawn = [
            examples.item_rows,
            self._rng.integers(self._items, size=self._parameters.uniform_negatives),
        ]
        if len(self._random):
            drawn.append(self._rng.choice(self._random, size=self.size))
        pool = np.unique(np.concatenate(drawn))
        refused = self._refused.draw(rows, self._rng)
        demand = self.demand.before(examples.times)
        return Batch(
            examples=examples,
            states=self._with_parts_hidden(states),
            weights=self._weights[rows],
            pool=pool,
            anonymous=self._rng.random(len(pool)) < self._parameters.id_dropout,
            targets=np.searchsorted(pool, examples.item_rows),
            barred=self._barred(states, examples.item_rows, pool),
            log_demand=self.demand.logs[:, pool][demand],
            log_inclusions=self._log_inclusions[pool],
            refused=refused,
            refused_demand=np.where(refused >= 0, self.demand.logs[demand, refused], 0.0).astype(np.float32),
        )

    def _with_parts_hidden(self, states: States) -> States:
        """So that a model learns of people of whom little is known from those of whom much is."""
        rates = self._rng.random(len(states))
        rates[self._rng.random(len(states)) >= self._parameters.history_dropout] = 0.0
        sizes = np.diff(states.history_indptr)
        kept = self._rng.random(len(states.history_rows)) >= np.repeat(rates, sizes)
        return replace(
            states,
            history_indptr=np.concatenate([[0], np.cumsum(kept)])[states.history_indptr],
            history_rows=states.history_rows[kept],
            history_weights=states.history_weights[kept],
        )

    def _barred(self, states: States, own: Rows, pool: Rows) -> Bools:
        place = np.full(self._items, -1, dtype=np.intp)
        place[pool] = np.arange(len(pool))
        barred = np.zeros((len(states), len(pool)), dtype=np.bool_)
        of_entry = np.repeat(np.arange(len(states)), np.diff(states.history_indptr))
        columns = place[states.history_rows]
        barred[of_entry[columns >= 0], columns[columns >= 0]] = True
        barred[np.arange(len(states)), place[own]] = False
        return barred

    def _inclusions(self) -> Floats:
        """(n,) log P(in the pool), the pool being filled by three kinds of draws: 1 − Π (1 − share)^draws."""
        parameters = self._parameters
        absent = self.size * _log_missed(self.positives.item_rows, self._items)
        absent += parameters.uniform_negatives * np.log1p(-1 / max(self._items, 2))
        if len(self._random):
            absent += self.size * _log_missed(self._random, self._items)
        result: Floats = np.log(np.maximum(-np.expm1(absent), RAREST)).astype(np.float32)
        return result


def _log_missed(rows: Rows, items: int) -> Doubles:
    """(n,) log P(one draw from `rows` is not the item)."""
    shares = np.bincount(rows, minlength=items) / len(rows)
    result: Doubles = np.log1p(-np.minimum(shares, 1 - RAREST))
    return result


@dataclass(frozen=True, slots=True, eq=False)
class _Refused:
    """The items that the person of each positive refused: counts[i] of them from starts[i] on."""

    item_rows: Rows
    starts: Ints
    counts: Ints

    @classmethod
    def of(cls, refused: TwoTowerExamples, user_ids: Ints) -> "_Refused":
        order = np.argsort(refused.user_ids, kind="stable")
        people = refused.user_ids[order]
        starts = np.searchsorted(people, user_ids, side="left")
        ends = np.searchsorted(people, user_ids, side="right")
        return cls(refused.item_rows[order], starts, ends - starts)

    def draw(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """One of them for each of the positives `rows`, drawn evenly; -1 where there is none."""
        counts = self.counts[rows]
        places = self.starts[rows] + (rng.random(len(rows)) * counts).astype(np.intp)
        drawn = np.full(len(rows), -1, dtype=np.intp)
        drawn[counts > 0] = self.item_rows[places[counts > 0]]
        return drawn
