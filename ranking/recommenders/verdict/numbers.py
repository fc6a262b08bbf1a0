"""Numbers of items, as levels that a verdict may depend on: short and long, cheap and dear.

A number is told by how near it lies to each of KNOTS quantiles of the catalog: it shares a weight of 1 among
the two that it lies between (a linear spline). An item's numbers share it equally; one without any has none.
"""

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Doubles

# The least, the quartiles and the most: more tell nothing more from ten verdicts of a person.
KNOTS = 5


def knots_of(numbers: Doubles) -> Doubles:
    """The quantiles (c, KNOTS) of numbers (n, c), on the scale of `levels_of`; zeros where none is known."""
    knots = np.zeros((numbers.shape[1], KNOTS))
    for column, values in enumerate(_scaled(numbers).T):
        known = values[~np.isnan(values)]
        if len(known):
            knots[column] = np.quantile(known, np.linspace(0.0, 1.0, KNOTS))
    return knots


def levels_of(numbers: Doubles, knots: Doubles) -> "csr_matrix[np.float64]":
    """The levels (n, c * KNOTS) of numbers (n, c); those of each item add up to 1, or to 0 without any."""
    count, columns = numbers.shape
    values = _scaled(numbers)
    # A number that all items have alike says nothing.
    known = ~np.isnan(values) & (knots[:, -1] > knots[:, 0])
    share = known / np.maximum(known.sum(axis=1, keepdims=True), 1)
    places, weights = np.zeros((count, columns, 2), dtype=np.int64), np.zeros((count, columns, 2))
    for column in np.flatnonzero(known.any(axis=0)).tolist():
        at, first = np.unique(knots[column], return_index=True)
        place = np.interp(np.nan_to_num(values[:, column]), at, first)
        lower = np.minimum(place.astype(np.int64), KNOTS - 2)
        places[:, column] = column * KNOTS + np.stack([lower, lower + 1], axis=1)
        weights[:, column] = np.stack([1.0 - (place - lower), place - lower], axis=1)
    held = weights * share[:, :, None]
    rows = np.repeat(np.arange(count), 2 * columns)
    levels = csr_matrix((held.ravel(), (rows, places.ravel())), shape=(count, columns * KNOTS))
    levels.eliminate_zeros()
    return levels


def _scaled(numbers: Doubles) -> Doubles:
    """Numbers by their logarithm, signed: a minute more means less to a long film."""
    scaled: Doubles = np.sign(numbers) * np.log1p(np.abs(numbers))
    return scaled
