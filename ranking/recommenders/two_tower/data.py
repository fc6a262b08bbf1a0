"""Training data of a two-tower model: items, and examples with the person's state before each.

Without PyTorch, so that datasets and commands can speak of them where it is not installed.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Floats, Ints, Rows

OBSERVED, HARD_NEGATIVE, RANDOM_NEGATIVE = 0, 1, 2
KINDS = (OBSERVED, HARD_NEGATIVE, RANDOM_NEGATIVE)
# Places of items and facets in lists that are many and long: half as large as `Rows`.
Places: TypeAlias = NDArray[np.int32]
# From this label on an example counts as something to be found again.
TARGET_LABEL = 0.75


@dataclass(frozen=True, slots=True)
class TwoTowerParameters:
    """Hyper-parameters of `fit_two_tower`; docs/research/two-tower.md tells how the defaults were measured.

    dimensions            length of all embeddings, and of the vectors of people and items
    hidden                width of the hidden layer of each tower
    epochs                at the most
    batch_size            positive examples in a batch
    learning_rate         of Adam
    temperature           cosines are divided by it: the lower, the further from what all people like
    patience              epochs without a better recall@100 on the validation part after which training ends
    hard_negative_weight  how much something refused counts against an item of the batch; 0 leaves it out
    uniform_negatives     items drawn evenly from the catalog into each batch
    id_dropout            share of items in a batch that are known by their features alone
    history_dropout       share of examples in a batch of which a random part of the history is hidden
    half_life_days        the age at which an example counts half; infinite for no fading
    demand_half_life_days the age at which an example counts half in how much its item is in demand

    Raises ValueError for a value out of range.
    """

    dimensions: int = 32
    hidden: int = 64
    epochs: int = 6
    batch_size: int = 512
    learning_rate: float = 0.001
    temperature: float = 1.5
    patience: int = 2
    hard_negative_weight: float = 1.0
    uniform_negatives: int = 512
    id_dropout: float = 0.2
    history_dropout: float = 0.8
    half_life_days: float = 1500.0
    demand_half_life_days: float = 730.0

    def __post_init__(self) -> None:
        counts = (self.dimensions, self.hidden, self.epochs, self.batch_size, self.patience)
        if min(counts) < 1 or self.uniform_negatives < 0:
            raise ValueError(
                "Dimensions, hidden, epochs, batch size and patience must be at least 1, uniform negatives 0."
            )
        if not (0 < self.learning_rate <= 1 and 0 < self.temperature <= 10):
            raise ValueError("The learning rate must lie in (0, 1], the temperature in (0, 10].")
        if not 0 <= self.hard_negative_weight < np.inf:
            raise ValueError("The weight of hard negatives must be 0 or a positive number.")
        if not (0 <= self.id_dropout < 1 and 0 <= self.history_dropout <= 1):
            raise ValueError("Dropouts are shares between 0 and 1; that of ids stays below 1.")
        if not (self.half_life_days > 0 and self.demand_half_life_days > 0):
            raise ValueError("Half-lives must be positive.")


@dataclass(frozen=True, slots=True, eq=False)
class TwoTowerItems:
    """The n items of a catalog, whether anybody met them or not.

    item_ids   (n,) sorted, unique
    facets     (n, m) 1 where the item has the facet
    facet_ids  (m,) sorted, unique: the facet of each column
    words      (n, w) weights of the hashed words of title and description, as tf-idf, 0 or more
    years      (n,) NaN where not known

    Raises ValueError for arrays that do not fit together, or hold what is not finite.
    """

    item_ids: Ints
    facets: "csr_matrix[np.float32]"
    facet_ids: Ints
    words: "csr_matrix[np.float32]"
    years: Doubles

    def __post_init__(self) -> None:
        count = len(self.item_ids)
        if self.facets.shape != (count, len(self.facet_ids)):
            raise ValueError("The facets must have a row for each item and a column for each facet id.")
        if self.words.shape[0] != count or self.years.shape != (count,):
            raise ValueError("Words and years must have a row for each item.")
        for ids in (self.item_ids, self.facet_ids):
            if not (ids[1:] > ids[:-1]).all():
                raise ValueError("Ids must be sorted and unique.")
        if not (np.isfinite(self.facets.data).all() and np.isfinite(self.words.data).all()):
            raise ValueError("Facets and words must be finite.")
        if np.isinf(self.years).any():
            raise ValueError("A year must be a number, or NaN where it is not known.")

    def __len__(self) -> int:
        return len(self.item_ids)


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """The states of s people, each at one moment.

    history_indptr   (s + 1,) state i has the history entries from [i] to [i + 1]
    history_rows     rows of the items, oldest first, none twice
    history_weights  signed training weight of each
    taste_indptr     (s + 1,) likewise
    facet_columns    columns of `TwoTowerItems.facets`, none twice
    facet_scores     score of each in the taste profile, -1 to 1

    Raises ValueError for arrays that do not fit together, or values out of range.
    """

    history_indptr: Ints
    history_rows: Places
    history_weights: Floats
    taste_indptr: Ints
    facet_columns: Places
    facet_scores: Floats

    def __post_init__(self) -> None:
        _check_lists(self.history_indptr, len(self), (self.history_rows, self.history_weights))
        _check_lists(self.taste_indptr, len(self), (self.facet_columns, self.facet_scores))
        if not np.isfinite(self.history_weights).all():
            raise ValueError("Weights of histories must be finite.")
        if not (np.abs(self.facet_scores) <= 1).all():
            raise ValueError("Taste scores must lie between -1 and 1.")

    def __len__(self) -> int:
        return len(self.taste_indptr) - 1

    def take(self, rows: Rows) -> "States":
        """The states at these places, in that order."""
        history_indptr, history = _take_lists(self.history_indptr, rows)
        taste_indptr, taste = _take_lists(self.taste_indptr, rows)
        return States(
            history_indptr=history_indptr,
            history_rows=self.history_rows[history],
            history_weights=self.history_weights[history],
            taste_indptr=taste_indptr,
            facet_columns=self.facet_columns[taste],
            facet_scores=self.facet_scores[taste],
        )


@dataclass(frozen=True, slots=True, eq=False)
class TwoTowerExamples:
    """e examples in any order, each with what was known of the person right before it.

    user_ids      (e,)
    item_rows     (e,) rows of `TwoTowerItems`
    labels        (e,) 0 to 1: how much the person made of the item; 0 for a negative
    rank_weights  (e,) 0 or more: how much the example counts
    kinds         (e,) OBSERVED, HARD_NEGATIVE or RANDOM_NEGATIVE
    times         (e,) seconds since 1970
    state_of      (e,) the place of the person's state in `states`
    states        those of a whole dataset: they are most of it, so that all parts share them

    Raises ValueError for arrays that do not fit together, or values out of range.
    """

    user_ids: Ints
    item_rows: Rows
    labels: Floats
    rank_weights: Floats
    kinds: NDArray[np.int8]
    times: Doubles
    state_of: Rows
    states: States

    def __post_init__(self) -> None:
        columns = (self.item_rows, self.labels, self.rank_weights, self.kinds, self.times, self.state_of)
        if any(column.shape != (len(self.user_ids),) for column in columns):
            raise ValueError("Every example needs a person, an item, a label, a weight, a kind and a time.")
        if not ((self.labels >= 0) & (self.labels <= 1)).all():
            raise ValueError("Labels must lie between 0 and 1.")
        if not ((self.rank_weights >= 0) & np.isfinite(self.rank_weights)).all():
            raise ValueError("Weights of examples must be 0 or more.")
        if not np.isfinite(self.times).all():
            raise ValueError("Times must be finite.")
        if not np.isin(self.kinds, KINDS).all():
            raise ValueError(f"Kinds must be among {KINDS}.")
        if not ((self.state_of >= 0) & (self.state_of < len(self.states))).all():
            raise ValueError("An example has a state that is not there.")

    def __len__(self) -> int:
        return len(self.user_ids)

    @property
    def positive(self) -> Bools:
        """(e,): which examples speak for their item."""
        result: Bools = (self.kinds == OBSERVED) & (self.labels > 0) & (self.rank_weights > 0)
        return result

    def take(self, which: Bools | Rows) -> "TwoTowerExamples":
        """The examples of a boolean mask (e,) or of an array of positions, in that order."""
        return replace(
            self,
            user_ids=self.user_ids[which],
            item_rows=self.item_rows[which],
            labels=self.labels[which],
            rank_weights=self.rank_weights[which],
            kinds=self.kinds[which],
            times=self.times[which],
            state_of=self.state_of[which],
        )

    def met_before(self) -> Rows:
        """The rows, sorted, of the items that are in the history of somebody in an example."""
        used = np.zeros(len(self.states), dtype=np.bool_)
        used[self.state_of] = True
        entries = np.repeat(used, np.diff(self.states.history_indptr))
        rows: Rows = np.unique(self.states.history_rows[entries]).astype(np.intp)
        return rows

    def before(self, end: float) -> "TwoTowerExamples":
        """The examples with time < end."""
        return self.take(self.times < end)

    def between(self, start: float, end: float) -> "TwoTowerExamples":
        """The examples with start <= time < end."""
        return self.take((self.times >= start) & (self.times < end))

    def check_against(self, items: TwoTowerItems) -> None:
        """Raises ValueError if an example names an item or a facet that is not among `items`."""
        for rows in (self.item_rows, self.states.history_rows):
            if len(rows) and not 0 <= rows.min() <= rows.max() < len(items):
                raise ValueError("An example names an item that is not in the catalog.")
        columns = self.states.facet_columns
        if len(columns) and not 0 <= columns.min() <= columns.max() < len(items.facet_ids):
            raise ValueError("An example names a facet that no item has.")


def _check_lists(indptr: Ints, count: int, entries: tuple[Places | Floats, ...]) -> None:
    if indptr.shape != (count + 1,) or indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise ValueError("The bounds of the lists must rise from 0, one more than there are examples.")
    if any(len(entry) != int(indptr[-1]) for entry in entries):
        raise ValueError("The lists do not end where their bounds say.")


def _take_lists(indptr: Ints, rows: Rows) -> tuple[Ints, Rows]:
    """The bounds of the lists of `rows`, and the places of their entries."""
    sizes = np.diff(indptr)[rows]
    bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    places = np.arange(int(bounds[-1])) - np.repeat(bounds[:-1] - indptr[:-1][rows], sizes)
    return bounds, places.astype(np.intp)
