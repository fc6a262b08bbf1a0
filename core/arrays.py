"""Array types, named once, and the look-ups that everything over arrays shares."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Rows: TypeAlias = NDArray[np.intp]
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

# Scores whose highest stands for all of them.
_BLOCK = 64


def positions(values: Ints, sorted_ids: Ints) -> Rows:
    """Index of each value in a sorted unique array, -1 where it is absent; shape as `values`."""
    if not len(sorted_ids):
        return np.full(values.shape, -1, dtype=np.intp)
    found = np.minimum(np.searchsorted(sorted_ids, values), len(sorted_ids) - 1)
    return np.where(sorted_ids[found] == values, found, -1)


def pairs_among(left: Ints, right: Ints, other_left: Ints, other_right: Ints) -> Bools:
    """(n,) True where the pair (left, right) is one of the pairs (other_left, other_right)."""
    ids, codes = np.unique(np.concatenate([right, other_right]), return_inverse=True)
    found: Bools = np.isin(left * len(ids) + codes[: len(right)], other_left * len(ids) + codes[len(right) :])
    return found


def top_k(scores: Floats | Doubles, k: int, exclude_rows: Rows) -> Rows:
    """Rows of the k highest scores, highest first, ties by row; fewer if exclusions leave fewer."""
    allowed = np.ones(len(scores), dtype=np.bool_)
    allowed[exclude_rows] = False
    return top_k_of(scores, k, allowed)


def reaching(scores: Floats | Doubles, k: int) -> Rows:
    """The rows, rising, of at least the k highest scores, k > 0, with all that equal the last of them.

    Of many scores some more than k: the maxima of blocks tell how high at least k of them are.
    """
    if k >= len(scores):
        return np.arange(len(scores))
    whole = len(scores) // _BLOCK
    levels = scores if whole < 4 * k else scores[: whole * _BLOCK].reshape(whole, _BLOCK).max(axis=1)
    return np.flatnonzero(scores >= np.partition(levels, len(levels) - k)[len(levels) - k])


def top_k_of(scores: Floats | Doubles, k: int, allowed: Bools) -> Rows:
    """The same of the allowed rows (n,) alone."""
    rows = np.flatnonzero(allowed)
    own = scores[rows]
    if 0 < k < len(rows):
        best = own >= np.partition(own, len(rows) - k)[len(rows) - k]
        rows, own = rows[best], own[best]
    return rows[np.argsort(-own, kind="stable")][: max(k, 0)]
