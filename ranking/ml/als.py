"""Matrix factorisation for implicit feedback: training, folding a person in, scoring.

The model is that of Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets"
(ICDM 2008). A pair of person u and item i with weight r has a preference p (1, or 0 for a dislike) and a
confidence c; pairs without any event have p = 0 and c = 1:

    minimise  sum over all pairs of c (p - x_u . y_i)^2  +  regularization (sum |x_u|^2 + sum |y_i|^2)

    c = 1 + alpha r                    for r > 0
    c = 1 + alpha negative_scale |r|   for r < 0

No user factors are kept: whoever is to be served is folded in from the history of that moment.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.linalg
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ranking.ml.arrays import Doubles, Floats, Ints, Rows
from ranking.ml.events import Events

Negatives = Literal["keep", "drop"]
Progress = Callable[[int, int], None]

# Before a calibration is fitted: the logistic curve that touches the identity at one half, since ALS
# scores estimate a preference between 0 and 1.
UNCALIBRATED_SLOPE = 4.0
UNCALIBRATED_INTERCEPT = -2.0


@dataclass(frozen=True, slots=True)
class AlsParameters:
    """Hyper-parameters of `fit_als`; docs/als.md tells how the defaults were measured.

    factors          length of a factor vector
    regularization   weight of the squared norms; None takes `default_regularization` of the data
    alpha            confidence added per unit of weight
    iterations       alternations over people and items
    negatives        keep dislikes as preference 0 with raised confidence, or drop these pairs
    negative_scale   what a unit of negative weight counts, in units of positive weight

    Raises ValueError for a value out of range.
    """

    factors: int = 32
    regularization: float | None = None
    alpha: float = 1.0
    iterations: int = 15
    negatives: Negatives = "keep"
    negative_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.factors < 1 or self.iterations < 1:
            raise ValueError("Factors and iterations must be at least 1.")
        if self.regularization is not None and not 0 < self.regularization < np.inf:
            raise ValueError("Regularization must be a positive number.")
        if not 0 < self.alpha < np.inf:
            raise ValueError("Alpha must be a positive number.")
        if not 0 <= self.negative_scale < np.inf:
            raise ValueError("The scale of negatives must be 0 or a positive number.")
        if self.negatives not in ("keep", "drop"):
            raise ValueError('Negatives must be "keep" or "drop".')


@dataclass(frozen=True, slots=True, eq=False)
class AlsModel:
    """A trained model; row i of `item_factors` belongs to `item_ids[i]`.

    item_ids         (n,) int64, sorted, unique
    item_factors     (n, f) float32: Y
    gram             (f, f) float64: Y'Y, the part of every fold-in that does not depend on the person
    regularization, alpha, negative_scale   as trained; 0 for `negative_scale` leaves dislikes out
    slope, intercept                        of `calibrate`; slope > 0
    """

    item_ids: Ints
    item_factors: Floats
    gram: Doubles
    regularization: float
    alpha: float
    negative_scale: float
    slope: float = UNCALIBRATED_SLOPE
    intercept: float = UNCALIBRATED_INTERCEPT

    def rows_of(self, item_ids: Ints) -> Rows:
        """Row of each item id, -1 where the model does not know the item; shape as `item_ids`."""
        return positions(item_ids, self.item_ids)


def positions(values: Ints, sorted_ids: Ints) -> Rows:
    """Index of each value in a sorted unique array, -1 where it is absent."""
    if not len(sorted_ids):
        return np.full(values.shape, -1, dtype=np.intp)
    found = np.minimum(np.searchsorted(sorted_ids, values), len(sorted_ids) - 1)
    return np.where(sorted_ids[found] == values, found, -1)


def confidence_matrix(
    events: Events, *, user_ids: Ints, item_ids: Ints, negatives: Negatives
) -> "csr_matrix[np.float32]":
    """Signed weights r as a sparse matrix (len(user_ids), len(item_ids)); ids sorted and unique.

    The positive weights of a pair are added up. A dislike on a pair makes it negative, with the sum of its
    negative weights, whatever else is on it; with `negatives="drop"` such a pair is left out.
    Events of people or items outside `user_ids` and `item_ids` are left out.
    """
    rows, columns = positions(events.user_ids, user_ids), positions(events.item_ids, item_ids)
    known = (rows >= 0) & (columns >= 0)
    shape = (len(user_ids), len(item_ids))

    pairs, pair_of_event = np.unique(rows[known] * shape[1] + columns[known], return_inverse=True)
    weights = events.weights[known].astype(np.float64)
    liked = np.bincount(pair_of_event, np.maximum(weights, 0), minlength=len(pairs))
    disliked = np.bincount(pair_of_event, np.minimum(weights, 0), minlength=len(pairs))

    values = np.where(disliked < 0, disliked, liked)
    kept = values > 0 if negatives == "drop" else values != 0
    pairs = pairs[kept]
    return csr_matrix(
        (values[kept].astype(np.float32), (pairs // max(shape[1], 1), pairs % max(shape[1], 1))), shape=shape
    )


def default_regularization(weights: "csr_matrix[np.float32]", alpha: float) -> float:
    """The regularization for a matrix of signed weights, where none is given; see docs/als.md.

    TODO rule
    """
    return 10.0


def fit_als(
    events: Events,
    parameters: AlsParameters,
    *,
    seed: int,
    threads: int = 0,
    progress: Progress | None = None,
) -> AlsModel:
    """Train on all events given; equal events, parameters and seed give an equal model.

    `threads` 0 uses every core. `progress(done, total)` is called after each iteration.
    Raises ValueError if no event speaks for an item, FloatingPointError if the factors are not finite.
    """
    user_ids, item_ids = np.unique(events.user_ids), np.unique(events.item_ids)
    scale = parameters.negative_scale if parameters.negatives == "keep" else 0.0
    weights = confidence_matrix(
        events, user_ids=user_ids, item_ids=item_ids, negatives="keep" if scale > 0 else "drop"
    )
    if not (weights.data > 0).any():
        raise ValueError("There are no positive interactions to train on; import or record some first.")
    regularization = parameters.regularization
    if regularization is None:
        regularization = default_regularization(weights, parameters.alpha)

    # BLAS threads would fight the solver's own, and change the order of its sums.
    with threadpool_limits(limits=1, user_api="blas"):
        solver = AlternatingLeastSquares(
            factors=parameters.factors,
            regularization=regularization,
            alpha=1.0,  # the matrix below holds the confidences c themselves
            iterations=parameters.iterations,
            num_threads=threads,
            random_state=seed,
        )
        solver.fit(
            _confidences(weights, parameters.alpha, scale),
            show_progress=False,
            callback=_iteration_callback(progress, parameters.iterations),
        )
    factors = np.ascontiguousarray(solver.item_factors, dtype=np.float32)
    if not np.isfinite(factors).all():
        raise FloatingPointError(
            "Training gave factors that are not finite; lower alpha or raise regularization."
        )
    return AlsModel(
        item_ids=item_ids,
        item_factors=factors,
        gram=gram_matrix(factors),
        regularization=float(regularization),
        alpha=float(parameters.alpha),
        negative_scale=float(scale),
    )


def _confidences(weights: "csr_matrix[np.float32]", alpha: float, scale: float) -> "csr_matrix[np.float32]":
    """Weights r to what the solver takes: c where p = 1, -c where p = 0."""
    r = weights.data
    c = np.where(r > 0, 1 + alpha * r, -1 + alpha * scale * r).astype(np.float32)
    return csr_matrix((c, weights.indices, weights.indptr), shape=weights.shape)


def _iteration_callback(progress: Progress | None, total: int) -> Callable[[int, float, float], None] | None:
    if progress is None:
        return None

    def report(iteration: int, _seconds: float, _loss: float) -> None:
        progress(iteration + 1, total)

    return report


def gram_matrix(item_factors: Floats) -> Doubles:
    """Y'Y in double precision, so that it stays positive semi-definite."""
    factors = item_factors.astype(np.float64)
    return factors.T @ factors


def fold_in(model: AlsModel, rows: Rows, weights: Floats) -> Floats:
    """The user factor (f,) for a history: `rows` of the model with their signed weights r, each row once.

    Solves (Y'Y + Y'(C - I)Y + regularization I) x = Y'Cp, equation 4 of Hu, Koren and Volinsky 2008, with
    the confidences of this module. An empty history gives zeros.
    """
    if not len(rows):
        return np.zeros(model.item_factors.shape[1], dtype=np.float32)
    r = weights.astype(np.float64)
    factors = model.item_factors[rows].astype(np.float64)
    extra = model.alpha * np.where(r > 0, r, model.negative_scale * -r)
    left = model.gram + (factors.T * extra) @ factors
    left[np.diag_indices_from(left)] += model.regularization
    right = factors.T @ np.where(r > 0, 1 + extra, 0.0)
    solution = scipy.linalg.cho_solve(
        scipy.linalg.cho_factor(left, check_finite=False), right, check_finite=False
    )
    return solution.astype(np.float32)


def score_all(model: AlsModel, user_factor: Floats) -> Floats:
    """Predicted preference of every item (n,): about 0 for indifferent, about 1 for liked; unbounded."""
    return model.item_factors @ user_factor


def top_k(scores: Floats | Doubles, k: int, exclude_rows: Rows) -> Rows:
    """Rows of the k highest scores, highest first, ties by row; fewer if exclusions leave fewer."""
    allowed = np.ones(len(scores), dtype=np.bool_)
    allowed[exclude_rows] = False
    rows = np.flatnonzero(allowed)
    if 0 < k < len(rows):
        candidates = scores[rows]
        threshold = np.partition(candidates, len(rows) - k)[len(rows) - k]
        above = rows[candidates > threshold]
        rows = np.concatenate([above, rows[candidates == threshold][: k - len(above)]])
    return rows[np.lexsort((rows, -scores[rows]))][: max(k, 0)]


def calibrate(model: AlsModel, scores: Floats) -> Doubles:
    """Scores to probabilities in [0, 1]: 1 / (1 + exp(-(slope score + intercept))), Platt 1999.

    Never reverses an order; keeps it strictly while |slope score + intercept| stays below about 16,
    beyond which neighbouring results can round to one number.
    """
    z = model.slope * scores.astype(np.float64) + model.intercept
    # exp of a positive argument could overflow; both forms are the same function.
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))
