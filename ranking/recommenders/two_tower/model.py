"""Two towers that meet in one space: serving, with NumPy alone.

One small network turns a person into a vector u, another an item into a vector v (Yi et al., "Sampling-Bias-
Corrected Neural Modeling for Large Corpus Item Recommendations", RecSys 2019). The items' are computed at
training (`ranking.recommenders.two_tower.fit`), the person's in the request:

    history = sum of w_j H_j / sum of |w_j|      over known items, w_j the signed training weight
    taste   = sum of s_k F_k / sum of |s_k|      over known facets, s_k the score in the taste profile
    u       = unit(output(relu(hidden(history, taste, log counts of both))))
    score   = u . v + bias of the item           the bias: how much it is in demand
"""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Floats, Ints, Rows, positions
from ranking.recommenders.als.model import MAX_PAIR_WEIGHT, UNCALIBRATED_INTERCEPT, UNCALIBRATED_SLOPE
from ranking.statistics.calibration import probabilities

# Log counts are divided by this, so that they are about as large as the other inputs.
COUNT_SCALE = 5.0
# Below this length a vector has no direction.
SHORTEST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """One layer: x ↦ x weights + biases.

    weights  (inputs, outputs) float32
    biases   (outputs,) float32
    """

    weights: Floats
    biases: Floats

    def apply(self, inputs: Floats) -> Floats:
        """(outputs,) of (inputs,)."""
        result: Floats = inputs @ self.weights + self.biases
        return result


@dataclass(frozen=True, slots=True, eq=False)
class TwoTower:
    """A trained model: the vectors of all items, and the tower that makes a person's.

    item_ids         (n,) int64, sorted, unique: every item of the catalog it was trained with
    item_vectors     (n, d) float32, each of length 1
    item_biases      (n,) float32, 0 for the item most in demand, less for others
    history_ids      (h,) int64, sorted, unique: the items that were in somebody's history at training
    history_vectors  (h, e) float32: H
    facet_ids        (m,) int64, sorted, unique
    facet_vectors    (m, e) float32: F
    hidden           2e + 2 inputs; output: d outputs
    slope, intercept of `calibrated`; slope > 0
    """

    item_ids: Ints
    item_vectors: Floats
    item_biases: Floats
    history_ids: Ints
    history_vectors: Floats
    facet_ids: Ints
    facet_vectors: Floats
    hidden: Dense
    output: Dense
    slope: float = UNCALIBRATED_SLOPE
    intercept: float = UNCALIBRATED_INTERCEPT

    def rows_of(self, item_ids: Ints) -> Rows:
        """Row of each item id, -1 where the model does not know the item; shape as `item_ids`."""
        return positions(item_ids, self.item_ids)


def user_vector(
    model: TwoTower,
    *,
    item_ids: Ints,
    weights: Floats | Doubles,
    facet_ids: Ints,
    facet_scores: Floats | Doubles,
) -> Floats | None:
    """The vector (d,) of length 1 of a person with this history and taste.

    item_ids, weights        (h,) each item once, with its signed training weight
    facet_ids, facet_scores  (k,) each facet once, with its score in [-1, 1]

    None where nothing speaks of the person: no known item with a weight above 0, and no known facet with a
    score other than 0.
    """
    items, item_weights = _known(item_ids, weights, model.history_ids)
    facets, scores = _known(facet_ids, facet_scores, model.facet_ids)
    if not (item_weights > 0).any() and not len(facets):
        return None
    item_weights = np.clip(item_weights, -MAX_PAIR_WEIGHT, MAX_PAIR_WEIGHT)
    inputs = np.concatenate(
        [
            _weighted_mean(model.history_vectors[items], item_weights),
            _weighted_mean(model.facet_vectors[facets], scores),
            np.log1p(np.array([len(items), len(facets)], dtype=np.float32)) / np.float32(COUNT_SCALE),
        ]
    )
    vector = model.output.apply(np.maximum(model.hidden.apply(inputs), 0))
    return vector / np.float32(max(float(np.linalg.norm(vector)), SHORTEST))


def _known(ids: Ints, values: Floats | Doubles, known_ids: Ints) -> tuple[Rows, Floats]:
    """Rows and values of the ids that are among `known_ids` and have a value other than 0."""
    rows = positions(ids, known_ids)
    kept = (rows >= 0) & (values != 0)
    return rows[kept], values[kept].astype(np.float32)


def _weighted_mean(vectors: Floats, weights: Floats) -> Floats:
    """(e,): the sum of the vectors (k, e) by their signed weights over that of their sizes; 0 without any."""
    total = np.abs(weights).sum()
    result: Floats = weights @ vectors / np.maximum(total, np.float32(SHORTEST))
    return result


def score_items(model: TwoTower, user: Floats) -> Floats:
    """The fit of every item (n,) to a person's vector (d,): the cosine, at most 1, plus the item's bias."""
    scores: Floats = model.item_vectors @ user + model.item_biases
    return scores


def calibrated(model: TwoTower, scores: Floats | Doubles) -> Doubles:
    """Scores to probabilities in [0, 1], by the calibration of the model."""
    return probabilities(scores, model.slope, model.intercept)
