"""EASE, a linear item-to-item model in closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019). With X the preferences of people
(people × items), the matrix B predicts every item from all the others:

    minimize  |X - X B|^2 + regularization |B|^2        with 0 on the diagonal of B
    B_ij = - P_ij / P_jj        P = (X'X + regularization I)^-1

The preference is the verdict: up to 1 for an item that was approved, -negative_scale for one that was turned
down, and 0 for all others. In training, weights fade with age.

Time grows with the third power of the items and memory with the second, so only the `items` approved by most
people take part; the model does not know the others. Of B the strongest entries of each row are kept.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_matrix

from core.arrays import Floats, Ints, Rows, positions
from ranking.recommenders.als.model import fade
from ranking.statistics.events import Events, verdicts_of

# The most items that `items` can name: their matrix takes 4 GiB, and its inverse as much again.
MOST_ITEMS = 32_768
# Rows of which the largest entries are looked for at once.
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class EaseParameters:
    """Hyper-parameters of `fit_ease`; docs/research/recommenders-measured.md tells how they were chosen.

    regularization  weight of the squared entries of B; None takes `default_regularization` of the data
    negative_scale  the size of the preference against what was turned down
    half_life_days  the age at which an event counts half in training, as in ALS
    items           how many items take part: those that most people approved
    neighbors       how many of the strongest entries of each row are kept

    Raises ValueError for a value out of range.
    """

    regularization: float | None = None
    negative_scale: float = 1.0
    half_life_days: float = 1500.0
    items: int = 20_000
    neighbors: int = 300

    def __post_init__(self) -> None:
        if self.regularization is not None and not 0 < self.regularization < np.inf:
            raise ValueError("Regularization must be a positive number.")
        if not 0 <= self.negative_scale < np.inf:
            raise ValueError("The scale of negatives must be 0 or a positive number.")
        if not self.half_life_days > 0:
            raise ValueError("The half-life must be positive.")
        if not 1 <= self.items <= MOST_ITEMS or self.neighbors < 1:
            raise ValueError(f"Items must be 1 to {MOST_ITEMS:,}, and neighbors at least 1.")


@dataclass(frozen=True, slots=True, eq=False)
class Ease:
    """A trained model; row and column i of `matrix` belong to `item_ids[i]`.

    item_ids  (n,) int64, sorted, unique
    matrix    (n, n) float32 sparse: B, at most `neighbors` entries a row, 0 on the diagonal
    regularization, negative_scale   as trained
    slope, intercept                 of `calibrated`; slope > 0
    """

    item_ids: Ints
    matrix: "csr_matrix[np.float32]"
    regularization: float
    negative_scale: float
    slope: float = 4.0
    intercept: float = -2.0

    def shares(self, weights: Floats) -> Floats:
        """The share of each item of a history (h,): its preference."""
        return verdicts_of(weights, self.negative_scale).astype(np.float32)


def fit_ease(events: Events, parameters: EaseParameters) -> Ease:
    """The model of all events given; equal events and parameters give an equal model.

    Raises ValueError if no event speaks for an item, MemoryError where the items do not fit.
    """
    preferences, item_ids = _preference_matrix(fade(events, parameters.half_life_days), parameters)
    regularization = parameters.regularization
    if regularization is None:
        regularization = default_regularization(preferences)
    weights = _closed_form(preferences, regularization)
    return Ease(
        item_ids=item_ids,
        matrix=_strongest(weights, parameters.neighbors),
        regularization=float(regularization),
        negative_scale=parameters.negative_scale,
    )


def default_regularization(preferences: "csr_matrix[np.float32]") -> float:
    """The regularization where none is given, from the preferences X (people × items).

        (sqrt(sum X^2 / people) + sqrt(sum X^2 / items))^2

    The bracket is about the largest singular value that chance alone gives such a matrix, as in ALS; its
    square is an eigenvalue of X'X, beside which the regularization stands.
    """
    people, items = preferences.shape
    total = float(np.square(preferences.data, dtype=np.float64).sum())
    return (math.sqrt(total / people) + math.sqrt(total / items)) ** 2


def _preference_matrix(events: Events, parameters: EaseParameters) -> tuple["csr_matrix[np.float32]", Ints]:
    """X of the items that take part, and their ids. A dislike on a pair outweighs whatever else is on it."""
    users, items = np.unique(events.user_ids), np.unique(events.item_ids)
    pairs, pair_of_event = np.unique(
        positions(events.user_ids, users) * len(items) + positions(events.item_ids, items),
        return_inverse=True,
    )
    liked = np.bincount(pair_of_event, np.maximum(events.weights, 0.0), minlength=len(pairs))
    disliked = np.bincount(pair_of_event, np.minimum(events.weights, 0.0), minlength=len(pairs))
    values = verdicts_of(np.where(disliked < 0, disliked, liked), parameters.negative_scale)
    approvals = np.bincount(pairs[values > 0] % max(len(items), 1), minlength=len(items))
    if not approvals.any():
        raise ValueError("There are no positive interactions to train on; import or record some first.")
    chosen = _most_approved(approvals, parameters.items)
    columns = positions(pairs % len(items), chosen)
    kept = (columns >= 0) & (values != 0)
    matrix = csr_matrix(
        (values[kept].astype(np.float32), (pairs[kept] // len(items), columns[kept])),
        shape=(len(users), len(chosen)),
    )
    return matrix, items[chosen]


def _most_approved(approvals: Ints, most: int) -> Rows:
    """The rows of at most so many items, those with most approvals, rising; none without any."""
    order = np.argsort(-approvals, kind="stable")[:most]
    return np.sort(order[approvals[order] > 0])


def _closed_form(preferences: "csr_matrix[np.float32]", regularization: float) -> Floats:
    """B in full, (n, n), by a Cholesky factorization in place; single precision is enough beside the
    regularization, which keeps the matrix far from singular."""
    items = preferences.shape[1]
    gram = np.empty((items, items), dtype=np.float32, order="F")
    # A block of columns at a time: the whole product as a sparse matrix is three times as large as in full.
    of_items, by_items = preferences.T.tocsr(), preferences.tocsc()
    for start in range(0, items, _AT_ONCE):
        block = slice(start, start + _AT_ONCE)
        gram[:, block] = (of_items @ by_items[:, block]).toarray()
    diagonal = np.diag_indices(len(gram))
    gram[diagonal] += np.float32(regularization)
    factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
    if not failed:
        inverse, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise FloatingPointError("The items cannot be told apart; raise the regularization.")
    # Only the lower half is filled in.
    for column in range(len(inverse)):
        inverse[column, column + 1 :] = inverse[column + 1 :, column]
    weights: Floats = inverse
    weights /= -weights[diagonal][None, :]
    weights[diagonal] = 0.0
    return weights


def _largest(weights: Floats, most: int) -> Rows:
    """(r, most) the columns of each row (r, n) that are largest without their sign, rising."""
    sizes = np.abs(weights)
    least = np.partition(sizes, -most, axis=1)[:, -most, None]
    larger, equal = sizes > least, sizes == least
    room = most - larger.sum(axis=1, keepdims=True)
    crowded = equal.sum(axis=1) > room[:, 0]
    equal[crowded] &= np.cumsum(equal[crowded], axis=1) <= room[crowded]
    kept = larger | equal
    return np.nonzero(kept)[1].reshape(len(weights), most)


def _strongest(weights: Floats, neighbors: int) -> "csr_matrix[np.float32]":
    """The entries of each row that are largest without their sign; of equal ones the first columns."""
    items = len(weights)
    most = min(neighbors, items - 1)
    if not most:
        return csr_matrix(np.zeros((items, items), dtype=np.float32))
    starts = range(0, items, _AT_ONCE)
    columns = np.concatenate([_largest(weights[start : start + _AT_ONCE], most) for start in starts])
    values = np.take_along_axis(weights, columns, axis=1).ravel()
    ends = np.arange(items + 1) * most
    matrix = csr_matrix((values, columns.ravel(), ends), shape=(items, items))
    matrix.eliminate_zeros()
    return matrix
