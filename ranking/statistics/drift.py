"""The shift of a distribution between training and serving: the population stability index and what it needs.

The index compares the shares of values in bins that were cut where the training data has its tenths:
PSI = Σ (q − p) ln(q / p). Below 0.1 is usually read as stable, above 0.25 as another population (Siddiqi,
"Credit Risk Scorecards", 2006).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import Doubles, Floats

STABLE, SHIFTED = 0.1, 0.25
# A share of nothing counts as so much: its logarithm would be infinite.
SMALLEST_SHARE = 1e-4
_TENTHS = np.linspace(0.1, 0.9, 9)


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distribution of n numbers, some of which may be unknown.

    edges   (e,) rising: bin i holds what is above edge i − 1 and at most edge i; the last what is above all
    shares  (e + 2,) of each bin, and last of what is unknown
    median  of what is known; None where nothing is
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]
    median: float | None

    @classmethod
    def of(cls, values: Doubles | Floats) -> "Distribution":
        """The distribution of values (n,), NaN for unknown, in bins of a tenth each.

        A value that a tenth or more has exactly gets a bin of its own. Raises ValueError for no values.
        """
        if not len(values):
            raise ValueError("A distribution needs values.")
        known = np.asarray(values, dtype=np.float64)
        known = known[~np.isnan(known)]
        if not len(known):
            return cls((), (0.0, 1.0), None)
        cuts = np.quantile(known, _TENTHS, method="lower")
        common = cuts[np.append(cuts[1:] == cuts[:-1], False)]
        if cuts[0] == known.min():
            common = np.append(common, cuts[0])
        edges = np.unique(np.concatenate([cuts, np.nextafter(common, -np.inf)]))
        shares = shares_of(values, edges)
        return cls(tuple(edges.tolist()), tuple(shares.tolist()), float(np.median(known)))

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Distribution":
        """The distribution from `as_json`. Raises KeyError, TypeError and ValueError for anything else."""
        median = kept["median"]
        edges, shares = tuple(map(float, kept["edges"])), tuple(map(float, kept["shares"]))
        if len(shares) != len(edges) + 2:
            raise ValueError("Edges and shares do not fit together.")
        return cls(edges, shares, None if median is None else float(median))

    def as_json(self) -> dict[str, Any]:
        """The numbers in JSON; a share has six decimals."""
        shares = [round(share, 6) for share in self.shares]
        return {"edges": list(self.edges), "shares": shares, "median": self.median}

    @property
    def unknown(self) -> float:
        """The share of what is unknown."""
        return self.shares[-1]


def shares_of(values: Doubles | Floats, edges: Sequence[float] | Doubles) -> Doubles:
    """The share of values (n,) in each bin, and last of NaN: (e + 2,), in all 1."""
    numbers = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(numbers)
    bins = np.searchsorted(np.asarray(edges, dtype=np.float64), numbers[known], side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1).astype(np.float64)
    shares: Doubles = np.append(counts, len(numbers) - known.sum()) / len(numbers)
    return shares


def stability_index(expected: Sequence[float], found: Sequence[float] | Doubles) -> float:
    """The population stability index of two rows of shares in the same bins; 0 where they are the same."""
    p = np.maximum(np.asarray(expected, dtype=np.float64), SMALLEST_SHARE)
    q = np.maximum(np.asarray(found, dtype=np.float64), SMALLEST_SHARE)
    return float(((q - p) * np.log(q / p)).sum())
