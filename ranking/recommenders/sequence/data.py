"""The hyper-parameters of a sequence model, and everybody's events in order. Without PyTorch."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Floats, Ints, Rows, positions
from ranking.recommenders.sequence.model import kinds_of
from ranking.statistics.events import Events, verdicts_of

NOTHING = "There are no positive interactions to train on; import or record some first."
DEVICES = ("auto", "cpu", "cuda")
# An epoch reads at most so many events; of a longer log, whose end nobody would wait for, a part.
LONGEST_EPOCH = 150_000


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """Hyper-parameters of `fit_sequence`; docs/research/recommenders-measured.md tells how they were chosen.

    dimensions      length of all vectors, a multiple of `heads`; by `dimensions_of` where None
    layers, heads   of the transformer
    length          how many of the last events of a person are read
    epochs          at the most; by `epochs_of` where None
    patience        so many epochs without a better NDCG on the validation people end the training
    batch_size      about how many events are in a batch
    learning_rate   of Adam, at its highest
    dropout         share of what passes between the layers that is hidden
    id_dropout      share of items in a batch that are known by their facets alone
    negatives       items among which the next one is told; all of them where there are no more
    horizon         how many approved items ahead the one to be told may lie; the nearer, the more often
    refused_weight  how much something refused counts against what was approved instead; 0 leaves it out
    reads_refused   what was refused is among the events that are read
    device          auto (CUDA where there is one), cpu or cuda

    Raises ValueError for a value out of range.
    """

    dimensions: int | None = None
    layers: int = 2
    heads: int = 2
    length: int = 50
    epochs: int | None = None
    patience: int = 5
    batch_size: int = 1024
    learning_rate: float = 0.002
    dropout: float = 0.3
    id_dropout: float = 0.1
    negatives: int = 1024
    horizon: int = 1
    refused_weight: float = 0.3
    reads_refused: bool = True
    device: str = "auto"

    def __post_init__(self) -> None:
        counts = (self.layers, self.heads, self.length, self.patience, self.batch_size, self.negatives)
        if min(*counts, self.horizon, 1 if self.epochs is None else self.epochs) < 1:
            raise ValueError("All numbers of things must be at least 1.")
        if self.dimensions is not None and (self.dimensions < 1 or self.dimensions % self.heads):
            raise ValueError("Dimensions must be a multiple of heads.")
        if not (0 <= self.dropout < 1 and 0 <= self.id_dropout < 1):
            raise ValueError("Dropouts are shares from 0 to below 1.")
        if not 0 < self.learning_rate <= 1:
            raise ValueError("The learning rate must lie in (0, 1].")
        if not 0 <= self.refused_weight < np.inf:
            raise ValueError("The weight of what was refused must be 0 or a positive number.")
        if self.device not in DEVICES:
            raise ValueError(f"The device must be one of {', '.join(DEVICES)}.")


def shares_of(facets: "csr_matrix[Any]") -> "csr_matrix[np.float32]":
    """1 over the number of facets of an item for each that it has, (n, m); those of no item are left out."""
    ones = csr_matrix(facets)
    ones.eliminate_zeros()
    ones = ones[:, np.unique(ones.indices)]
    counts = np.diff(ones.indptr)
    values = np.repeat(1.0 / np.maximum(counts, 1), counts).astype(np.float32)
    return csr_matrix((values, ones.indices, ones.indptr), shape=ones.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Everybody's items in the order in which they were last acted on, none twice for one person.

    people    (e,) number of the person, rising
    items     (e,) rows of the items
    kinds     (e,) APPROVED, SEEN or REFUSED
    verdicts  (e,) 0 to 1 for what speaks for an item, below 0 for what was refused
    times     (e,) seconds since 1970
    """

    people: Ints
    items: Rows
    kinds: Ints
    verdicts: Doubles
    times: Doubles

    @classmethod
    def of(cls, events: Events, item_ids: Ints) -> "Sequences":
        """The sequences of all events, of the items (n,) sorted."""
        order = np.lexsort((events.times, events.item_ids, events.user_ids))
        users, items = events.user_ids[order], events.item_ids[order]
        starts = np.flatnonzero(np.diff(users, prepend=-1) | np.diff(items, prepend=-1))
        weights = events.weights[order].astype(np.float64)
        liked = np.add.reduceat(np.maximum(weights, 0.0), starts)
        disliked = np.add.reduceat(np.minimum(weights, 0.0), starts)
        weights = np.where(disliked < 0, disliked, liked)
        latest = events.times[order][np.append(starts[1:], len(order)) - 1]
        rows = positions(items[starts], item_ids)
        by_time = np.lexsort((rows, latest, users[starts]))
        _, people = np.unique(users[starts][by_time], return_inverse=True)
        weights = weights[by_time]
        return cls(people, rows[by_time], kinds_of(weights), verdicts_of(weights), latest[by_time])

    def __len__(self) -> int:
        return len(self.people)

    def take(self, which: Bools | Rows) -> "Sequences":
        """The events of a mask (e,) or of positions, in that order."""
        return Sequences(
            self.people[which], self.items[which], self.kinds[which], self.verdicts[which], self.times[which]
        )

    def shuffled(self, rng: np.random.Generator) -> "Sequences":
        """The same with the events of one moment in a new order: they have none."""
        return self.take(np.lexsort((rng.random(len(self)), self.times, self.people)))

    def ahead(self, wanted: Bools, steps: Ints) -> Rows:
        """For each event the `steps`-th later one of the same person in a mask (e,); -1 for none."""
        later = np.flatnonzero(wanted)
        if not len(later):
            return np.full(len(self), -1, dtype=np.intp)
        first = np.searchsorted(later, np.arange(len(self)), side="right")
        place = first + steps - 1
        found = later[np.minimum(place, len(later) - 1)]
        same = (place < len(later)) & (self.people[found] == self.people)
        return np.where(same, found, -1)

    def last_approved(self) -> Rows:
        """For each person the event after which nothing with them speaks for an item; none for nobody."""
        approved = np.flatnonzero(self.verdicts > 0)
        is_last = np.append(self.people[approved][1:] != self.people[approved][:-1], True)
        last: Rows = approved[is_last[: len(approved)]]
        return last


def read_sequences(events: Events) -> tuple[Ints, Sequences]:
    """Item ids (n,) sorted, and everybody's sequences. Raises ValueError if no event speaks for an item."""
    item_ids = np.unique(events.item_ids)
    sequences = Sequences.of(events, item_ids)
    if not (sequences.verdicts > 0).any():
        raise ValueError(NOTHING)
    return item_ids, sequences


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Stretches of at most `length` events of one person: r of them.

    starts, sizes  (r,) first event of each and how many there are
    """

    starts: Rows
    sizes: Rows

    @classmethod
    def of(cls, sequences: Sequences, length: int, rng: np.random.Generator | None) -> "Windows":
        """The windows that cover all events; where one begins differs from draw to draw."""
        first = np.flatnonzero(np.diff(sequences.people, prepend=-1))
        counts = np.diff(np.append(first, len(sequences)))
        place = np.arange(len(sequences)) - np.repeat(first, counts)
        if rng is not None:
            offsets = np.where(counts > length, rng.integers(length, size=len(counts)), 0)
            place = place + np.repeat(offsets, counts)
        window = place // length
        new = (np.diff(window, prepend=-1) != 0) | (np.diff(sequences.people, prepend=-1) != 0)
        starts = np.flatnonzero(new)
        return cls(starts, np.diff(np.append(starts, len(sequences))))


def dimensions_of(events: int, items: int) -> int:
    """The length of vectors where none is chosen: 64, and half of it for what few people did."""
    return 64 if events >= 20_000 and items >= 500 else 32


def epochs_of(events: int) -> int:
    """The most epochs where none are chosen: so many that some 4 million events are read, 20 to 60.

    An epoch of a long log is a part of it, so that the time of training is bounded whatever the log.
    """
    return int(np.clip(4_000_000 // min(max(events, 1), LONGEST_EPOCH), 20, 60))


def resolved(parameters: SequenceParameters, events: int, items: int) -> SequenceParameters:
    """The same with a number for each that follows from the data."""
    dimensions = parameters.dimensions
    if dimensions is None:
        dimensions = -(-dimensions_of(events, items) // parameters.heads) * parameters.heads
    return replace(parameters, dimensions=dimensions, epochs=parameters.epochs or epochs_of(events))


def weights_of(verdicts: Doubles) -> Floats:
    """(e,) how much each event counts as something to be told: 0 where nothing speaks for the item."""
    result: Floats = np.maximum(verdicts, 0.0).astype(np.float32)
    return result
