"""Examination of the slots of a list: only its depth is on record, so the rest is a matter of chance.

What was passed over deep in a list was perhaps never examined, and no order should be blamed for it. Where
weights can be given, such a slot weighs as much as it was likely examined; where they cannot (NDCG knows no
weights within a list), it is left out as often as it was likely not examined.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Ints, Rows

PASSED_OVER = 1


@dataclass(frozen=True, slots=True, eq=False)
class Impressions:
    """n slots that were seen, oldest first.

    item_ids  (n,)
    ranks     (n,) from 1
    times     (n,) when the list was shown, seconds since 1970
    """

    item_ids: Ints
    ranks: Ints
    times: Doubles

    def __len__(self) -> int:
        return len(self.item_ids)

    @classmethod
    def join(cls, parts: "Sequence[Impressions]") -> "Impressions":
        """The parts one after another. Raises ValueError for no parts."""
        return cls(
            np.concatenate([part.item_ids for part in parts]),
            np.concatenate([part.ranks for part in parts]),
            np.concatenate([part.times for part in parts]),
        )

    def take(self, which: Bools | Rows | slice) -> "Impressions":
        """Those of a mask (n,), of positions, or of a slice."""
        return Impressions(self.item_ids[which], self.ranks[which], self.times[which])


NO_IMPRESSIONS = Impressions(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))


def examination(ranks: Ints) -> Doubles:
    """P(a rank is examined) until it is measured: 1 / log2(rank + 1), (n,) in (0, 1]."""
    chances: Doubles = 1 / np.log2(ranks + 1.0)
    return chances


def examination_of_slots(sizes: Ints, ranks: Ints, chances: Doubles) -> Doubles:
    """P(examined) of each slot, (n,), given how deep the person looked: the deepest slot was, for certain.

    sizes (g,); ranks and chances (n,), chances as of `examination`.
    """
    lists = np.repeat(np.arange(len(sizes)), sizes)
    deepest = np.zeros(len(sizes), dtype=np.int64)
    np.maximum.at(deepest, lists, ranks)
    return np.where(ranks == deepest[lists], 1.0, chances)


def draw_seen(
    sizes: Ints, ranks: Ints, relevance: Ints, chances: Doubles, rng: np.random.Generator
) -> tuple[Bools, Ints]:
    """The slots that were examined, as one draw has it: a mask (n,) and what is left of each list (g,).

    What anything was done with was examined; what was passed over is kept with its chance.
    """
    kept = (relevance != PASSED_OVER) | (rng.random(len(ranks)) < examination_of_slots(sizes, ranks, chances))
    lists: Rows = np.repeat(np.arange(len(sizes)), sizes)
    left: Ints = np.bincount(lists[kept], minlength=len(sizes)).astype(np.int64)
    return kept, left
