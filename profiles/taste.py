"""The taste vector over a catalog, and how near items lie to it by Manhattan distance."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiles.reduction import NEUTRAL, Taste, columns_of

if TYPE_CHECKING:
    # It loads SciPy, which the commands of rows do without.
    from core.sparse import Reversible


def vector_for(taste: Taste, facet_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """The taste vector (m,) in [0, 1] over the facets of a catalog, `facet_ids` (m,) sorted.

    NEUTRAL stands for the facets of which the vector knows nothing.
    """
    vector = np.full(len(facet_ids), NEUTRAL)
    known, columns = columns_of(taste.facet_ids, facet_ids)
    vector[columns] = taste.values[known]
    return vector


def nearness(item_facets: "Reversible", vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """The amount by which each item is nearer to a taste vector (m,) than one without any facet, (n,).

    item_facets  (n, m), 1 where the item has the facet

    The distance Σ |v − x| over all facets is Σ v for an item without any. Each facet that an item has changes
    it by |v − 1| − v = 1 − 2v, so that one at 0.5, of which the vector knows nothing, orders nothing.
    """
    return item_facets.product(2.0 * vector - 1.0)
