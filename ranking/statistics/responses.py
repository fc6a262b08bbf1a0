"""Responses to what was shown, up to a moment: how often people who examine an item engage with it.

Only how deep a list was examined is on record. So a slot counts as much as its rank is likely examined
(`ranking.statistics.exposure`), and the rate of an item is clicks over expected clicks of an average item
(COEC; Zhang and Jones, "Comparing click logs and editorial labels", 2007).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.arrays import Bools, Doubles, Ints, positions
from core.demand import RESPONSE_DAYS
from ranking.statistics.decay import DecayedSums
from ranking.statistics.exposure import Impressions, examination

# Every rate is averaged with so many examinations of average outcome, so that one look proves little.
RESPONSE_PRIOR = 5.0


@dataclass(frozen=True, eq=False)
class ItemResponses:
    """n items, aligned with the catalog; columns by RESPONSE_DAYS.

    examined  (n, 2) expected examinations: the sum of the chances of the ranks it stood at
    engaged   (n, 2) slots from which somebody did something that speaks for it
    refused   (n,) slots from which somebody turned it down, by the first half-life
    """

    examined: Doubles
    engaged: Doubles
    refused: Doubles

    @classmethod
    def none(cls, size: int) -> "ItemResponses":
        """The responses where nothing was shown."""
        nothing = np.zeros((size, len(RESPONSE_DAYS)))
        return cls(nothing, nothing, np.zeros(size))

    @cached_property
    def rates(self) -> Doubles:
        """(n, 2) engaged per examination, 0 or more; NaN where nothing was examined."""
        return smoothed_rates(self.engaged, self.examined)

    @cached_property
    def refusal_rates(self) -> Doubles:
        """(n,) refused per examination, 0 or more; NaN where nothing was examined."""
        return smoothed_rates(self.refused[:, None], self.examined[:, :1])[:, 0]

    def only(self, which: Bools) -> "ItemResponses":
        """The items of a mask (n,)."""
        return ItemResponses(self.examined[which], self.engaged[which], self.refused[which])


def smoothed_rates(found: Doubles, examined: Doubles) -> Doubles:
    """(n, k) rates by column, drawn to the column's own rate; NaN where a column has no examination."""
    totals = examined.sum(axis=0)
    averages = np.divide(found.sum(axis=0), totals, out=np.full(len(totals), np.nan), where=totals > 0.0)
    rates: Doubles = (found + RESPONSE_PRIOR * averages) / (examined + RESPONSE_PRIOR)
    return rates


class ResponseSweep:
    """The responses as they were at any moment of a log that is walked through once, oldest first.

    What is shown and what is done are two logs: each is walked through by itself.
    """

    def __init__(self, item_ids: Ints) -> None:
        """`item_ids` (n,) sorted: the catalog; other items are passed over."""
        self._item_ids = item_ids
        self._examined, self._engaged, self._refused = (
            DecayedSums(len(item_ids), half_lives)
            for half_lives in (RESPONSE_DAYS, RESPONSE_DAYS, RESPONSE_DAYS[:1])
        )

    def show(self, shown: Impressions) -> None:
        """Takes in slots that were seen, not older than those before."""
        rows = positions(shown.item_ids, self._item_ids)
        known = rows >= 0
        self._examined.add(rows[known], examination(shown.ranks[known]), shown.times[known])

    def answer(self, item_ids: Ints, weights: Doubles, times: Doubles) -> None:
        """Takes in acts (e,) from lists by their signed training weights, not older than those before."""
        rows = positions(item_ids, self._item_ids)
        for sums, which in ((self._engaged, weights > 0.0), (self._refused, weights < 0.0)):
            known = (rows >= 0) & which
            sums.add(rows[known], np.ones(int(known.sum())), times[known])

    def responses(self, moment: float) -> ItemResponses:
        """The responses to what was taken in, as of a moment not before it; seconds since 1970."""
        return ItemResponses(
            self._examined.at(moment), self._engaged.at(moment), self._refused.at(moment)[:, 0]
        )
