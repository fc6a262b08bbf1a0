"""Candidates between the stages of the request path: parallel arrays, best first, never changed in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.domain import BOOSTED


@dataclass(frozen=True, slots=True)
class Boost:
    """The factors of one base score: 1 + the parts of taste, the penalty by dislikes, and what was seen.

    parts    by the kind of facet that adds it, each 0 or more
    penalty  above 0, at most 1
    seen     above 0, at most 1: below it for what was passed over and what is like an item known already
    asked    what the request asked for: 1 to 3^5 for what it boosts, below 1 for what it buries
    curated  what rules of staff ask for: 1 to 3 for each that boosts it, 0.01 to 1 for each that buries it
    """

    parts: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys(BOOSTED, 0.0))
    penalty: float = 1.0
    seen: float = 1.0
    asked: float = 1.0
    curated: float = 1.0

    @property
    def taste(self) -> float:
        """1 + the sum of the parts, at least 1."""
        return sum(self.parts.values(), 1.0)

    @property
    def percent(self) -> int:
        """The part of taste in whole percent, 0 or more."""
        return round(100.0 * (self.taste - 1.0))

    @property
    def multiplier(self) -> float:
        return self.taste * self.penalty * self.seen * self.asked * self.curated


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """The items that one source brings, best first, with their scores there in 0 to 1; (n,) each."""

    source: str
    item_ids: NDArray[np.int64]
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.item_ids)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """n retrieved items, best first.

    item_ids       (n,) no item twice
    base_scores    (n,) 0 to 1, as the base ranking sees it
    boosts         (n, kinds) parts that the person's taste adds, by BOOSTED, each 0 or more
    penalties      (n,) factors by their dislikes, above 0, at most 1
    seen           (n,) factors by what they have seen (`ranking.seen`), above 0, at most 1
    asked          (n,) factors that the request asked for
    curated        (n,) factors by rules of staff
    scores         (n,) base score × (1 + sum of boosts) × penalty × seen, 0 to MOST_SCORE, × asked × curated
    sources        (n,) name of the source that brought the item first
    source_ranks   (n,) from 1, its place there
    source_scores  (n,) its score there
    propensities   (n,) P(this item at this place) under the policy that made the list

    A column of equal values takes no memory (`_constant`): most pools are held back by nothing, and many of
    them are kept (`ranking.memory`).
    """

    item_ids: NDArray[np.int64]
    base_scores: NDArray[np.float64]
    boosts: NDArray[np.float64]
    penalties: NDArray[np.float64]
    seen: NDArray[np.float64]
    asked: NDArray[np.float64]
    curated: NDArray[np.float64]
    scores: NDArray[np.float64]
    sources: NDArray[np.object_]
    source_ranks: NDArray[np.int64]
    source_scores: NDArray[np.float64]
    propensities: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.item_ids)

    @classmethod
    def from_source(
        cls, source: str, item_ids: NDArray[np.int64], scores: NDArray[np.float64]
    ) -> "Candidates":
        """The candidates of one source: `item_ids` best first with their `scores` in 0 to 1."""
        return cls.join([Brought(source, item_ids, scores)])

    @classmethod
    def join(cls, parts: Sequence[Brought]) -> "Candidates":
        """The parts one after another; of an item that several brought, the first stays.

        Raises ValueError for no parts at all.
        """
        if not parts:
            raise ValueError("There is nothing to join.")
        lengths = [len(part) for part in parts]
        item_ids = np.concatenate([part.item_ids for part in parts])
        _, first = np.unique(item_ids, return_index=True)
        first.sort()
        scores = np.concatenate([part.scores for part in parts])[first]
        ones = _constant(1.0, len(first))
        names = np.array([part.source for part in parts], dtype=np.object_)
        return cls(
            item_ids=item_ids[first],
            base_scores=scores,
            boosts=np.broadcast_to(0.0, (len(first), len(BOOSTED))),
            penalties=ones,
            seen=ones,
            asked=ones,
            curated=ones,
            scores=scores,
            sources=np.repeat(names, lengths)[first],
            source_ranks=np.concatenate([np.arange(1, length + 1) for length in lengths])[first],
            source_scores=scores,
            propensities=ones,
        )

    @property
    def boosted_scores(self) -> NDArray[np.float64]:
        """(n,) the scores without penalties."""
        factors = (1.0 + self.boosts.sum(axis=1)) * self.seen * self.asked * self.curated
        boosted: NDArray[np.float64] = self.base_scores * factors
        return boosted

    def boost_rows(self) -> list[Boost]:
        """The factors of each base score, (n,)."""
        return [
            Boost(dict(zip(BOOSTED, parts, strict=True)), *factors)
            for parts, *factors in zip(
                *(
                    column.tolist()
                    for column in (self.boosts, self.penalties, self.seen, self.asked, self.curated)
                ),
                strict=True,
            )
        ]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Candidates":
        """Those of the rows (or mask) given, in that order."""
        item_ids = self.item_ids[rows]
        columns = {name: _taken(getattr(self, name), rows, len(item_ids)) for name in _OTHERS}
        return Candidates(item_ids, **columns)

    def with_base(self, base_scores: NDArray[np.float64]) -> "Candidates":
        """The same candidates under new base scores, best first; equal ones keep their order."""
        return _in_order(replace(self, base_scores=base_scores))

    def with_propensities(self, propensities: NDArray[np.float64]) -> "Candidates":
        """The same candidates with the chances that they stand where they stand."""
        return replace(self, propensities=propensities)

    def with_boosts(self, boosts: NDArray[np.float64], penalties: NDArray[np.float64]) -> "Candidates":
        """The same candidates under boosts (n, kinds) and penalties (n,), best first."""
        return _in_order(replace(self, boosts=boosts, penalties=penalties))

    def with_seen(self, seen: NDArray[np.float64]) -> "Candidates":
        """The same candidates under factors by what the person has seen, (n,), best first."""
        return _in_order(replace(self, seen=seen))

    def with_asked(self, asked: NDArray[np.float64]) -> "Candidates":
        """The same candidates under factors that the request asked for, (n,), best first."""
        return _in_order(replace(self, asked=asked))

    def with_curated(self, curated: NDArray[np.float64]) -> "Candidates":
        """The same candidates under factors by rules of staff, (n,), best first."""
        return _in_order(replace(self, curated=curated))


def _in_order(candidates: Candidates) -> Candidates:
    scored = replace(candidates, scores=candidates.boosted_scores * candidates.penalties)
    return scored.take(np.argsort(-scored.scores, kind="stable"))


def _constant(value: float, length: int) -> NDArray[np.float64]:
    """A column (n,) of one value, which is held once. It cannot be written to."""
    return np.broadcast_to(np.float64(value), (length,))


def _taken(column: NDArray[Any], rows: NDArray[np.intp] | NDArray[np.bool_], length: int) -> NDArray[Any]:
    """The rows of a column (n, …), of which there are `length`; of equal values still held once."""
    is_constant = len(column) > 0 and not column.strides[0]
    return column[:length] if is_constant and length <= len(column) else column[rows]


_OTHERS = tuple(field.name for field in fields(Candidates) if field.name != "item_ids")
