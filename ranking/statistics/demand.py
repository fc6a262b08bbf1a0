"""Popularity and approval of each item up to a moment."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Ints, positions
from core.demand import approval_of, popularity_of
from ranking.statistics.events import SECONDS_PER_DAY, Events


@dataclass(frozen=True, slots=True, eq=False)
class ItemDemand:
    """n items, aligned with the catalog.

    popularity  (n,) 0 to 1, as of `core.demand.popularity_of`
    approval    (n,) 0 to 1: smoothed share of approvals among the verdicts
    verdicts    (n,) how many approvals and dislikes there were
    """

    popularity: Doubles
    approval: Doubles
    verdicts: Doubles

    @classmethod
    def from_counts(cls, popularity: Doubles, approvals: Doubles, dislikes: Doubles) -> "ItemDemand":
        """From the popularity and how many approvals and dislikes each item had; all (n,)."""
        return cls(popularity, approval_of(approvals, dislikes), approvals + dislikes)


class DemandSweep:
    """The demand as it was at any moment of a log that is walked through once, oldest event first.

    Only ratios of the decayed sums matter, so they are kept as if everything had happened at the first event:
    an event adds weight × 2^(age of the log / half-life), and nothing has to be decayed again.
    """

    # The doublings after which the sums are scaled down, long before they could overflow.
    _MOST_DOUBLINGS = 400.0

    def __init__(self, item_ids: Ints, *, half_life_days: float) -> None:
        """`item_ids` (n,) sorted: the catalog; events of other items are passed over."""
        if not 0 < half_life_days < np.inf:
            raise ValueError("The half-life must be a positive number of days.")
        self._item_ids = item_ids
        self._half_life = half_life_days * SECONDS_PER_DAY
        self._origin = -np.inf
        self._sums = np.zeros(len(item_ids))
        self._approvals = np.zeros(len(item_ids))
        self._dislikes = np.zeros(len(item_ids))

    def add(self, events: Events) -> None:
        """Takes in events that are not older than those before."""
        rows = positions(events.item_ids, self._item_ids)
        known = rows >= 0
        rows, weights, times = rows[known], events.weights[known], events.times[known]
        if not len(rows):
            return
        latest = float(times.max())
        if latest - self._origin > self._MOST_DOUBLINGS * self._half_life:
            # The sums are small beside what is to come, and zero before the first event.
            shift = (latest - self._origin) / self._half_life
            self._sums *= np.exp2(-shift)
            self._origin = latest
        # An event so far back that it underflows weighs nothing beside what came since.
        doublings = (times - self._origin) / self._half_life
        np.add.at(self._sums, rows, np.maximum(weights, 0) * np.exp2(doublings))
        np.add.at(self._approvals, rows, events.relevant[known])
        np.add.at(self._dislikes, rows, weights < 0)

    def demand(self, approvals: Doubles | None = None) -> ItemDemand:
        """The demand after all that was taken in; `approvals` (n,) in place of the relevant events."""
        if approvals is None:
            approvals = self._approvals
        popularity = popularity_of(self._sums, approval_of(approvals, self._dislikes))
        return ItemDemand.from_counts(popularity, approvals, self._dislikes)


def demand_of(events: Events, item_ids: Ints, *, half_life_days: float) -> ItemDemand:
    """The demand after all of `events`, which come in any order; `item_ids` (n,) sorted."""
    sweep = DemandSweep(item_ids, half_life_days=half_life_days)
    sweep.add(events)
    return sweep.demand()
