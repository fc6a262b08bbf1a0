"""The facets of items that a person's taste speaks for."""

import numpy as np

from core.arrays import Doubles, Ints
from core.sparse import Entries
from profiles.reduction import KINDS, Taste, columns_of
from ranking.snapshot import CatalogSnapshot

MOST_LIKED = 3

LikedFacets = tuple[tuple[str, str], ...]
"""(kind, name) of facets, what counts most first."""


def liked_facets(
    item_ids: Ints, taste: Taste, weights: Doubles, catalog: CatalogSnapshot
) -> list[LikedFacets]:
    """Of each item (n,) at most MOST_LIKED facets, those with the greatest `weights` above 0.

    weights  (k,) one for each facet of the taste
    """
    rows = catalog.rows_of(item_ids)
    known = np.flatnonzero(rows >= 0)
    entries = Entries.of(catalog.content.facets, rows[known])
    liked, places = columns_of(catalog.facet_ids[entries.columns], taste.facet_ids)
    owners = known[entries.owners[liked]]
    above = weights[places] > 0.0
    owners, places = owners[above], places[above]
    first = np.lexsort((-weights[places], owners))
    found: list[list[tuple[str, str]]] = [[] for _ in range(len(item_ids))]
    named = zip(
        owners[first].tolist(),
        taste.kinds[places[first]].tolist(),
        taste.facet_ids[places[first]].tolist(),
        strict=True,
    )
    for owner, kind, facet_id in named:
        if len(found[owner]) < MOST_LIKED and facet_id in taste.names:
            found[owner].append((KINDS[kind], taste.names[facet_id]))
    return [tuple(one) for one in found]
