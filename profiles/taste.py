"""The taste vector as arrays, and the distance of each item from it."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from profiles.reduction import NEUTRAL, Taste, columns_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def vector_for(taste: Taste, facet_ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """The taste vector (m,) in [0, 1] over the facets of a catalog, `facet_ids` (m,) sorted.

    NEUTRAL stands for the facets of which the vector knows nothing.
    """
    vector = np.full(len(facet_ids), NEUTRAL)
    known, columns = columns_of(taste.facet_ids, facet_ids)
    vector[columns] = taste.values[known]
    return vector


def manhattan_distances(
    item_facets: "csr_matrix[np.float64]", vector: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The distance (n,) from a taste vector (m,) to each item, Σ over the m facets of |vector − item|.

    item_facets  (n, m), in [0, 1]; what is not stored is 0

    Σ|v − x| = Σ v + Σ over the stored entries of (|v − x| − v), so the cost is that of the stored entries.
    A facet at 0.5 is as far from the items that have it as from those that have not: it orders nothing.
    """
    of_entries = vector[item_facets.indices]
    differences = np.abs(of_entries - item_facets.data) - of_entries
    rows = np.repeat(np.arange(item_facets.shape[0]), np.diff(item_facets.indptr))
    distances: NDArray[np.float64] = vector.sum() + np.bincount(
        rows, weights=differences, minlength=item_facets.shape[0]
    )
    return distances


def nearness(
    item_facets: "csr_matrix[np.float64]", taste: Taste, facet_ids: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How much nearer to a taste vector each item is than one without any facet, (n,).

    item_facets  (n, m), 1 where the item has the facet

    Σ v − distance = Σ over its facets of (2v − 1): those of which the vector knows nothing add nothing.
    """
    nearer = np.zeros(len(facet_ids))
    known, columns = columns_of(taste.facet_ids, facet_ids)
    nearer[columns] = 2.0 * taste.values[known] - 1.0
    result: NDArray[np.float64] = np.asarray(item_facets @ nearer)
    return result
