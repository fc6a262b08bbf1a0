"""Items that a list must not hold: a few by their ids, and what a filter leaves out, as a mask."""

from dataclasses import dataclass, field, replace

import numpy as np

from core.arrays import Bools, Ints, positions

_NOTHING = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Barred:
    """Items that no list may hold.

    ids         in any order
    catalog     (n,) sorted ids of the items that `filtered` is about
    filtered    (n,) True for what a filter leaves out; None where there is none. It may be nearly everything,
                so it is a mask and never becomes ids.
    """

    ids: Ints
    catalog: Ints = field(default_factory=lambda: _NOTHING)
    filtered: Bools | None = None

    def and_ids(self, ids: Ints) -> "Barred":
        """The same, and these items."""
        return replace(self, ids=np.concatenate([self.ids, ids])) if len(ids) else self

    def holds(self, item_ids: Ints) -> Bools:
        """The mask of those items (k,) that are barred."""
        found: Bools = np.isin(item_ids, self.ids)
        if self.filtered is not None and len(self.catalog):
            rows = positions(item_ids, self.catalog)
            found |= (rows >= 0) & self.filtered[rows]
        return found

    def open_among(self, item_ids: Ints, allowed: Bools | None = None) -> Bools:
        """The mask of sorted items (m,) that are not barred, and allowed where that is given."""
        is_open = np.ones(len(item_ids), dtype=np.bool_) if allowed is None else allowed.copy()
        rows = positions(self.ids, item_ids)
        is_open[rows[rows >= 0]] = False
        if self.filtered is None or not len(self.catalog):
            return is_open
        if item_ids is self.catalog:
            is_open &= ~self.filtered
            return is_open
        of_catalog = positions(item_ids, self.catalog)
        is_open[(of_catalog >= 0) & self.filtered[of_catalog]] = False
        return is_open


NOTHING_BARRED = Barred(_NOTHING)
