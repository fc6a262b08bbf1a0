"""Fitting the model of verdicts: biases and factors of everybody's verdicts, weights by the later ones."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Ints, Rows, positions
from core.domain import NUMBERS
from ranking.item_content import ItemContent
from ranking.recommenders.verdict.model import (
    FACET_PRIOR,
    PARTS,
    PERSON_PRIOR,
    Verdicts,
    VerdictTable,
    item_bias,
    judge_of,
    parts_of,
)
from ranking.recommenders.verdict.numbers import knots_of, levels_of
from ranking.statistics.events import Events, verdicts_of

NOTHING = "There are no positive interactions to train on; import or record some first."
# Weights are learned from the verdicts after this share of them in time, of so many people.
_LEARNED = 0.8
_PEOPLE = 2000
# Fewer noes or fewer yeses than these say little of seven weights; then all count as here.
_LEAST = 30
_PLAIN = 3.0
# Biases are settled after so many sweeps.
_SWEEPS = 5
_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class VerdictParameters:
    """Hyper-parameters of `fit_verdicts`.

    factors         the length of p_u and q_i
    regularization  added to the diagonal of each ridge regression, above 0
    iterations      how often both sides are solved

    Raises ValueError for a value out of range.
    """

    factors: int = 16
    regularization: float = 10.0
    iterations: int = 10

    def __post_init__(self) -> None:
        if self.factors < 1 or self.iterations < 1:
            raise ValueError("Factors and iterations must be at least 1.")
        if not 0 < self.regularization < np.inf:
            raise ValueError("The regularization must be positive.")


@dataclass(frozen=True, slots=True, eq=False)
class _Log:
    """The verdicts of everybody, one for each person and item, by person and time; (v,) each."""

    people: Ints
    item_ids: Ints
    verdicts: Doubles
    times: Doubles

    def select(self, which: Bools | Rows) -> "_Log":
        return _Log(self.people[which], self.item_ids[which], self.verdicts[which], self.times[which])


def fit_verdicts(
    events: Events, content: ItemContent, parameters: VerdictParameters, *, seed: int
) -> Verdicts:
    """A model of these events, over items of which `content` knows the facets; equal input, equal model.

    Raises ValueError if no event speaks for an item.
    """
    if not (events.weights > 0).any():
        raise ValueError(NOTHING)
    log = _log_of(events)
    model = _fit_parts(log, content, parameters, seed)
    weights, offset = _fit_weights(log, content, parameters, seed)
    return replace(model, weights=weights, offset=offset)


def _log_of(events: Events) -> _Log:
    order = np.lexsort((events.times, events.item_ids, events.user_ids))
    users, items = events.user_ids[order], events.item_ids[order]
    starts = np.flatnonzero(np.diff(users, prepend=-1) | np.diff(items, prepend=-1))
    weights = events.weights[order].astype(np.float64)
    liked = np.add.reduceat(np.maximum(weights, 0.0), starts)
    disliked = np.add.reduceat(np.minimum(weights, 0.0), starts)
    verdicts = verdicts_of(np.where(disliked < 0, disliked, liked))
    times = events.times[order][np.append(starts[1:], len(order)) - 1]
    log = _Log(users[starts], items[starts], verdicts, times)
    log = log.select(log.verdicts != 0)
    return log.select(np.lexsort((log.item_ids, log.times, log.people)))


def _fit_parts(log: _Log, content: ItemContent, parameters: VerdictParameters, seed: int) -> Verdicts:
    """Biases and factors; all weights are 0 yet."""
    item_ids = np.unique(log.item_ids)
    item = np.searchsorted(item_ids, log.item_ids)
    people, person = np.unique(log.people, return_inverse=True)
    mean = float(log.verdicts.mean())
    left = log.verdicts - mean
    counts = np.bincount(item, minlength=len(item_ids)).astype(np.float64)
    acts = np.bincount(person, minlength=len(people))
    of_person = np.zeros(len(people))
    over = content.of_items(item_ids)
    knots = knots_of(over.numbers)
    levels = levels_of(over.numbers, knots)
    of_item = bias = np.zeros(len(item_ids))
    for _ in range(_SWEEPS):
        effects = _effects(levels, counts, _sums(item, left - of_person[person] - bias[item], len(item_ids)))
        of_item = np.asarray(levels @ effects)
        sums = _sums(item, left - of_person[person] - of_item[item], len(item_ids))
        bias = item_bias(sums, counts, over)
        of_person = _sums(person, left - (bias + of_item)[item], len(people)) / (acts + PERSON_PRIOR)
    sums = _sums(item, left - of_person[person] - of_item[item], len(item_ids))
    rest: Doubles = left - of_person[person] - (item_bias(sums, counts, over) + of_item)[item]
    matrix = csr_matrix((rest, (person, item)), shape=(len(people), len(item_ids)))
    factors = _factorize(matrix, parameters, seed)
    return Verdicts(
        item_ids=item_ids,
        sums=sums,
        counts=counts,
        factors=factors.astype(np.float32),
        weights=np.zeros(PARTS),
        numbers=NUMBERS,
        knots=knots,
        effects=effects,
        mean=mean,
        offset=0.0,
        regularization=parameters.regularization,
    )


def _effects(levels: "csr_matrix[np.float64]", counts: Doubles, sums: Doubles) -> Doubles:
    """The effect of each level (c * KNOTS,), by ridge regression on what the verdicts on items add up to.

    levels  (n, c * KNOTS) of the items, which have `counts` (n,) verdicts of these `sums` (n,)
    """
    weighted = csr_matrix(levels.multiply(counts[:, None]))
    gram = np.asarray((csr_matrix(levels.T) @ weighted).todense())
    found: Doubles = np.linalg.solve(gram + FACET_PRIOR * np.eye(len(gram)), np.asarray(levels.T @ sums))
    return found


def _sums(rows: Rows, values: Doubles, size: int) -> Doubles:
    """The sum of the values of each row, (size,)."""
    sums: Doubles = np.bincount(rows, values, minlength=size).astype(np.float64)
    return sums


def _factorize(matrix: "csr_matrix[np.float64]", parameters: VerdictParameters, seed: int) -> Doubles:
    """The factors of the columns (n, f), by alternating ridge regression on what the matrix holds."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(0.0, 0.1, size=(matrix.shape[1], parameters.factors))
    turned = matrix.T.tocsr()
    for _ in range(parameters.iterations):
        rows = _ridge(matrix, columns, parameters.regularization)
        columns = _ridge(turned, rows, parameters.regularization)
    return columns


def _ridge(matrix: "csr_matrix[np.float64]", others: Doubles, regularization: float) -> Doubles:
    """The factors of each row (r, f) that fit its entries best, given those of the columns."""
    count = others.shape[1]
    squares = (others[:, :, None] * others[:, None, :]).reshape(len(others), -1)
    found = np.empty((matrix.shape[0], count))
    for first in range(0, matrix.shape[0], _ROWS_AT_ONCE):
        part = matrix[first : first + _ROWS_AT_ONCE]
        held = csr_matrix((np.ones(part.nnz), part.indices, part.indptr), shape=part.shape)
        grams = np.asarray(held @ squares).reshape(-1, count, count) + regularization * np.eye(count)
        found[first : first + _ROWS_AT_ONCE] = np.linalg.solve(grams, np.asarray(part @ others)[..., None])[
            ..., 0
        ]
    return found


def _fit_weights(
    log: _Log, content: ItemContent, parameters: VerdictParameters, seed: int
) -> tuple[Doubles, float]:
    """The weights of the parts and the offset, by later verdicts; zeros where nobody turned anything down."""
    refused = log.verdicts < 0
    if not refused.any() or refused.all():
        return np.zeros(PARTS), 0.0
    cut = float(np.quantile(log.times, _LEARNED))
    before = log.times < cut
    if (log.verdicts[before] > 0).any():
        earlier = _fit_parts(log.select(before), content, parameters, seed)
        features, yes, voices = _later(log, cut, VerdictTable.of(earlier, content), seed)
        if min(yes.sum(), (~yes).sum()) >= _LEAST:
            return _logistic(features, yes, voices)
    share = float((~refused).mean())
    return np.full(PARTS, _PLAIN), float(np.log(share / (1.0 - share)))


def _later(log: _Log, cut: float, table: VerdictTable, seed: int) -> tuple[Doubles, Bools, Doubles]:
    """The parts (v, PARTS) of verdicts after the cut, which of them are yeses, and the weight of each.

    Each is told from what the person said before the cut; of somebody new, from the first half.
    """
    rows = positions(log.item_ids, table.content.item_ids)
    known = rows >= 0
    log, rows = log.select(known), rows[known]
    people, starts = np.unique(log.people, return_index=True)
    ends = np.append(starts[1:], len(log.people))
    rng = np.random.default_rng(seed)
    features, yes, voices = [np.empty((0, PARTS))], [np.empty(0, dtype=np.bool_)], [np.empty(0)]
    asked = rng.permutation(len(people))
    for one in asked.tolist():
        first, last = int(starts[one]), int(ends[one])
        turn = first + int(np.searchsorted(log.times[first:last], cut))
        turn = turn if turn > first else first + (last - first) // 2
        if first < turn < last:
            judge = judge_of(table, rows[first:turn], log.verdicts[first:turn])
            features.append(parts_of(table, judge, rows[turn:last]))
            yes.append(log.verdicts[turn:last] > 0)
            voices.append(np.full(last - turn, (last - turn) ** -0.5))
        if len(features) > _PEOPLE:
            break
    return np.concatenate(features), np.concatenate(yes), np.concatenate(voices)


def _logistic(features: Doubles, yes: Bools, voices: Doubles) -> tuple[Doubles, float]:
    """The likeliest weights, at least 0, and the offset; each standardized weight with a deviation of 1."""
    from scipy.optimize import minimize  # half a second that only training pays

    spread = features.std(axis=0)
    spread[spread < 1e-9] = 1.0
    inputs = np.column_stack([features / spread, np.ones(len(features))])
    prior = np.append(np.ones(PARTS), 0.0)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        odds = inputs @ weights
        value = voices @ (np.logaddexp(0.0, odds) - yes * odds) + 0.5 * (prior * weights) @ weights
        error = voices * (1.0 / (1.0 + np.exp(-np.clip(odds, -500, 500))) - yes)
        return float(value), inputs.T @ error + prior * weights

    bounds = [(0.0, None)] * PARTS + [(None, None)]
    result = minimize(loss, np.zeros(PARTS + 1), jac=True, method="L-BFGS-B", bounds=bounds)
    weights: Doubles = result.x[:-1] / spread
    return weights, float(result.x[-1])
