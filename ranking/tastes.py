"""The facets of an item that a person's taste speaks for."""

import numpy as np

from core.arrays import Doubles
from profiles.reduction import KINDS, Taste, columns_of
from ranking.snapshot import CatalogSnapshot

MOST_LIKED = 3

LikedFacets = tuple[tuple[str, str], ...]
"""(kind, name) of facets, what counts most first."""


def liked_facets(item_id: int, taste: Taste, weights: Doubles, catalog: CatalogSnapshot) -> LikedFacets:
    """At most MOST_LIKED facets of an item, those with the greatest `weights` above 0.

    weights  (k,) one for each facet of the taste
    """
    row = int(catalog.rows_of(np.array([item_id]))[0])
    if row < 0:
        return ()
    facets = catalog.content.facets
    mine = catalog.facet_ids[facets.indices[facets.indptr[row] : facets.indptr[row + 1]]]
    _, places = columns_of(mine, taste.facet_ids)
    places = places[weights[places] > 0.0]
    most = places[np.argsort(-weights[places], kind="stable")]
    named = [
        (KINDS[taste.kinds[place]], taste.names[facet_id])
        for place, facet_id in zip(most.tolist(), taste.facet_ids[most].tolist(), strict=True)
        if facet_id in taste.names
    ]
    return tuple(named[:MOST_LIKED])
