"""A model of verdicts: what somebody who looks at an item will make of it.

A verdict y is -1 for a no and up to 1 for a yes (`verdicts_of`). Regularized biases come first (Koren, Bell
and Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009):

    y_ui = mean + b_u + b_i + d_ui

b_i is the mean deviation of the verdicts on the item, drawn to that of its facets over everybody:

    b_i = f_i + (sum of deviations - n_i f_i) / (n_i + ITEM_PRIOR)
    f_i = mean over its facets of  sum of deviations on the facet / (n + FACET_PRIOR)

The numbers of an item (`numbers.py`) stand beside them with an effect of their own, g_i = levels_i . effects,
by ridge regression: told by its facets, what is known of an item by its own verdicts would move too.

What is left, d, is told twice. Factors p_u . q_i are found by alternating ridge regression. A facet is liked
by the sum of d over the items with it / (n + LIKING_PRIOR); an item has the mean of its facets in each group.
A level of numbers is liked by the sum of y - mean likewise, so that h_ui is what the person says of its like.
Then, with weights w >= 0 learned from verdicts later than all that these parts know,

    logit P(yes | u, i) = w . (b_u, b_i, p_u . q_i, likings by group, g_i, h_ui) + offset
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Doubles, Floats, Ints, Rows, positions
from ranking.item_content import GROUPS, ItemContent
from ranking.recommenders.verdict.numbers import levels_of

ITEM_PRIOR = 10.0
PERSON_PRIOR = 5.0
FACET_PRIOR = 20.0
LIKING_PRIOR = 3.0
# The parts that are weighed: b_u, b_i, factors, a liking for each group of facets, and two of the numbers.
PARTS = 3 + len(GROUPS) + 2


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """A trained model over n items.

    item_ids   (n,) sorted, unique
    sums       (n,) of y - mean - b_u over the verdicts on each item, of which there are `counts` (n,)
    factors    (n, f)
    weights    (PARTS,) at least 0, in the order of the parts
    numbers    the names of c numbers of the catalog
    knots      (c, KNOTS) of each
    effects    (c * KNOTS,) of their levels on a verdict
    mean       of all verdicts
    offset     of logit P(yes)
    regularization  as trained
    slope, intercept   of the calibration of logit P(yes) as the score of a recommender; slope > 0
    """

    item_ids: Ints
    sums: Doubles
    counts: Doubles
    factors: Floats
    weights: Doubles
    numbers: tuple[str, ...]
    knots: Doubles
    effects: Doubles
    mean: float
    offset: float
    regularization: float
    slope: float = 1.0
    intercept: float = 0.0

    @property
    def has_refusals(self) -> bool:
        """False where nobody in the log turned anything down: then nothing can be told."""
        return bool((self.weights > 0).any())


@dataclass(frozen=True, eq=False)
class VerdictTable:
    """A model over the k items of a catalog; what is not in the model is known by its facets.

    bias     (k,)
    factors  (k, f), zeros for an item that is not in the model
    levels   (k, c * KNOTS) of the numbers that the model knows
    """

    model: Verdicts
    content: ItemContent
    bias: Doubles
    factors: Doubles
    levels: "csr_matrix[np.float64]"

    @classmethod
    def of(cls, model: Verdicts, content: ItemContent) -> "VerdictTable":
        """The model over a catalog."""
        rows = positions(content.item_ids, model.item_ids)
        known = np.flatnonzero(rows >= 0)
        sums, counts = np.zeros(len(rows)), np.zeros(len(rows))
        sums[known], counts[known] = model.sums[rows[known]], model.counts[rows[known]]
        factors = np.zeros((len(rows), model.factors.shape[1]))
        factors[known] = model.factors[rows[known]]
        levels = levels_of(content.numbers_named(model.numbers), model.knots)
        return cls(model, content, item_bias(sums, counts, content), factors, levels)

    @cached_property
    def effect(self) -> Doubles:
        """g_i of each item, (k,)."""
        effect: Doubles = np.asarray(self.levels @ self.model.effects)
        return effect

    @cached_property
    def means(self) -> "csr_matrix[np.float64]":
        """(k, m): of each item its facets, those of each group adding up to 1."""
        facets = self.content.facets
        rows = np.repeat(np.arange(facets.shape[0]), np.diff(facets.indptr))
        counts = self.content.counts[rows, self.content.groups[facets.indices]]
        values = np.divide(facets.data, counts, out=np.zeros(len(rows)), where=counts > 0)
        return csr_matrix((values, facets.indices, facets.indptr), shape=facets.shape)


def item_bias(sums: Doubles, counts: Doubles, content: ItemContent) -> Doubles:
    """b_i of the items of a content (k,), from the sums and counts of the deviations on each."""
    facets = content.facets
    common = np.asarray(facets.T @ sums) / (np.asarray(facets.T @ counts) + FACET_PRIOR)
    having = np.asarray(facets.sum(axis=1)).ravel()
    expected = np.asarray(facets @ common) / np.maximum(having, 1.0)
    bias: Doubles = expected + (sums - counts * expected) / (counts + ITEM_PRIOR)
    return bias


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """One person as the model sees them.

    rows        (h,) of the catalog: what they gave a verdict on, oldest first
    deviations  (h,) of their verdicts from what was to be expected of them
    level       b_u
    factors     (f,) and the likings of facets (m,)
    of_levels   (c * KNOTS,) what they say of items at each level of the numbers
    """

    rows: Rows
    deviations: Doubles
    level: float
    factors: Doubles
    likings: Doubles
    of_levels: Doubles


def judge_of(table: VerdictTable, rows: Rows, verdicts: Doubles) -> Judge:
    """The person with these verdicts (h,) on rows of the catalog."""
    centered = verdicts - table.model.mean
    left = centered - table.bias[rows] - table.effect[rows]
    level = float(left.sum() / (len(left) + PERSON_PRIOR))
    deviations = left - level
    own = table.factors[rows]
    ridge = table.model.regularization * np.eye(own.shape[1])
    factors = np.asarray(np.linalg.solve(own.T @ own + ridge, own.T @ deviations), dtype=np.float64)
    facets = table.content.facets[rows].T
    met = np.asarray(facets @ np.ones(len(rows)))
    likings = np.asarray(facets @ deviations) / (met + LIKING_PRIOR)
    levels = table.levels[rows].T
    of_levels = np.asarray(levels @ centered) / (np.asarray(levels.sum(axis=1)).ravel() + LIKING_PRIOR)
    return Judge(rows, deviations, level, factors, likings, of_levels)


def log_odds_of_yes(table: VerdictTable, judge: Judge, rows: Rows | None = None) -> Doubles:
    """logit P(yes) of the items at `rows` of the catalog, or of all of its k; the same to the bit."""
    chosen = slice(None) if rows is None else rows
    means, levels = (one if rows is None else one[rows] for one in (table.means, table.levels))
    weights = table.model.weights
    liked = judge.likings * weights[3:-2][table.content.groups]
    # A product of BLAS rounds by how many rows there are.
    by_factors = np.einsum("kf,f->k", table.factors[chosen], judge.factors)
    odds: Doubles = weights[1] * table.bias[chosen] + weights[2] * by_factors
    odds += np.asarray(means @ liked) + neutral(table, judge)
    if weights[-2:].any():
        odds += weights[-2] * table.effect[chosen] + weights[-1] * np.asarray(levels @ judge.of_levels)
    return odds


def neutral(table: VerdictTable, judge: Judge) -> float:
    """logit P(yes) for an item of which nothing is known."""
    return float(table.model.weights[0] * judge.level + table.model.offset)


def speaking(table: VerdictTable, judge: Judge, rows: Rows) -> Doubles:
    """The part of each verdict of the person in the log-odds of the items at `rows`, (h, len(rows)).

    That two items are equally long is in the odds, and no reason to tell: it is left out.
    """
    groups, weights = table.content.groups, table.model.weights
    met = np.asarray(table.content.facets[judge.rows].sum(axis=0)).ravel()
    scale = weights[3:-2][groups] / (met + LIKING_PRIOR)
    history = table.content.facets[judge.rows]
    scaled = csr_matrix(
        (history.data * scale[history.indices], history.indices, history.indptr), shape=history.shape
    )
    shared = (scaled @ table.means[rows].T).toarray()
    own = table.factors[judge.rows]
    inverse = np.linalg.inv(own.T @ own + table.model.regularization * np.eye(own.shape[1]))
    shared += weights[2] * (own @ inverse @ table.factors[rows].T)
    parts: Doubles = shared * judge.deviations[:, None]
    return parts


def parts_of(table: VerdictTable, judge: Judge, rows: Rows) -> Doubles:
    """The parts of the log-odds of the items at `rows`, (len(rows), PARTS)."""
    by_group = judge.likings[:, None] * table.content.membership
    liked = np.asarray(table.means[rows] @ by_group)
    level = np.full(len(rows), judge.level)
    of_levels = np.asarray(table.levels[rows] @ judge.of_levels)
    by_factors = table.factors[rows] @ judge.factors
    return np.column_stack([level, table.bias[rows], by_factors, liked, table.effect[rows], of_levels])
