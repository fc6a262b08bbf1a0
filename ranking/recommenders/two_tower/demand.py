"""The demand for each item at the times of a training set."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Floats, Rows
from ranking.recommenders.two_tower.data import TwoTowerExamples
from ranking.statistics.events import SECONDS_PER_DAY

# The log is cut into so many parts with as many examples each; what lies before a part makes its demand.
PARTS = 32
# So much of all demand is spread evenly over the items, so that one that nobody met yet has some.
SPREAD = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class DemandHistory:
    """The demand of n items before each of s − 1 parts of the log, and after all of it.

    starts  (s − 1,) seconds since 1970, rising: when each part begins
    logs    (s, n) log of each item's share of the demand, over the largest share at that time: at most 0
    """

    starts: Doubles
    logs: Floats

    @classmethod
    def of(cls, positives: TwoTowerExamples, items: int, half_life_days: float) -> "DemandHistory":
        """From the examples that speak for their items, by label, halved per half-life of age."""
        order = np.argsort(positives.times, kind="stable")
        times = positives.times[order]
        firsts = np.unique(np.searchsorted(times, times[np.arange(PARTS) * len(times) // PARTS]))
        sums, last, logs = np.zeros(items), times[0], [np.zeros(items, dtype=np.float32)]
        for first, end in zip(firsts, [*firsts[1:], len(times)], strict=True):
            part, now = order[first:end], times[end - 1]
            sums *= _faded(now - last, half_life_days)
            sums += np.bincount(
                positives.item_rows[part],
                positives.labels[part] * _faded(now - times[first:end], half_life_days),
                minlength=items,
            )
            last = now
            shares = sums / sums.sum() + SPREAD / items
            logs.append(np.log(shares / shares.max()).astype(np.float32))
        return cls(times[firsts], np.stack(logs))

    @property
    def latest(self) -> Floats:
        """(n,) after the whole log."""
        latest: Floats = self.logs[-1]
        return latest

    def before(self, times: Doubles) -> Rows:
        """(e,) the row of `logs` that was known at each time: nothing of the part it lies in."""
        return np.maximum(np.searchsorted(self.starts, times, side="right") - 1, 0)


def _faded(seconds: Doubles | float, half_life_days: float) -> Doubles:
    return np.asarray(np.exp2(-np.asarray(seconds) / SECONDS_PER_DAY / half_life_days))
