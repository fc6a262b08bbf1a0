"""Popularity and approval of each item up to a moment, and how people responded where it was shown."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Ints, positions
from core.demand import TREND_DAYS, approval_of, popularity_of
from ranking.statistics.decay import DecayedSums
from ranking.statistics.events import Events
from ranking.statistics.responses import ItemResponses

_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class ItemDemand:
    """n items, aligned with the catalog.

    popularity  (n,) 0 to 1, as of `core.demand.popularity_of`
    approval    (n,) 0 to 1: smoothed share of approvals among the verdicts
    verdicts    (n,) how many approvals and dislikes there were
    trends      (n, 3) 0 to 1: demand decayed by each of TREND_DAYS, over that of the item with the most
    responses   how people responded where the items were shown
    """

    popularity: Doubles
    approval: Doubles
    verdicts: Doubles
    trends: Doubles
    responses: ItemResponses

    @classmethod
    def from_counts(
        cls,
        popularity: Doubles,
        approvals: Doubles,
        dislikes: Doubles,
        *,
        trends: Doubles | None = None,
        responses: ItemResponses | None = None,
    ) -> "ItemDemand":
        """From the popularity and how many approvals and dislikes each item had; all (n,).

        trends     (n, 3) decayed sums, each column to any scale; left out where there was no demand
        responses  left out where nothing was shown
        """
        size = len(popularity)
        if trends is None:
            trends = np.zeros((size, len(TREND_DAYS)))
        most = trends.max(axis=0, initial=0.0)
        return cls(
            popularity,
            approval_of(approvals, dislikes),
            approvals + dislikes,
            np.divide(trends, most, out=np.zeros(trends.shape), where=most > 0.0),
            ItemResponses.none(size) if responses is None else responses,
        )

    def only(self, which: Bools) -> "ItemDemand":
        """The items of a mask (n,)."""
        return ItemDemand(
            self.popularity[which],
            self.approval[which],
            self.verdicts[which],
            self.trends[which],
            self.responses.only(which),
        )


class DemandSweep:
    """The demand as it was at any moment of a log that is walked through once, oldest event first.

    Only ratios of the decayed sums matter.
    """

    def __init__(self, item_ids: Ints, *, half_life_days: float) -> None:
        """`item_ids` (n,) sorted: the catalog; events of other items are passed over."""
        self._item_ids = item_ids
        # Apart from the short half-lives, which forget the distant past altogether.
        self._sums = DecayedSums(len(item_ids), [half_life_days])
        self._trends = DecayedSums(len(item_ids), TREND_DAYS)
        self._approvals = np.zeros(len(item_ids))
        self._dislikes = np.zeros(len(item_ids))

    def add(self, events: Events) -> None:
        """Takes in events that are not older than those before."""
        rows = positions(events.item_ids, self._item_ids)
        known = rows >= 0
        rows, weights, times = rows[known], events.weights[known].astype(np.float64), events.times[known]
        for sums in (self._sums, self._trends):
            sums.add(rows, np.maximum(weights, 0.0), times)
        np.add.at(self._approvals, rows, events.relevant[known])
        np.add.at(self._dislikes, rows, weights < 0)

    def demand(self, approvals: Doubles | None = None, responses: ItemResponses | None = None) -> ItemDemand:
        """The demand after all that was taken in; `approvals` (n,) in place of the relevant events."""
        if approvals is None:
            approvals = self._approvals
        popularity = popularity_of(self._sums.relative[:, 0], approval_of(approvals, self._dislikes))
        return ItemDemand.from_counts(
            popularity, approvals, self._dislikes, trends=self._trends.relative, responses=responses
        )


def demand_of(
    events: Events, item_ids: Ints, *, half_life_days: float, responses: ItemResponses | None = None
) -> ItemDemand:
    """The demand after all of `events`, which come in any order; `item_ids` (n,) sorted."""
    sweep = DemandSweep(item_ids, half_life_days=half_life_days)
    # What is decayed takes several times the memory of the events themselves.
    for start in range(0, len(events), _AT_ONCE):
        sweep.add(events.slice(start, start + _AT_ONCE))
    return sweep.demand(responses=responses)
