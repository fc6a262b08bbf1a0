"""Items near an item: by who chose both, and by what they are, so that a new item has neighbours too."""

import numpy as np

from core.arrays import Doubles, Rows
from ranking.features import ItemContent
from ranking.recommenders.als.model import AlsModel

# How much the behaviour of people counts beside what the items are, where there is any.
BEHAVIOUR_SHARE = 0.5


def similarities(row: int, content: ItemContent, als: AlsModel | None) -> Doubles:
    """How near each item of the catalogue is to the one at `row`, (n,) in [0, 1].

    The cosine of the weighted facets; where the ALS model knows both items, the mean of it and the cosine of
    their factors, a negative one counting as 0. The item itself gets 0.
    """
    near = content_similarities(np.array([row]), content)[:, 0]
    if als is not None:
        mine = int(als.rows_of(content.item_ids[[row]])[0])
        rows = als.rows_of(content.item_ids)
        known = rows >= 0
        if mine >= 0:
            cosines = _factor_cosines(mine, als)[rows[known]]
            near[known] = BEHAVIOUR_SHARE * cosines + (1 - BEHAVIOUR_SHARE) * near[known]
    near[row] = 0.0
    return near


def content_similarities(rows: Rows, content: ItemContent) -> Doubles:
    """The cosine of the weighted facets of each item with those of the items at `rows`, (n, len(rows))."""
    # A product with a dense matrix is several times faster than one of two sparse ones.
    products = np.asarray(content.weighted @ content.weighted[rows].T.toarray())
    lengths = content.norms[:, -1]
    return _ratio(products, np.outer(lengths, lengths[rows]))


def _factor_cosines(row: int, als: AlsModel) -> Doubles:
    lengths = np.linalg.norm(als.item_factors, axis=1).astype(np.float64)
    products = (als.item_factors @ als.item_factors[row]).astype(np.float64)
    return np.maximum(_ratio(products, lengths * lengths[row]), 0.0)


def _ratio(numerator: Doubles, denominator: Doubles) -> Doubles:
    result = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    smaller: Doubles = np.minimum(result, 1.0)
    return smaller
