"""Candidates between the stages of the request path: parallel arrays, best first, never changed in place."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """n retrieved items, best first.

    item_ids       (n,) no item twice
    base_scores    (n,) 0 to 1, as the base ranking sees it
    multipliers    (n,) what personalisation multiplies the base score by
    scores         (n,) 0 to 1, what the list is ordered by: base score × multiplier
    sources        (n,) name of the source that brought the item first
    source_ranks   (n,) from 1, its place there
    source_scores  (n,) its score there
    """

    item_ids: NDArray[np.int64]
    base_scores: NDArray[np.float64]
    multipliers: NDArray[np.float64]
    scores: NDArray[np.float64]
    sources: NDArray[np.str_]
    source_ranks: NDArray[np.int64]
    source_scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.item_ids)

    @classmethod
    def from_source(
        cls, source: str, item_ids: NDArray[np.int64], scores: NDArray[np.float64]
    ) -> "Candidates":
        """What one source brings: `item_ids` best first with their `scores` in 0 to 1."""
        return cls(
            item_ids=item_ids,
            base_scores=scores,
            multipliers=np.ones(len(item_ids)),
            scores=scores,
            sources=np.full(len(item_ids), source),
            source_ranks=np.arange(1, len(item_ids) + 1),
            source_scores=scores,
        )

    @classmethod
    def join(cls, parts: Sequence["Candidates"]) -> "Candidates":
        """The parts one after another; of an item that several brought, the first stays.

        Raises ValueError for no parts at all.
        """
        if not parts:
            raise ValueError("There is nothing to join.")
        joined = Candidates(*(np.concatenate(arrays) for arrays in zip(*map(_arrays, parts), strict=True)))
        _, first = np.unique(joined.item_ids, return_index=True)
        return joined.take(np.sort(first))

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Candidates":
        """Those of the rows (or mask) given, in that order."""
        return Candidates(*(array[rows] for array in _arrays(self)))

    def with_base(self, base_scores: NDArray[np.float64]) -> "Candidates":
        """The same candidates under new base scores, best first; equal ones keep their order."""
        rescored = replace(self, base_scores=base_scores, scores=base_scores * self.multipliers)
        return rescored.take(np.argsort(-rescored.scores, kind="stable"))

    def with_boost(self, factors: NDArray[np.float64]) -> "Candidates":
        """The same candidates with their scores multiplied by `factors`, best first."""
        multipliers = self.multipliers * factors
        boosted = replace(self, multipliers=multipliers, scores=self.base_scores * multipliers)
        return boosted.take(np.argsort(-boosted.scores, kind="stable"))


def _arrays(candidates: Candidates) -> list[NDArray[Any]]:
    return [getattr(candidates, field.name) for field in fields(candidates)]
