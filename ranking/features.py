"""The features of the ranker: one function for serving, datasets and evaluation, so that they cannot differ.

A feature vector describes one item as one person could be shown it at one moment. It is made from what was
known at that moment alone: the person's history, the catalog, the demand so far, and the leading model.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Doubles, Floats, Ints, Rows
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import SECONDS_PER_DAY, verdicts_of

FacetGroup = Literal["genre", "theme", "people", "other"]
GROUPS: tuple[str, ...] = get_args(FacetGroup)

FEATURES: tuple[str, ...] = (
    "model_score",  # calibrated probability of the leading model; 0 where it does not know item or person
    "model_place",  # 1 / log2(place + 1) among all that the model could retrieve; 0 where it has no score
    "popularity_score",  # time-decayed demand, 1 for the most popular item
    "approval_score",  # share of approvals among approvals and dislikes, smoothed
    "evidence",  # log(1 + approvals and dislikes of the item)
    "recency_score",  # 2^(-age / RECENCY_HALF_LIFE_DAYS) since publication; 0 where the date is not known
    "date_gap",  # years between its publication and the mean of what the person approved; 0 where not known
    "diversity_score",  # 1 - content similarity to the nearest of the last RECENT approved items
    "neighbour_score",  # the leading model's similarity to the nearest of the last RECENT approved items
    "content_affinity",  # cosine between the item's facets and those of the approved history
    "genre_affinity",
    "theme_affinity",
    "people_affinity",
    "genre_liking",  # mean over the facets of how the person's verdicts on them deviate from their average
    "theme_liking",
    "people_liking",
    "history_size",  # log(1 + items in the person's history)
    "dislike_share",  # share of these that the person disliked
)
FEATURE_SET = "heed-1"

RECENT = 10
RECENCY_HALF_LIFE_DAYS = 1500.0
# Verdicts on a facet are averaged with so many of average kind, so that one item proves little.
LIKING_PRIOR = 3.0
_YEAR = 365.25 * SECONDS_PER_DAY
_LIKINGS = tuple(GROUPS.index(group) for group in ("genre", "theme", "people"))


@dataclass(frozen=True, eq=False)
class ItemContent:
    """The contents of n items, which do not change from request to request.

    item_ids   (n,) sorted, unique
    published  (n,) seconds since 1970; -inf where not known
    facets     (n, m) 1 where the item has the facet
    groups     (m,) which of GROUPS each facet belongs to
    """

    item_ids: Ints
    published: Doubles
    facets: "csr_matrix[np.float64]"
    groups: Ints

    @cached_property
    def weighted(self) -> "csr_matrix[np.float64]":
        """(n, m): each facet of an item with its inverse document frequency, log((n + 1) / (items + 1))."""
        items_with = np.bincount(self.facets.indices, minlength=self.facets.shape[1])
        rarity = np.log((len(self.item_ids) + 1) / (items_with + 1))
        return csr_matrix(
            (rarity[self.facets.indices], self.facets.indices, self.facets.indptr), shape=self.facets.shape
        )

    @cached_property
    def membership(self) -> Doubles:
        """(m, groups): 1 where the facet belongs to the group."""
        belongs: Doubles = (self.groups[:, None] == np.arange(len(GROUPS))).astype(np.float64)
        return belongs

    @cached_property
    def norms(self) -> Doubles:
        """(n, groups + 1): length of the weighted facets of each group, and of all of them."""
        squares = self.weighted.multiply(self.weighted).tocsr()
        per_group = np.asarray(squares @ self.membership)
        lengths: Doubles = np.sqrt(np.column_stack([per_group, per_group.sum(axis=1)]))
        return lengths

    @cached_property
    def counts(self) -> Doubles:
        """(n, groups): the number of facets of each group that the item has."""
        counts: Doubles = np.asarray(self.facets @ self.membership)
        return counts


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The history of one person before the moment, with items of the catalog alone.

    rows     (h,) rows of the catalog, oldest first, none twice
    weights  (h,) signed training weights: the sum of what speaks for the item, or that of its dislike
    """

    rows: Rows
    weights: Doubles

    @property
    def verdicts(self) -> Doubles:
        """(h,) in [-1, 1]: -1 for a dislike, up to 1 for what weighs FULL_WEIGHT."""
        return verdicts_of(self.weights)


def compute_features(
    rows: Rows,
    model_scores: Doubles,
    model_places: Doubles,
    neighbor_scores: Doubles,
    *,
    history: History,
    content: ItemContent,
    demand: ItemDemand,
    now: float,
) -> Floats:
    """The features of the items at `rows` of the catalog, (len(rows), len(FEATURES)).

    model_scores     (len(rows),) calibrated scores of the leading model; NaN where it has none
    model_places     (len(rows),) place of each by that score, from 1; NaN where it has none
    neighbor_scores  (len(rows),) its greatest similarity to what was approved last; 0 where it has none
    now              the moment, seconds since 1970
    """
    approved = History(history.rows[history.weights > 0], history.weights[history.weights > 0])
    recent = approved.rows[-RECENT:]
    columns = [
        np.nan_to_num(model_scores),
        np.nan_to_num(1 / np.log2(model_places + 1)),
        demand.popularity[rows],
        demand.approval[rows],
        np.log1p(demand.verdicts[rows]),
        _recency(content.published[rows], now),
        _date_gap(rows, approved, content),
        1.0 - _nearest_content(rows, recent, content),
        neighbor_scores,
        *_affinities(rows, approved, content),
        *_likings(rows, history, content),
        np.full(len(rows), np.log1p(len(history.rows))),
        np.full(len(rows), np.mean(history.weights < 0) if len(history.weights) else 0.0),
    ]
    return np.column_stack(columns).astype(np.float32)


def _recency(published: Doubles, now: float) -> Doubles:
    # An item announced for later is as new as can be.
    age_days = np.maximum(now - published, 0.0) / SECONDS_PER_DAY
    fresh: Doubles = np.exp2(-age_days / RECENCY_HALF_LIFE_DAYS)
    return fresh


def _date_gap(rows: Rows, approved: History, content: ItemContent) -> Doubles:
    dates = content.published[approved.rows]
    dated = np.isfinite(dates)
    if not dated.any():
        return np.zeros(len(rows))
    center = np.average(dates[dated], weights=approved.weights[dated])
    gaps: Doubles = np.abs(content.published[rows] - float(center)) / _YEAR
    gaps[~np.isfinite(gaps)] = 0.0
    return gaps


def _nearest_content(rows: Rows, others: Rows, content: ItemContent) -> Doubles:
    """The largest cosine of each item's facets with those of `others`; 0 where there are none."""
    if not len(others):
        return np.zeros(len(rows))
    products = (content.weighted[rows] @ content.weighted[others].T).toarray()
    nearest: Doubles = _cosines(products, content.norms[rows, -1], content.norms[others, -1]).max(axis=1)
    return nearest


def _affinities(rows: Rows, approved: History, content: ItemContent) -> list[Doubles]:
    """Cosines between each item's facets and the weighted sum of the history's: all, then by group."""
    if not len(approved.rows):
        return [np.zeros(len(rows))] * 4
    profile = np.asarray(content.weighted[approved.rows].T @ approved.weights)
    by_group = profile[:, None] * content.membership
    products = np.asarray(content.weighted[rows] @ by_group)
    products = np.column_stack([products, products.sum(axis=1)])
    lengths = np.append(np.linalg.norm(by_group, axis=0), np.linalg.norm(profile))
    cosines = _ratio(products, content.norms[rows] * lengths)
    order = (len(GROUPS), *_LIKINGS)
    return [cosines[:, column] for column in order]


def _likings(rows: Rows, history: History, content: ItemContent) -> list[Doubles]:
    """For genre, theme and people: how far the person's verdicts on the item's facets lie above average."""
    if not len(history.rows):
        return [np.zeros(len(rows))] * len(_LIKINGS)
    facets = content.facets[history.rows].T
    verdicts = history.verdicts
    sums: Doubles = np.asarray(facets @ (verdicts - verdicts.mean()))
    met: Doubles = np.asarray(facets @ np.ones(len(history.rows)))
    liking = sums / (met + LIKING_PRIOR)
    means = _ratio(
        np.asarray(content.facets[rows] @ (liking[:, None] * content.membership)), content.counts[rows]
    )
    return [means[:, column] for column in _LIKINGS]


def _cosines(products: Doubles, left: Doubles | Floats, right: Doubles | Floats) -> Doubles:
    return _ratio(products, np.outer(left, right))


def _ratio(numerator: Doubles, denominator: Doubles) -> Doubles:
    """Element by element, 0 where the denominator is 0."""
    result = np.zeros(numerator.shape)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
