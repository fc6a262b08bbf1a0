"""The rules of staff as a request reads them: arrays over one catalog, in force by time and segment."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Ints
from curation.kinds import ALL, BLOCK, BOOST, BURY


@dataclass(frozen=True, slots=True, eq=False)
class ActingRule:
    """One rule over a catalog.

    segment      whose lists it acts on; "" for everybody's
    number       the slot of a pin, the factor of a boost or bury, the most of a quota; 0 for a block
    begins, ends  seconds since 1970; it acts from the first on, and no more at the second
    item_ids     sorted: what it names
    groups       of a quota, (n, g) over the items of the catalog: what counts together; None for others
    """

    rule_id: int
    kind: str
    segment: str
    number: float
    begins: float
    ends: float
    item_ids: Ints
    groups: "csr_matrix[np.float64] | None" = None

    def names(self, item_ids: Ints) -> Bools:
        """The mask of those items (k,) that it is about."""
        found: Bools = np.isin(item_ids, self.item_ids)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """Rules over one catalog, in the order in which they were made."""

    rules: tuple[ActingRule, ...] = ()

    def __iter__(self) -> Iterator[ActingRule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def in_force(self, now: float, segment: str) -> "RuleSet":
        """Those that act at a moment on the lists of somebody in a segment; "": of nobody knows which."""
        if not self.rules:
            return self
        return RuleSet(
            tuple(one for one in self.rules if one.begins <= now < one.ends and one.segment in ("", segment))
        )

    def without(self, off: str | Collection[int]) -> "RuleSet":
        """Those that are not switched off by their ids. ALL leaves the blocks, which may be an obligation."""
        if not off:
            return self
        kept = (one for one in self.rules if (one.kind == BLOCK if off == ALL else one.rule_id not in off))
        return RuleSet(tuple(kept))

    def of_kind(self, *kinds: str) -> list[ActingRule]:
        """The rules of these kinds."""
        return [one for one in self.rules if one.kind in kinds]

    @property
    def blocked(self) -> Ints:
        """The ids of the items that no list may hold, sorted."""
        named = [one.item_ids for one in self.of_kind(BLOCK)]
        blocked: Ints = np.unique(np.concatenate(named)) if named else np.empty(0, dtype=np.int64)
        return blocked

    def factors_of(self, item_ids: Ints) -> Doubles | None:
        """The factor of each item's score (n,); None where nothing is boosted or buried."""
        weighing = self.of_kind(BOOST, BURY)
        if not weighing:
            return None
        factors = np.ones(len(item_ids))
        for one in weighing:
            factors[one.names(item_ids)] *= one.number
        return factors

    def weighing(self, item_ids: Ints) -> list[tuple[int, ...]]:
        """The ids of the rules that boost or bury each item (n,)."""
        masks = [(one.rule_id, one.names(item_ids).tolist()) for one in self.of_kind(BOOST, BURY)]
        return [tuple(rule_id for rule_id, mask in masks if mask[row]) for row in range(len(item_ids))]


NO_RULES = RuleSet()
