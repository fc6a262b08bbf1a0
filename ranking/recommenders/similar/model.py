"""The likeness of items by their facets."""

import numpy as np

from core.arrays import Doubles, Rows
from core.sparse import dense_rows
from ranking.features import ItemContent


def content_similarities(rows: Rows, content: ItemContent) -> Doubles:
    """The cosine of the weighted facets of each item with those of the items at `rows`, (n, len(rows))."""
    # A product with a dense matrix is several times faster than one of two sparse ones.
    products = np.asarray(content.weighted @ dense_rows(content.weighted, rows))
    lengths = content.norms[:, -1]
    return _ratio(products, np.outer(lengths, lengths[rows]))


def _ratio(numerator: Doubles, denominator: Doubles) -> Doubles:
    result = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    smaller: Doubles = np.minimum(result, 1.0)
    return smaller
