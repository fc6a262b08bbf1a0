"""Array types, named once, and the two look-ups that everything over arrays shares."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Rows: TypeAlias = NDArray[np.intp]
Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]


def positions(values: Ints, sorted_ids: Ints) -> Rows:
    """Index of each value in a sorted unique array, -1 where it is absent; shape as `values`."""
    if not len(sorted_ids):
        return np.full(values.shape, -1, dtype=np.intp)
    found = np.minimum(np.searchsorted(sorted_ids, values), len(sorted_ids) - 1)
    return np.where(sorted_ids[found] == values, found, -1)


def top_k(scores: Floats | Doubles, k: int, exclude_rows: Rows) -> Rows:
    """Rows of the k highest scores, highest first, ties by row; fewer if exclusions leave fewer."""
    allowed = np.ones(len(scores), dtype=np.bool_)
    allowed[exclude_rows] = False
    rows = np.flatnonzero(allowed)
    if 0 < k < len(rows):
        candidates = scores[rows]
        threshold = np.partition(candidates, len(rows) - k)[len(rows) - k]
        above = rows[candidates > threshold]
        rows = np.concatenate([above, rows[candidates == threshold][: k - len(above)]])
    return rows[np.lexsort((rows, -scores[rows]))][: max(k, 0)]
