"""Nearness by facets: the vectors of items are their facets.

The facets of an item are a vector of inverse document frequencies (`ItemContent.weighted`); its part of each
group of facets is scaled to length 1 (`ranking.recommenders.nearness`).
"""

import numpy as np
from scipy.sparse import csr_matrix

from ranking.item_content import GROUPS, ItemContent
from ranking.recommenders.nearness import Units


def unit_facets(content: ItemContent) -> Units:
    """The weighted facets of each item, those of each group of length 1."""
    weighted = content.weighted
    rows = np.repeat(np.arange(weighted.shape[0]), np.diff(weighted.indptr))
    lengths = content.norms[rows, content.groups[weighted.indices]]
    values = np.divide(weighted.data, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    units = csr_matrix((values, weighted.indices, weighted.indptr), shape=weighted.shape)
    return Units(content.item_ids, units, content.groups, len(GROUPS))
