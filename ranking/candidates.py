"""Candidates between the stages of the request path: parallel arrays, best first, never changed in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain import BOOSTED
from ranking.features import FEATURES


@dataclass(frozen=True, slots=True)
class Boost:
    """What a base score is multiplied by: 1 + the parts of taste × what dislikes leave.

    parts  by the kind of facet that adds it, each 0 or more
    """

    parts: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(BOOSTED, 0.0))
    dislikes: float = 1.0

    @property
    def lift(self) -> float:
        return sum(self.parts.values(), 1.0)

    @property
    def percent(self) -> int:
        """What taste adds, in whole percent."""
        return round(100.0 * (self.lift - 1.0))

    @property
    def multiplier(self) -> float:
        return self.lift * self.dislikes


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """n retrieved items, best first.

    item_ids       (n,) no item twice
    base_scores    (n,) 0 to 1, as the base ranking sees it
    lifts          (n, kinds) what the person's taste adds, by BOOSTED, each 0 or more
    held_back      (n,) what their dislikes leave of the score, at most 1
    scores         (n,) base score × (1 + sum of lifts) × held_back, cut at 1; the order is that of the uncut
    sources        (n,) name of the source that brought the item first
    source_ranks   (n,) from 1, its place there
    source_scores  (n,) its score there
    propensities   (n,) P(this item at this place) under the policy that made the list
    features       (n, f) columns as in `ranking.features.FEATURES`; zeros until they are computed
    """

    item_ids: NDArray[np.int64]
    base_scores: NDArray[np.float64]
    lifts: NDArray[np.float64]
    held_back: NDArray[np.float64]
    scores: NDArray[np.float64]
    sources: NDArray[np.str_]
    source_ranks: NDArray[np.int64]
    source_scores: NDArray[np.float64]
    propensities: NDArray[np.float64]
    features: NDArray[np.float32]

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
            lifts=np.zeros((len(item_ids), len(BOOSTED))),
            held_back=np.ones(len(item_ids)),
            scores=scores,
            sources=np.full(len(item_ids), source),
            source_ranks=np.arange(1, len(item_ids) + 1),
            source_scores=scores,
            propensities=np.ones(len(item_ids)),
            features=np.zeros((len(item_ids), len(FEATURES)), dtype=np.float32),
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

    @property
    def lifted_scores(self) -> NDArray[np.float64]:
        """(n,) what the scores would be without dislikes, not cut at 1."""
        lifted: NDArray[np.float64] = self.base_scores * (1.0 + self.lifts.sum(axis=1))
        return lifted

    def boosts(self) -> list[Boost]:
        """What each base score is multiplied by."""
        return [
            Boost(dict(zip(BOOSTED, parts, strict=True)), dislikes)
            for parts, dislikes in zip(self.lifts.tolist(), self.held_back.tolist(), strict=True)
        ]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Candidates":
        """Those of the rows (or mask) given, in that order."""
        return Candidates(*(array[rows] for array in _arrays(self)))

    def with_base(self, base_scores: NDArray[np.float64]) -> "Candidates":
        """The same candidates under new base scores, best first; equal ones keep their order."""
        return _in_order(replace(self, base_scores=base_scores))

    def with_features(self, features: NDArray[np.float32]) -> "Candidates":
        """The same candidates with their features."""
        return replace(self, features=features)

    def with_propensities(self, propensities: NDArray[np.float64]) -> "Candidates":
        """The same candidates with the chances that they stand where they stand."""
        return replace(self, propensities=propensities)

    def with_boosts(self, lifts: NDArray[np.float64], held_back: NDArray[np.float64]) -> "Candidates":
        """The same candidates with what taste adds (n, kinds) and dislikes leave (n,), best first."""
        return _in_order(replace(self, lifts=lifts, held_back=held_back))


def _in_order(candidates: Candidates) -> Candidates:
    uncut = candidates.lifted_scores * candidates.held_back
    scored = replace(candidates, scores=np.minimum(uncut, 1.0))
    return scored.take(np.argsort(-uncut, kind="stable"))


def _arrays(candidates: Candidates) -> list[NDArray[Any]]:
    return [getattr(candidates, field.name) for field in fields(candidates)]
