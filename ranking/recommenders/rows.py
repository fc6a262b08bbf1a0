"""Shared parts of recommenders whose scores are one array over the rows of their items."""

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows, positions, reaching, top_k_of
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Retrieved

# From so many items on the best are looked for without a look at each item's barring.
LARGE = 50_000
# So many times as many are looked at where too few of the best may be brought.
_MORE = 8


def retrieve_rows(
    scores: Doubles | Floats,
    item_ids: Ints,
    limit: int,
    barred: Barred,
    allowed: Bools | None = None,
    *,
    above: float = -np.inf,
) -> Rows:
    """The rows with the highest scores (n,), best first: at most `limit`, none of a barred item.

    item_ids  (n,) sorted: the item of each row
    allowed   (n,) rows that may be brought at all; all where left out
    above     the score that each must be above
    """
    if len(scores) < LARGE or barred.filtered is not None:
        above_it = scores > above
        among = above_it if allowed is None else above_it & allowed
        return top_k_of(scores, limit, barred.open_among(item_ids, among))
    # A mask of a large catalog costs more than to look at the best, and at more where too few are open.
    size = max(1, limit + len(barred.ids))
    while True:
        rows = reaching(scores, size)
        rows = rows[scores[rows] > above]
        is_open = ~barred.holds(item_ids[rows])
        if allowed is not None:
            is_open &= allowed[rows]
        if len(rows) < size or np.count_nonzero(is_open) >= limit:
            return rows[top_k_of(scores[rows], limit, is_open)]
        size *= _MORE


def retrieve_above(scores: Doubles, item_ids: Ints, limit: int, barred: Barred, least: float) -> Retrieved:
    """The items with the highest scores (n,) of at least `least`."""
    rows = retrieve_rows(scores, item_ids, limit, barred, above=np.nextafter(least, -np.inf))
    return Retrieved(item_ids[rows], scores[rows])


def retrieve_ordered(order: Ints, scores: Doubles, item_ids: Ints, limit: int, barred: Barred) -> Retrieved:
    """The first items of a fixed `order` of rows, with their scores (n,)."""
    is_masked = len(item_ids) < LARGE or barred.filtered is not None
    is_open = barred.open_among(item_ids) if is_masked else None
    # So many at the front are enough where no filter leaves more out.
    size = limit + len(barred.ids)
    while True:
        front = order[:size]
        which = ~barred.holds(item_ids[front]) if is_open is None else is_open[front]
        rows = front[which][:limit]
        if len(rows) == limit or size >= len(order):
            return Retrieved(item_ids[rows], scores[rows])
        size *= _MORE


def scores_of(item_ids: Ints, known_ids: Ints, scores: Doubles) -> Doubles:
    """The scores (n,) of items by their ids, NaN for one that is not among `known_ids` or scores 0."""
    if not len(known_ids):
        return np.full(len(item_ids), np.nan)
    if item_ids is known_ids:
        found = scores
    else:
        rows = positions(item_ids, known_ids)
        found = np.where(rows >= 0, scores[rows], np.nan)
    return np.where(found > 0.0, found, np.nan)


def full_evidence(item_ids: Ints) -> Doubles:
    """1 for every item: for a recommender whose likeness does not rest on how many met an item."""
    return np.ones(len(item_ids))


def no_similarities(item_ids: Ints, others: Ints) -> Doubles:
    """NaN for every pair: for a recommender that cannot compare two items."""
    return np.full((len(item_ids), len(others)), np.nan)


def cosines(vectors: Floats, rows: Ints, others: Ints) -> Doubles:
    """Cosines between the vectors at `rows` (n,) and `others` (m,), (n, m); NaN where a row is -1."""
    result = np.full((len(rows), len(others)), np.nan)
    mine, theirs = np.flatnonzero(rows >= 0), np.flatnonzero(others >= 0)
    if not len(mine) or not len(theirs):
        return result
    left, right = vectors[rows[mine]], vectors[others[theirs]]
    products = (left @ right.T).astype(np.float64)
    lengths = np.outer(np.linalg.norm(left, axis=1), np.linalg.norm(right, axis=1))
    found = np.zeros_like(products)
    np.divide(products, lengths, out=found, where=lengths > 0)
    result[np.ix_(mine, theirs)] = found
    return result
