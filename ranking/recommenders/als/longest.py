"""The items with the longest factors, among which the best for nearly everybody are.

A score is at most the length of the person's factor times that of the item's. So once enough of the longest
items score more than that product with the next longest, no other item can be among the best (length pruning:
Teflioudi, Gemulla and Mykytiuk, "LEMP: Fast Retrieval of Large Entries in a Matrix Product", SIGMOD 2015).
Most of a large catalog has met few people, and regularization keeps its factors short.
"""

from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Floats, Ints, Rows, reaching
from ranking.recommenders.als.model import AlsModel
from ranking.recommenders.barred import Barred

# From so many items on it is worth it: of fewer, the best thousand are too large a part to be all long.
LARGE = 500_000
# The share of the items that are held twice, and the part of them that is met first.
_SHARE, _FIRST = 0.25, 1 / 8


@dataclass(frozen=True, slots=True, eq=False)
class LongestFactors:
    """The longest k of the factors of a catalog's items, longest first.

    rows      (k,) of the model
    item_ids  (k,) of these rows
    factors   (k, f), a copy
    lengths   (k + 1,) of each, and of the longest that is not among them
    """

    rows: Rows
    item_ids: Ints
    factors: Floats
    lengths: Floats

    @classmethod
    def of(cls, model: AlsModel, allowed: Bools) -> "LongestFactors | None":
        """Of the allowed rows (n,) of a model; None where there are few."""
        rows = np.flatnonzero(allowed)
        if len(rows) < LARGE:
            return None
        lengths = model.lengths[rows]
        longest = np.argsort(-lengths, kind="stable")[: int(_SHARE * len(rows)) + 1]
        chosen = rows[longest[:-1]]
        return cls(chosen, model.item_ids[chosen], model.item_factors[chosen], lengths[longest])

    def best(self, vector: Floats, limit: int, barred: Barred) -> Rows | None:
        """The rows of the model, rising, with the highest scores for a person's factor (f,).

        Some more than `limit`, which is at least 1, none barred. None where others than the longest may be
        among them.
        """
        # Lengths are rounded as scores are.
        bounds = (1.0 + 1e-5) * float(np.linalg.norm(vector)) * self.lengths
        scores = np.empty(len(self.rows), dtype=np.float32)
        met, end = 0, max(1, int(_FIRST * len(self.rows)))
        while met < len(scores):
            scores[met:end] = self.factors[met:end] @ vector
            near = reaching(scores[:end], limit + len(barred.ids))
            near = near[~barred.holds(self.item_ids[near])]
            enough = len(near) >= limit
            if enough and np.partition(scores[near], len(near) - limit)[len(near) - limit] > bounds[end]:
                return np.sort(self.rows[near])
            met, end = end, min(2 * end, len(scores))
        return None
