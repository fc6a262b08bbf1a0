"""Interactions as parallel arrays: the input of every trainer and of the time split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows
from ranking.statistics.decay import SECONDS_PER_DAY

__all__ = ["FULL_WEIGHT", "SECONDS_PER_DAY", "Events", "summed_history", "verdicts_of"]

# The training weight from which on more does not say more about liking.
FULL_WEIGHT = 3.0

_DTYPES = {
    "user_ids": np.int64,
    "item_ids": np.int64,
    "weights": np.float32,
    "times": np.float64,
    "relevant": np.bool_,
}


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """n events in any order; element i of every array belongs to event i.

    user_ids   (n,) who acted
    item_ids   (n,) on what
    weights    (n,) training weight; negative for a dislike, 0 where the event teaches nothing
    times      (n,) seconds since 1970, UTC
    relevant   (n,) counts as a success in evaluation (a like, a favorite, a watch-list entry)

    Raises ValueError for arrays of different lengths, other dtypes, or weights and times not finite.
    """

    user_ids: Ints
    item_ids: Ints
    weights: Floats
    times: Doubles
    relevant: Bools

    def __post_init__(self) -> None:
        for name, dtype in _DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype:
                raise ValueError(f"{name} must be {np.dtype(dtype)}, not {array.dtype}.")
            if array.shape != (len(self.user_ids),):
                raise ValueError(f"{name} has shape {array.shape}; it must be ({len(self.user_ids)},).")
        if not (np.isfinite(self.weights).all() and np.isfinite(self.times).all()):
            raise ValueError("Weights and times must be finite.")

    def __len__(self) -> int:
        return len(self.user_ids)

    @classmethod
    def none(cls) -> "Events":
        """No events."""
        return cls(**{name: np.empty(0, dtype=dtype) for name, dtype in _DTYPES.items()})

    @classmethod
    def join(cls, parts: "Sequence[Events]") -> "Events":
        """The events of all parts, one part after another. Raises ValueError for no parts."""
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _DTYPES})

    def select(self, which: Bools | Rows) -> "Events":
        """The events of a boolean mask (n,) or of an array of positions, in that order."""
        return Events(
            user_ids=self.user_ids[which],
            item_ids=self.item_ids[which],
            weights=self.weights[which],
            times=self.times[which],
            relevant=self.relevant[which],
        )

    def slice(self, start: int, stop: int) -> "Events":
        """Events start to stop - 1, as views that share memory with this object."""
        part = slice(start, stop)
        return Events(
            user_ids=self.user_ids[part],
            item_ids=self.item_ids[part],
            weights=self.weights[part],
            times=self.times[part],
            relevant=self.relevant[part],
        )

    def before(self, end: float) -> "Events":
        """The events with time < end."""
        return self.select(self.times < end)

    def between(self, start: float, end: float) -> "Events":
        """The events with start <= time < end."""
        return self.select((self.times >= start) & (self.times < end))


def verdicts_of(weights: Doubles | Floats, negative_scale: float = 1.0) -> Doubles:
    """(n,) from signed training weights: up to 1 for FULL_WEIGHT and more, -negative_scale below 0."""
    return np.where(weights < 0, -negative_scale, np.minimum(weights / FULL_WEIGHT, 1.0))


def summed_history(item_ids: Ints, weights: Doubles | Floats) -> tuple[Ints, Doubles]:
    """One person's events, oldest first, as items and weights: no item twice, in the order last acted on.

    The positive weights of an item are added up; a dislike outweighs them, with the sum of what is negative.
    """
    # The last occurrence decides the place: np.unique gives the first, so it looks from the end.
    _, from_end = np.unique(item_ids[::-1], return_index=True)
    last = np.sort(len(item_ids) - 1 - from_end)
    ordered = item_ids[last]
    known, inverse = np.unique(item_ids, return_inverse=True)
    liked = np.bincount(inverse, np.maximum(weights, 0), minlength=len(known))
    disliked = np.bincount(inverse, np.minimum(weights, 0), minlength=len(known))
    summed = np.where(disliked < 0, disliked, liked)
    result: Doubles = summed[np.searchsorted(known, ordered)]
    return ordered, result
