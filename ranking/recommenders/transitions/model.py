"""Item to item by succession: what people chose soon after what, counted.

Everybody's items stand in the order in which they were last acted on. For each item i that somebody approved
and each j that came d places after it, at most `window` places and `window_days` days, the count grows by

    v_j / d^decay

with v_j the verdict on j: up to 1 for an approved item (`verdicts`), -negative_scale for one that was turned
down. Of two items of the same moment each counts as coming after the other, by half. With N_ij the sum over
people, and N_i the sum over all j without the signs, the strength of the transition is

    S_ij = N_ij / N_i^evidence      divided by the largest of all; 0 where N_ij is below 0

With 1 for `evidence` it is the share of j in what followed i, whether one pair says so or a thousand. With
one half it is that share times the root of how much is known, by which the error of a share falls.

The raw score of an item for a person is the sum of S over their last `window` approved items, each by its
verdict over its place from the end, less the same sum over what they turned down. Approvals do not age what
was turned down: its places are counted apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, vstack

from core.arrays import Doubles, Floats, Ints, Rows, positions
from ranking.statistics.events import SECONDS_PER_DAY, Events, verdicts_of

NOTHING = "There are no positive interactions to train on; import or record some first."
# Days beside which all of history is near; infinity has no place in JSON.
NO_LIMIT = 1e9
# So many pairs are counted at once: 24 bytes each.
_PAIRS_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True)
class TransitionsParameters:
    """Hyper-parameters of `fit_transitions`; docs/research/recommenders-measured.md has their choice.

    window       how many places later an item still counts as coming after another, and how many of the
                 last items of a person are asked
    window_days  the most days between the two
    decay        at least 0: how fast a count falls with the places between
    negative_scale  what an item that was turned down counts, beside 1 for an approved one
    evidence     0 to 1: how far the strength is divided by all that followed an item
    neighbors    how many of the strongest transitions of each item are kept

    Raises ValueError for a value out of range.
    """

    window: int = 50
    window_days: float = NO_LIMIT
    decay: float = 0.75
    negative_scale: float = 1.0
    evidence: float = 0.5
    neighbors: int = 300

    def __post_init__(self) -> None:
        if self.window < 1 or self.neighbors < 1:
            raise ValueError("Window and neighbors must be at least 1.")
        if not self.window_days > 0:
            raise ValueError("The days of the window must be positive.")
        if not (0 <= self.decay < np.inf and 0 <= self.negative_scale < np.inf):
            raise ValueError("Decay and the scale of negatives must be 0 or a positive number.")
        if not 0 <= self.evidence <= 1:
            raise ValueError("Evidence must lie between 0 and 1.")


@dataclass(frozen=True, slots=True, eq=False)
class Transitions:
    """A trained model; row i of `matrix` belongs to `item_ids[i]` and says what comes after it.

    item_ids   (n,) int64, sorted, unique
    matrix     (n, n) float32 sparse: strengths in (0, 1], at most `neighbors` a row, 0 on the diagonal
    window, negative_scale   as trained
    slope, intercept   of `calibrated`; slope > 0
    """

    item_ids: Ints
    matrix: "csr_matrix[np.float32]"
    window: int
    negative_scale: float
    slope: float = 4.0
    intercept: float = -2.0

    def shares(self, weights: Floats) -> Floats:
        """The share of each item of a history (h,), oldest first: its verdict over its place from the end.

        Approved and turned down items have places of their own; 0 beyond the window.
        """
        shares = np.zeros(len(weights), dtype=np.float32)
        for which in (np.flatnonzero(weights > 0), np.flatnonzero(weights < 0)):
            latest = which[::-1][: self.window]
            verdicts = verdicts_of(weights[latest], self.negative_scale)
            shares[latest] = verdicts / np.arange(1, len(latest) + 1)
        return shares


@dataclass(frozen=True, slots=True, eq=False)
class _Choices:
    """The items that everybody approved or turned down, by person and time, none twice for one person.

    people    (c,) ids
    items     (c,) rows of the items
    verdicts  (c,) not 0
    times     (c,) of the last act on the item, seconds since 1970
    """

    people: Ints
    items: Rows
    verdicts: Doubles
    times: Doubles


def fit_transitions(events: Events, parameters: TransitionsParameters) -> Transitions:
    """The transitions between all items with an event; equal events and parameters give an equal model.

    What is held at once are some million pairs and the transitions that are kept.
    Raises ValueError if no event speaks for an item.
    """
    if not len(events):
        raise ValueError(NOTHING)
    item_ids = np.unique(events.item_ids)
    choices = _choices(events, item_ids, parameters.negative_scale)
    if not (choices.verdicts > 0).any():
        raise ValueError(NOTHING)
    blocks = [
        _strongest(
            _strengths(_counts(choices, first, last, len(item_ids), parameters), parameters), parameters
        )
        for first, last in _blocks(choices, len(item_ids), parameters.window)
    ]
    strengths: csr_matrix[np.float32] = vstack(blocks, format="csr", dtype=np.float32)
    highest = float(strengths.data.max(initial=0.0))
    if highest > 0.0:
        # A score means the same in every catalog.
        strengths.data /= highest
    strengths.eliminate_zeros()
    strengths.sort_indices()
    return Transitions(item_ids, strengths, parameters.window, parameters.negative_scale)


def _choices(events: Events, item_ids: Ints, negative_scale: float) -> _Choices:
    order = np.lexsort((events.times, events.item_ids, events.user_ids))
    users, items = events.user_ids[order], events.item_ids[order]
    # A row for each pair of person and item, from its first event.
    starts = np.flatnonzero(np.diff(users, prepend=-1) | np.diff(items, prepend=-1))
    weights = events.weights[order].astype(np.float64)
    liked = np.add.reduceat(np.maximum(weights, 0.0), starts)
    disliked = np.add.reduceat(np.minimum(weights, 0.0), starts)
    verdicts = verdicts_of(np.where(disliked < 0, disliked, liked), negative_scale)
    latest = events.times[order][np.append(starts[1:], len(order)) - 1]
    rows = positions(items[starts], item_ids)
    by_time = np.lexsort((rows, latest, users[starts]))
    by_time = by_time[verdicts[by_time] != 0]
    return _Choices(users[starts][by_time], rows[by_time], verdicts[by_time], latest[by_time])


def _blocks(choices: _Choices, items: int, window: int) -> Iterator[tuple[int, int]]:
    """Ranges of items, first to last - 1, of which each makes up to about _PAIRS_AT_ONCE pairs."""
    most = np.cumsum(np.bincount(choices.items, minlength=items)) * window
    cuts = np.searchsorted(most, np.arange(_PAIRS_AT_ONCE, int(most[-1]), _PAIRS_AT_ONCE)) + 1
    edges = np.unique([0, *cuts.tolist(), items])
    return ((int(first), int(last)) for first, last in pairwise(edges))


def _counts(
    choices: _Choices, first: int, last: int, items: int, parameters: TransitionsParameters
) -> "csr_matrix[np.float64]":
    """N of the items first to last - 1, (last - first, items)."""
    # The places of what was approved among the choices: alone from these do pairs of the block begin.
    wanted = (choices.items >= first) & (choices.items < last) & (choices.verdicts > 0)
    places = np.flatnonzero(wanted)
    found = [
        pairs
        for distance in range(1, parameters.window + 1)
        for pairs in _pairs(choices, distance, places, parameters)
    ]
    sources, targets, values = (np.concatenate(column) for column in zip(*found, strict=True))
    return coo_matrix((values, (sources - first, targets)), shape=(last - first, items)).tocsr()


def _pairs(
    choices: _Choices, distance: int, places: Rows, parameters: TransitionsParameters
) -> Iterator[tuple[Rows, Rows, Doubles]]:
    """Sources, targets and values of all pairs so many places apart that begin at the `places`.

    What happened at one moment has no order, so there both ways count half.
    """
    for step in (distance, -distance):
        one = places[(places + step >= 0) & (places + step < len(choices.items))]
        other = one + step
        gaps = choices.times[other] - choices.times[one]
        near = choices.people[other] == choices.people[one]
        near &= gaps <= parameters.window_days * SECONDS_PER_DAY if step > 0 else gaps == 0
        one, other, gaps = one[near], other[near], gaps[near]
        share = np.where(gaps == 0, 0.5, 1.0) / distance**parameters.decay
        yield choices.items[one], choices.items[other], share * choices.verdicts[other]


def _strengths(
    counts: "csr_matrix[np.float64]", parameters: TransitionsParameters
) -> "csr_matrix[np.float64]":
    followed = np.asarray(abs(counts).sum(axis=1)).ravel()
    divisor = np.maximum(followed, 1e-300) ** parameters.evidence
    values = np.maximum(counts.data, 0.0) / np.repeat(divisor, np.diff(counts.indptr))
    strengths = csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)
    strengths.eliminate_zeros()
    return strengths


def _strongest(
    strengths: "csr_matrix[np.float64]", parameters: TransitionsParameters
) -> "csr_matrix[np.float64]":
    """The same with the strongest entries of each row alone; of equal ones those of the first columns."""
    lengths = np.diff(strengths.indptr)
    if (lengths <= parameters.neighbors).all():
        return strengths
    strengths.sort_indices()
    rows = np.repeat(np.arange(strengths.shape[0]), lengths)
    order = np.lexsort((strengths.indices, -strengths.data, rows))
    place = np.arange(len(rows)) - np.repeat(strengths.indptr[:-1], lengths)
    kept = order[place < parameters.neighbors]
    return csr_matrix((strengths.data[kept], (rows[kept], strengths.indices[kept])), shape=strengths.shape)
