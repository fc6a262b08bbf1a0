"""Matrix factorization for implicit feedback: training, folding a person in, scoring.

The model is that of Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets"
(ICDM 2008). A pair of person u and item i has a preference p, 1 or for a dislike 0, and a confidence c;
pairs without any event have p = 0 and c = 1:

    minimize  sum over all pairs of c (p - x_u . y_i)^2  +  regularization (sum |x_u|^2 + sum |y_i|^2)

With r the weight of the pair, at most MAX_PAIR_WEIGHT, and n_u how many items person u has spoken for, the
confidence is

    c = alpha r / sqrt(n_u)         for r > 0, "damped": nobody steers the items by sheer number of events
    c = 1 + alpha r                 for r > 0, "plain": that of the paper
    c = 1 + negative_scale |r|      for r < 0: surer than about an item never met

docs/research/als.md shows what both forms cost. In training, weights fade with age.
No user factors are kept: whoever is to be served is folded in from the history of that moment.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal, Protocol

import numpy as np
import scipy.linalg
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from core.arrays import Doubles, Floats, Ints, Rows, positions
from ranking.statistics.calibration import probabilities
from ranking.statistics.events import SECONDS_PER_DAY, Events

Negatives = Literal["keep", "drop"]
Confidence = Literal["damped", "plain"]
Progress = Callable[[int, int], None]


class Solver(Protocol):
    """A library that finds factors for confidences."""

    def __call__(
        self,
        confidences: "csr_matrix[np.float32]",
        *,
        factors: int,
        regularization: float,
        iterations: int,
        seed: int,
        progress: Progress | None,
    ) -> Floats:
        """Y (items, factors), of confidences (people × items): c where p = 1, -c where p = 0."""
        ...


# Before a calibration is fitted: the logistic curve that touches the identity at one half, since ALS
# scores estimate a preference between 0 and 1.
UNCALIBRATED_SLOPE = 4.0
UNCALIBRATED_INTERCEPT = -2.0

# Most that one person's events on one item add up to: a thousand views are not a thousand times a view.
MAX_PAIR_WEIGHT = 10.0

# A half-life in days beside which all of history is recent; infinity has no place in JSON.
NO_FADING = 1e9

NOISE_SHARE = 0.7
LARGEST_SHARE = 1 / 3
# What all the approvals together weigh beside all pairs of person and item, where alpha is not given; within
# the range that was tried (docs/research/als.md).
APPROVED_SHARE: Mapping[Confidence, float] = {"damped": 0.015, "plain": 0.03}
LEAST_ALPHA, MOST_ALPHA = 1.0, 50.0
# Factors where they are not given, per root of the people or of the items, whichever are fewer.
FACTORS_PER_ROOT = 1.75
FEWEST_FACTORS, MOST_FACTORS = 16, 128


@dataclass(frozen=True, slots=True)
class AlsParameters:
    """Hyper-parameters of `fit_als`; docs/research/als.md tells how the defaults were measured.

    factors          length of a factor vector; None takes `default_factors` of the data
    regularization   weight of the squared norms; None takes `default_regularization` of the data
    alpha            confidence per unit of positive weight, in the damped form before the division by
                     sqrt(n_u); None takes `default_alpha` of the data
    confidence       the form of the confidences; None is the damped one, unless the plain one is clearly
                     better where both are compared
    iterations       alternations over people and items
    negatives        keep dislikes as preference 0 with raised confidence, or drop these pairs
    negative_scale   confidence added per unit of negative weight
    half_life_days   the age at which an event counts half in training; infinite for no fading

    Raises ValueError for a value out of range.
    """

    factors: int | None = None
    regularization: float | None = None
    alpha: float | None = None
    iterations: int = 15
    negatives: Negatives = "keep"
    negative_scale: float = 1.0
    half_life_days: float = 1500.0
    confidence: Confidence | None = None

    def __post_init__(self) -> None:
        if (self.factors is not None and self.factors < 1) or self.iterations < 1:
            raise ValueError("Factors and iterations must be at least 1.")
        if self.regularization is not None and not 0 < self.regularization < np.inf:
            raise ValueError("Regularization must be a positive number.")
        if self.alpha is not None and not 0 < self.alpha < np.inf:
            raise ValueError("Alpha must be a positive number.")
        if not 0 <= self.negative_scale < np.inf:
            raise ValueError("The scale of negatives must be 0 or a positive number.")
        if not self.half_life_days > 0:
            raise ValueError("The half-life must be positive.")
        if self.negatives not in ("keep", "drop"):
            raise ValueError('Negatives must be "keep" or "drop".')
        if self.confidence not in ("damped", "plain", None):
            raise ValueError('Confidence must be "damped" or "plain".')


@dataclass(frozen=True, eq=False)
class AlsModel:
    """A trained model; row i of `item_factors` belongs to `item_ids[i]`.

    item_ids         (n,) int64, sorted, unique
    item_factors     (n, f) float32: Y
    gram             (f, f) float64: Y'Y, the part of every fold-in that does not depend on the person
    regularization, alpha, negative_scale, confidence   as trained; 0 for `negative_scale` leaves dislikes out
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
    confidence: Confidence = "damped"

    @cached_property
    def lengths(self) -> Floats:
        """(n,) the length of each item's factor."""
        lengths: Floats = np.sqrt(np.einsum("nf,nf->n", self.item_factors, self.item_factors))
        return lengths

    def rows_of(self, item_ids: Ints) -> Rows:
        """Row of each item id, -1 where the model does not know the item; shape as `item_ids`."""
        return positions(item_ids, self.item_ids)


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


def fade(events: Events, half_life_days: float) -> Events:
    """The events with their weights halved per half-life of age, and scaled so that the mean factor is 1.

    Age counts from the time that 99 % of the events precede, so that one wrong clock cannot age the rest.
    The scaling keeps the meaning of alpha whatever time the data spans.
    """
    if not len(events) or np.isinf(half_life_days):
        return events
    age_days = np.maximum(np.quantile(events.times, 0.99) - events.times, 0) / SECONDS_PER_DAY
    factors = np.exp2(-age_days / half_life_days)
    return replace(events, weights=(events.weights * (factors / factors.mean())).astype(np.float32))


def default_factors(people: int, items: int) -> int:
    """The length of a factor vector where none is given: a power of two near 1.75 sqrt(the fewer of the two).

    What can be told apart is at most as much as there are people or items, and noise hides most of it.
    """
    wanted = FACTORS_PER_ROOT * math.sqrt(max(min(people, items), 1))
    return int(np.clip(2 ** round(math.log2(wanted)), FEWEST_FACTORS, MOST_FACTORS))


def default_alpha(weights: "csr_matrix[np.float32]", confidence: Confidence = "damped") -> float:
    """Alpha where none is given, from the signed weights r (people × items).

    What all approvals add to the confidences is then APPROVED_SHARE of those of all pairs, which are 1 each.
    The sparser the data, the louder each approval must be, or the pairs that nobody ever met drown it.
    At most MOST_ALPHA, and in the damped form, for small and dense data, at least LEAST_ALPHA.
    """
    added = _excess(_confidences(weights, 1.0, 0.0, confidence), confidence).data.sum(dtype=np.float64)
    pairs = float(weights.shape[0]) * weights.shape[1]
    alpha = APPROVED_SHARE[confidence] * pairs / float(added)
    return min(max(alpha, LEAST_ALPHA if confidence == "damped" else 0.0), MOST_ALPHA)


def default_regularization(confidences: "csr_matrix[np.float32]", confidence: Confidence = "damped") -> float:
    """The regularization where none is given, from C, what approvals add to confidences (people × items).

        NOISE_SHARE (sqrt(sum C^2 / people) + sqrt(sum C^2 / items)), at most LARGEST_SHARE of sigma_1(C)

    The factors give back the singular values of C less about the regularization, so it belongs just above
    those that chance alone makes. The bracket is their size: the norm of a random matrix is near the norm
    of its mean row plus that of its mean column (as in matrix completion: Negahban and Wainwright 2012).
    From sigma_1 on, all factors would be zero; small and dense data come near that without the bound.
    """
    people, items = confidences.shape
    positive = _excess(confidences, confidence)
    total = float(np.square(positive.data).sum())
    noise = math.sqrt(total / people) + math.sqrt(total / items)
    return min(NOISE_SHARE * noise, LARGEST_SHARE * _largest_singular_value(positive))


def _largest_singular_value(matrix: "csr_matrix[np.float64]", steps: int = 20) -> float:
    """By power iteration from the vector of ones, which no matrix without negative entries sends astray."""
    vector: Doubles = np.ones(matrix.shape[1])
    for _ in range(steps):
        vector /= np.linalg.norm(vector)
        vector = np.asarray(matrix.T @ (matrix @ vector))
    return math.sqrt(float(np.linalg.norm(vector)))


def fit_als(
    events: Events,
    parameters: AlsParameters,
    *,
    seed: int,
    threads: int = 0,
    progress: Progress | None = None,
    solve: Solver | None = None,
) -> AlsModel:
    """Train on all events given; equal events, parameters and seed give an equal model.

    `threads` 0 uses every core. `progress(done, total)` is called after each iteration. `solve` is the
    library to use; implicit where it is left out.
    Raises ValueError if no event speaks for an item, FloatingPointError if the factors are not finite.
    """
    user_ids, item_ids = np.unique(events.user_ids), np.unique(events.item_ids)
    scale = parameters.negative_scale if parameters.negatives == "keep" else 0.0
    weights = confidence_matrix(
        fade(events, parameters.half_life_days),
        user_ids=user_ids,
        item_ids=item_ids,
        negatives="keep" if scale > 0 else "drop",
    )
    if not (weights.data > 0).any():
        raise ValueError("There are no positive interactions to train on; import or record some first.")
    form = parameters.confidence or "damped"
    alpha = parameters.alpha or default_alpha(weights, form)
    confidences = _confidences(weights, alpha, scale, form)
    regularization = parameters.regularization
    if regularization is None:
        regularization = default_regularization(confidences, form)
    item_factors = (solve or partial(_solve_here, threads=threads))(
        confidences,
        factors=parameters.factors or default_factors(*weights.shape),
        regularization=regularization,
        iterations=parameters.iterations,
        seed=seed,
        progress=progress,
    )
    if not np.isfinite(item_factors).all():
        raise FloatingPointError(
            "Training gave factors that are not finite; lower alpha or raise regularization."
        )
    return AlsModel(
        item_ids=item_ids,
        item_factors=item_factors,
        gram=gram_matrix(item_factors),
        regularization=float(regularization),
        alpha=float(alpha),
        negative_scale=float(scale),
        confidence=form,
    )


def _solve_here(
    confidences: "csr_matrix[np.float32]",
    *,
    factors: int,
    regularization: float,
    iterations: int,
    seed: int,
    progress: Progress | None,
    threads: int,
) -> Floats:
    """The factors of the items by implicit, in this process."""
    from implicit.cpu.als import AlternatingLeastSquares  # serving needs none of it

    # BLAS threads would fight the solver's own, and change the order of its sums.
    with threadpool_limits(limits=1, user_api="blas"):
        solver = AlternatingLeastSquares(
            factors=factors,
            regularization=regularization,
            alpha=1.0,  # the matrix holds the confidences c themselves
            iterations=iterations,
            num_threads=threads,
            random_state=seed,
        )
        callback = _iteration_callback(progress, iterations)
        solver.fit(confidences, show_progress=False, callback=callback)
    return np.ascontiguousarray(solver.item_factors, dtype=np.float32)


def _confidences(
    weights: "csr_matrix[np.float32]", alpha: float, scale: float, confidence: Confidence
) -> "csr_matrix[np.float32]":
    """Weights r to what the solver takes: c where p = 1, -c where p = 0."""
    r = np.minimum(weights.data, MAX_PAIR_WEIGHT)
    person_of_entry = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    liked = np.bincount(person_of_entry, r > 0, minlength=weights.shape[0])
    positive = _positive(r, liked[person_of_entry], alpha, confidence)
    c = np.where(r > 0, positive, -1 + scale * r).astype(np.float32)
    return csr_matrix((c, weights.indices, weights.indptr), shape=weights.shape)


def _positive(r: Floats | Doubles, liked: Ints | int, alpha: float, confidence: Confidence) -> Doubles:
    """The confidences (n,) of weights r above 0, of people who have spoken for `liked` items."""
    if confidence == "plain":
        return 1.0 + alpha * r.astype(np.float64)
    damped: Doubles = alpha / np.sqrt(np.maximum(liked, 1)) * r.astype(np.float64)
    return damped


def _excess(confidences: "csr_matrix[np.float32]", confidence: Confidence) -> "csr_matrix[np.float64]":
    """C of what approvals add: all of a damped confidence, what is above 1 of a plain one; 0 for refusals."""
    base = 1.0 if confidence == "plain" else 0.0
    c = np.maximum(confidences.data.astype(np.float64) - base, 0.0)
    return csr_matrix((c, confidences.indices, confidences.indptr), shape=confidences.shape)


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


def history_confidences(model: AlsModel, weights: Floats) -> Doubles:
    """The confidences c of one person's signed weights r, each for another item; both (n,)."""
    r = np.minimum(weights.astype(np.float64), MAX_PAIR_WEIGHT)
    liked = r > 0
    positive = _positive(r, int(liked.sum()), model.alpha, model.confidence)
    return np.where(liked, positive, 1 - model.negative_scale * r)


def history_equation(model: AlsModel, rows: Rows, confidences: Doubles) -> Doubles:
    """Y'Y + Y'(C - I)Y + regularization I for one person's history, (f, f), positive definite."""
    factors = model.item_factors[rows].astype(np.float64)
    left: Doubles = model.gram + (factors.T * (confidences - 1)) @ factors
    left[np.diag_indices_from(left)] += model.regularization
    return left


def fold_in(model: AlsModel, rows: Rows, weights: Floats) -> Floats:
    """The user factor (f,) for a history: `rows` of the model, each once, with their signed weights r.

    Solves (Y'Y + Y'(C - I)Y + regularization I) x = Y'Cp, equation 4 of Hu, Koren and Volinsky 2008, with
    the confidences of this module. A history without any positive weight gives zeros.
    Raises ValueError if a row occurs twice.
    """
    if len(np.unique(rows)) != len(rows):
        raise ValueError("Each item of a history must come once, with its weights added up.")
    liked = weights > 0
    if not liked.any():
        return np.zeros(model.item_factors.shape[1], dtype=np.float32)
    confidences = history_confidences(model, weights)
    left = history_equation(model, rows, confidences)
    right = model.item_factors[rows[liked]].T @ confidences[liked]
    solution = scipy.linalg.cho_solve(
        scipy.linalg.cho_factor(left, check_finite=False), right, check_finite=False
    )
    return solution.astype(np.float32)


def score_all(model: AlsModel, user_factor: Floats) -> Floats:
    """Predicted preference of every item (n,): about 0 for indifferent, more for liked; unbounded."""
    return model.item_factors @ user_factor


def calibrate(model: AlsModel, scores: Floats) -> Doubles:
    """Scores to probabilities in [0, 1], by the calibration of the model."""
    return probabilities(scores, model.slope, model.intercept)
