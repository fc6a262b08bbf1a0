"""Nearness of items that are vectors: how much an item has in common with what a person chose last.

The columns of the vectors belong to groups, and the part of each group has length 1, so that a product of two
items is a cosine in each group. The raw score of item j for a person with the history h is

    sum_g  a_g  mean_h cos_g(h, j)  -  r_g  sum_h' cos_g(h', j) / places^decay / total

over the approved items h and those that were turned down h', each by its verdict over its place from the end
to the power `decay`; the mean is over these shares, and `total` is their sum over what was approved.

a_g, r_g and the decay are learned: of an item that somebody chose and others that they might have chosen, the
chosen one is to stand first (conditional logit: McFadden, "Conditional logit analysis of qualitative choice
behavior", 1974). An item that nobody met has a score like any other.

Which vectors an item has is the matter of a kind: its facets (`content`), its text (`text`).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Floats, Ints, Rows, positions
from core.sparse import Entries, weighted_sum
from ranking.statistics.events import Events, verdicts_of

NOTHING = "There are no positive interactions to train on; import or record some first."
# Decays that are tried; of these the likeliest is kept.
DECAYS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5)
# Of a longer history the last approved and the last refused items are read, so many of each.
LONGEST = 200
# A weight is held to 0 like a number with this deviation; the raw score of a perfect match is a few units.
_DEVIATION = 10.0
# Questions of which the histories are dense at once.
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class NearnessParameters:
    """Hyper-parameters of `fit_nearness`.

    questions  the most choices that the weights are learned from, drawn evenly
    others     how many other items, drawn evenly, each chosen one is held against

    Raises ValueError for a value out of range.
    """

    questions: int = 5000
    others: int = 30

    def __post_init__(self) -> None:
        if self.questions < 1 or self.others < 1:
            raise ValueError("Questions and others must be at least 1.")


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The vectors of the k items of a catalog.

    item_ids  (k,) sorted, unique
    values    (k, m), the part of each group of columns of length 1 where it has any entry
    groups    (m,) the group of each column, below `count`
    """

    item_ids: Ints
    values: "csr_matrix[np.float64]"
    groups: Ints
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class NearnessWeights:
    """A trained model.

    approved, refused  (groups,) at least 0: a_g and r_g
    decay              how fast an item of the history counts less with its place from the end, at least 0
    slope, intercept   of the calibration; slope > 0
    """

    approved: Doubles
    refused: Doubles
    decay: float
    slope: float = 4.0
    intercept: float = -2.0

    @classmethod
    def unlearned(cls, groups: int) -> "NearnessWeights":
        """Those without anything to learn from: every group counts alike and a no as much as a yes."""
        return cls(np.ones(groups), np.ones(groups), 0.75)


def shares_of(weights: Floats | Doubles, decay: float) -> Doubles:
    """The share of each item of a history (h,), oldest first, by its signed weight, with that sign.

    Approved and refused items have places of their own. The approved shares sum to 1 where there are any.
    """
    shares = np.zeros(len(weights))
    for which in (np.flatnonzero(weights > 0), np.flatnonzero(weights < 0)):
        latest = which[::-1][:LONGEST]
        shares[latest] = verdicts_of(weights[latest]) / np.arange(1, len(latest) + 1) ** decay
    total = shares[shares > 0].sum()
    scaled: Doubles = shares / total if total > 0 else shares
    return scaled


def profile(units: Units, rows: Rows, shares: Doubles, weights: NearnessWeights) -> Doubles:
    """(m,): what each column adds to a score, of a history of catalog rows (h,) with their shares."""
    liked, refused = np.maximum(shares, 0.0), np.maximum(-shares, 0.0)
    added: Doubles = weights.approved[units.groups] * weighted_sum(units.values, rows, liked)
    if refused.any():
        added -= weights.refused[units.groups] * weighted_sum(units.values, rows, refused)
    return added


@dataclass(frozen=True, slots=True, eq=False)
class _Choices:
    """The items that everybody approved or refused, by person and time, none twice for one person; (c,) each.

    starts  the position of the person's first choice
    """

    rows: Rows
    verdicts: Doubles
    starts: Rows


def fit_nearness(
    events: Events, units: Units, parameters: NearnessParameters, *, seed: int
) -> NearnessWeights:
    """The weights of these events over a catalog; equal input and seed give an equal model.

    Where nobody approved two items of the catalog, the unlearned. Raises ValueError if no event speaks for an
    item.
    """
    if not (events.weights > 0).any():
        raise ValueError(NOTHING)
    rng = np.random.default_rng(seed)
    choices = _choices(events, units.item_ids)
    asked = _questions(choices, parameters.questions, rng)
    unlearned = NearnessWeights.unlearned(units.count)
    if not len(asked) or not units.values.nnz:
        return unlearned
    others = rng.integers(len(units.item_ids), size=(len(asked), parameters.others))
    shown = np.column_stack([choices.rows[asked], others])
    fits = [_fit(choices, asked, shown, units, decay) for decay in DECAYS]
    _, best = min(fits, key=lambda fit: fit[0])
    # Of a catalog where nothing that items have in common tells, nothing was learned.
    return best if (best.approved > 0).any() else replace(best, approved=unlearned.approved)


def _choices(events: Events, item_ids: Ints) -> _Choices:
    rows = positions(events.item_ids, item_ids)
    known = events.select(rows >= 0)
    order = np.lexsort((known.times, known.item_ids, known.user_ids))
    users, items = known.user_ids[order], known.item_ids[order]
    starts = np.flatnonzero(np.diff(users, prepend=-1) | np.diff(items, prepend=-1))
    weights = known.weights[order].astype(np.float64)
    liked = np.add.reduceat(np.maximum(weights, 0.0), starts) if len(starts) else weights
    disliked = np.add.reduceat(np.minimum(weights, 0.0), starts) if len(starts) else weights
    verdicts = verdicts_of(np.where(disliked < 0, disliked, liked))
    latest = known.times[order][np.append(starts[1:], len(order))[: len(starts)] - 1]
    chosen = positions(items[starts], item_ids)
    by_time = np.lexsort((chosen, latest, users[starts]))
    by_time = by_time[verdicts[by_time] != 0]
    people = users[starts][by_time]
    return _Choices(chosen[by_time], verdicts[by_time], np.searchsorted(people, people).astype(np.intp))


def _questions(choices: _Choices, most: int, rng: np.random.Generator) -> Rows:
    """Positions of approved items before which the same person approved another one; at most `most`."""
    approved = choices.verdicts > 0
    before = np.concatenate([[0], np.cumsum(approved)])[: len(approved)]
    asked = np.flatnonzero(approved & (before > before[choices.starts]))
    return asked if len(asked) <= most else np.sort(rng.choice(asked, size=most, replace=False))


def _histories(
    choices: _Choices, asked: Rows, items: int, decay: float
) -> tuple["csr_matrix[np.float64]", "csr_matrix[np.float64]"]:
    """(q, items) twice: the shares of what was approved and of what was refused before each question."""
    lengths = asked - choices.starts[asked]
    question = np.repeat(np.arange(len(asked)), lengths)
    of_question = np.arange(len(question)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    event = choices.starts[asked][question] + of_question
    signs = choices.verdicts > 0
    matrices = []
    for which in (signs, ~signs):
        count = np.cumsum(which)
        kept = which[event]
        one, row = event[kept], question[kept]
        place = count[asked[row] - 1] - count[one] + 1
        near = place <= LONGEST
        one, row, place = one[near], row[near], place[near]
        share = np.abs(choices.verdicts[one]) / place**decay
        matrices.append(csr_matrix((share, (row, choices.rows[one])), shape=(len(asked), items)))
    totals = np.asarray(matrices[0].sum(axis=1)).ravel()
    approved, refused = (
        csr_matrix((one.data / np.repeat(totals, np.diff(one.indptr)), one.indices, one.indptr), one.shape)
        for one in matrices
    )
    return approved, refused


def _fit(
    choices: _Choices, asked: Rows, shown: Ints, units: Units, decay: float
) -> tuple[float, NearnessWeights]:
    """The loss by the best weights with one decay, and these."""
    approved, refused = _histories(choices, asked, len(units.item_ids), decay)
    features = np.concatenate([_cosines(approved, shown, units), -_cosines(refused, shown, units)], axis=2)
    met = approved + refused
    rows = np.arange(len(asked))
    known = np.column_stack([np.asarray(met[rows, column]).ravel() > 0 for column in shown.T])
    known |= shown == shown[:, :1]
    # The chosen item itself is the first column.
    known[:, 0] = False
    loss, found = _conditional_logit(features, known)
    return loss, NearnessWeights(found[: units.count], found[units.count :], decay)


def _cosines(histories: "csr_matrix[np.float64]", shown: Ints, units: Units) -> Doubles:
    """(q, k, groups): by group of columns, the products of histories (q, items) with shown items (q, k)."""
    cosines = np.zeros((*shown.shape, units.count))
    for start in range(0, len(shown), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        profiles = np.asarray((histories[part] @ units.values).todense())
        entries = Entries.of(units.values, shown[part].ravel())
        products = (
            units.values.data[entries.places] * profiles[entries.owners // shown.shape[1], entries.columns]
        )
        sums = entries.sums_by(units.groups[entries.columns], products, units.count)
        cosines[part] = sums.reshape(-1, shown.shape[1], units.count)
    return cosines


def _conditional_logit(features: Doubles, barred: Bools) -> tuple[float, Doubles]:
    """The loss and the weights (f,), at least 0, by which the first of each row is likeliest.

    features  (q, k, f) of the k items of each of q questions, the chosen one first
    barred    (q, k) items that are not held against it
    """
    from scipy.optimize import minimize  # half a second that only training pays

    questions = len(features)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        scores = np.where(barred, -np.inf, features @ weights)
        scores -= scores.max(axis=1, keepdims=True)
        chances = np.exp(scores)
        totals = chances.sum(axis=1)
        expected = np.einsum("qk,qkf->qf", chances / totals[:, None], features)
        value = (np.log(totals) - scores[:, 0]).mean() + (weights**2).sum() / (2 * _DEVIATION**2 * questions)
        slope = (expected - features[:, 0]).mean(axis=0) + weights / (_DEVIATION**2 * questions)
        return float(value), slope

    start = np.ones(features.shape[2])
    result = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(start))
    return float(result.fun), result.x
