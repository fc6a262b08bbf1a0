"""Trains a sequence model with PyTorch, which nothing but training needs.

After each event the person's next approved item is told apart from all others by a softmax; where there are
more items than `negatives`, from those of the batch and some drawn evenly, each with the log of its
probability to be there taken off (Yi et al., RecSys 2019). Petrov and Macdonald, "gSASRec" (RecSys 2023),
correct the same error of sampling in another loss. What the person refuses next is put below what they
approve next:

    loss = mean of -log P(next approved) + refused_weight * mean of log(1 + exp(s_refused - s_approved))
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional

from core.arrays import Bools, Doubles, Floats, Ints, Rows
from ranking.recommenders.sequence.data import (
    LONGEST_EPOCH,
    SequenceParameters,
    Sequences,
    Windows,
    read_sequences,
    resolved,
    weights_of,
)
from ranking.recommenders.sequence.model import REFUSED, SequenceModel, score_all
from ranking.recommenders.sequence.networks import Transformer
from ranking.statistics.events import Events

Progress = Callable[[int, int], None]
# The share of people whose last approved item says when to stop, and the most of them.
VALIDATION_SHARE = 0.1
VALIDATION_PEOPLE = 500
# Fewer of them say nothing of when to stop; then at most so many epochs are run.
FEWEST = 20
UNVALIDATED_EPOCHS = 20
# So many batches are put in order of length together, so that little is padding.
_SORTED_TOGETHER = 20
# Of the chance of an item to be the one that is told, by how many approved items ahead it lies.
_DECAY = 0.75
# Steps in which the learning rate rises to its highest.
_WARM_UP = 20
# An epoch of a small log goes over it several times, until it has read so many events.
_EPOCH_EVENTS, _MOST_PASSES = 5_000, 10


@dataclass(frozen=True, slots=True, eq=False)
class SequenceFit:
    """The result of `fit_sequence`.

    parameters  as they were used
    best_epoch  the epoch the model is from, counted from 1
    ndcg        NDCG of each epoch on the validation people; empty without any
    seconds     of training, evaluating each epoch included
    """

    model: SequenceModel
    parameters: SequenceParameters
    best_epoch: int
    ndcg: tuple[float, ...]
    seconds: float


def fit_sequence(
    events: Events,
    parameters: SequenceParameters,
    facets: "csr_matrix[Any] | None" = None,
    *,
    seed: int,
    threads: int = 1,
    progress: Progress | None = None,
) -> SequenceFit:
    """A model of all items with an event, (n,); `facets` (n, m) above 0 where one has a facet.

    The last approved item of some people is kept back, and training ends when it is found no better. Equal
    input and seed give an equal model for a given device and number of threads.
    Raises ValueError if no event speaks for an item or there is no such device, FloatingPointError if the
    model is not finite.
    """
    started = time.perf_counter()
    item_ids, sequences = read_sequences(events)
    used = resolved(parameters, len(sequences), len(item_ids))
    rng = np.random.default_rng(seed)
    train, questions = _held_back(sequences, rng)
    if facets is None:
        facets = csr_matrix((len(item_ids), 0))
    if not questions:
        used = replace(used, epochs=min(used.epochs or 1, UNVALIDATED_EPOCHS))
    with _torch_settings(seed, threads):
        trainer = _Trainer(train, item_ids, facets, used, rng)
        best, best_epoch, ndcg = None, used.epochs or 1, []
        for epoch in range(1, (used.epochs or 1) + 1):
            trainer.run_epoch()
            if questions:
                model = trainer.export()
                ndcg.append(_mean_ndcg(model, questions))
                if best is None or ndcg[-1] > ndcg[best_epoch - 1]:
                    best, best_epoch = model, epoch
            if progress is not None:
                progress(epoch, used.epochs or 1)
            if questions and epoch - best_epoch >= used.patience:
                break
        model = best or trainer.export()
    return SequenceFit(model, used, best_epoch, tuple(ndcg), time.perf_counter() - started)


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """The events of one person, and the row of the item that they approved next."""

    rows: Rows
    kinds: Ints
    wanted: int


def _held_back(sequences: Sequences, rng: np.random.Generator) -> tuple[Sequences, list[_Question]]:
    last = sequences.last_approved()
    first = np.searchsorted(sequences.people, sequences.people[last])
    # Something that was approved must be known before.
    before = np.concatenate([[0], np.cumsum(sequences.verdicts > 0)])
    last = last[before[last] > before[first]]
    count = min(int(VALIDATION_SHARE * len(last)), VALIDATION_PEOPLE)
    if count < FEWEST:
        return sequences, []
    chosen = np.sort(rng.choice(last, size=count, replace=False))
    questions = [
        _Question(sequences.items[start:end], sequences.kinds[start:end], int(sequences.items[end]))
        for start, end in zip(
            np.searchsorted(sequences.people, sequences.people[chosen]).tolist(), chosen.tolist(), strict=True
        )
    ]
    kept = np.ones(len(sequences), dtype=np.bool_)
    # Nothing that came after is learned from either.
    ends = np.searchsorted(sequences.people, sequences.people[chosen], side="right")
    for start, end in zip(chosen.tolist(), ends.tolist(), strict=True):
        kept[start:end] = False
    return sequences.take(kept), questions


def _mean_ndcg(model: SequenceModel, questions: list[_Question]) -> float:
    """NDCG of the one wanted item among all that are not in the history, without a cut.

    With one the first epochs would all be 0, and few people would say little.
    """
    found = np.zeros(len(questions))
    for number, question in enumerate(questions):
        scores = score_all(model, question.rows, question.kinds)
        wanted = scores[question.wanted]
        scores[question.rows] = -np.inf
        found[number] = 1 / math.log2(2 + np.count_nonzero(scores > wanted))
    return float(found.mean())


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """b windows of at most h events; t of their events have something to be told.

    rows, kinds  (b, h), padded with zeros
    at           (t,) place of the event in the flattened (b, h)
    wanted       (t,) row of the item that was approved afterwards
    weights      (t,)
    refused      (t,) row of what was refused next, -1 where there is none
    """

    rows: Ints
    kinds: Ints
    at: Rows
    wanted: Rows
    weights: Floats
    refused: Rows


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """The items to be told after each event (e,).

    wanted   row of an item that the person approved afterwards, -1 where there is none
    weights  how much it counts
    refused  row of what the person refused next, -1 where there is none
    """

    wanted: Rows
    weights: Floats
    refused: Rows

    @classmethod
    def of(cls, sequences: Sequences, steps: Ints) -> "_Told":
        wanted = sequences.ahead(sequences.verdicts > 0, steps)
        refused = sequences.ahead(sequences.kinds == REFUSED, np.ones(len(sequences), dtype=np.int64))
        return cls(
            wanted=np.where(wanted >= 0, sequences.items[wanted], -1),
            weights=np.where(wanted >= 0, weights_of(sequences.verdicts[wanted]), 0).astype(np.float32),
            refused=np.where(refused >= 0, sequences.items[refused], -1),
        )

    def take(self, which: Bools | Rows) -> "_Told":
        return _Told(self.wanted[which], self.weights[which], self.refused[which])


class _Trainer:
    def __init__(
        self,
        sequences: Sequences,
        item_ids: Ints,
        facets: "csr_matrix[Any]",
        parameters: SequenceParameters,
        rng: np.random.Generator,
    ) -> None:
        self._sequences = sequences
        self._parameters = parameters
        self._rng = rng
        demand = np.bincount(sequences.items, weights_of(sequences.verdicts), minlength=len(item_ids))
        self._demand: Doubles = demand / demand.sum()
        biases = np.log((demand + 1.0) / (demand + 1.0).max()).astype(np.float32)
        self._device = _device(parameters.device)
        self._network = Transformer(item_ids, facets, parameters, biases).to(self._device)
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), lr=parameters.learning_rate, betas=(0.9, 0.98), weight_decay=0.0
        )
        self._step = 0
        self._coming: Iterator[_Batch] = iter(())

    def run_epoch(self) -> None:
        """Every event with something to be told once; more often where there are few, a part where many.

        Of a long log an epoch goes on where the one before ended, so that whether it is time to stop is asked
        after as many events as for a shorter one.
        """
        self._network.train()
        if len(self._sequences) > LONGEST_EPOCH:
            self._learn_part()
            return
        for _ in range(int(np.clip(_EPOCH_EVENTS // len(self._sequences), 1, _MOST_PASSES))):
            for batch in self._batches():
                self._learn(batch)

    def _learn_part(self) -> None:
        """LONGEST_EPOCH events, from where the last ended; after the last of the log from its first again."""
        events = 0
        while events < LONGEST_EPOCH:
            batch = next(self._coming, None)
            if batch is None:
                self._coming = self._batches()
                continue
            self._learn(batch)
            events += batch.rows.size

    def _learn(self, batch: _Batch) -> None:
        self._step += 1
        for group in self._optimizer.param_groups:
            group["lr"] = self._parameters.learning_rate * min(1.0, self._step / _WARM_UP)
        self._optimizer.zero_grad()
        self._loss(batch).backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()

    def export(self) -> SequenceModel:
        """The model as it stands. Raises FloatingPointError if it is not finite."""
        self._network.eval()
        model = self._network.export()
        if not (np.isfinite(model.item_vectors).all() and np.isfinite(model.layers.inputs).all()):
            raise FloatingPointError("Training gave vectors that are not finite; lower the learning rate.")
        return model

    def _batches(self) -> Iterator[_Batch]:
        sequences = self._sequences.shuffled(self._rng)
        steps = _steps(len(sequences), self._parameters.horizon, self._rng)
        told = _Told.of(sequences, steps)
        if not self._parameters.reads_refused:
            read = sequences.kinds != REFUSED
            sequences, told = sequences.take(read), told.take(read)
        windows = Windows.of(sequences, self._parameters.length, self._rng)
        for chosen in self._in_batches(windows, told.wanted >= 0):
            yield _batch(sequences, windows.starts[chosen], windows.sizes[chosen], told)

    def _in_batches(self, windows: Windows, told: Bools) -> Iterator[Rows]:
        """Windows with something to be told, of about one length in each batch, in a new order."""
        useful = np.flatnonzero(np.add.reduceat(told.astype(np.int64), windows.starts) > 0)
        order = self._rng.permutation(useful)
        size = self._parameters.batch_size
        together = np.cumsum(windows.sizes[order]) // (size * _SORTED_TOGETHER)
        order = order[np.lexsort((windows.sizes[order], together))]
        batch = np.cumsum(windows.sizes[order]) // size
        cuts = np.split(order, np.flatnonzero(np.diff(batch)) + 1)
        for number in self._rng.permutation(len(cuts)).tolist():
            if len(cuts[number]):
                yield cuts[number]

    def _loss(self, batch: _Batch) -> Tensor:
        network, parameters = self._network, self._parameters
        items = network.items(parameters.id_dropout if len(network.facets) else 0.0)
        rows, kinds, at, wanted, weights = (
            torch.from_numpy(array).to(self._device)
            for array in (batch.rows, batch.kinds, batch.at, batch.wanted, batch.weights)
        )
        people = network.people(items, rows, kinds).flatten(0, 1)[at]
        pool, targets, corrections = self._pool(batch)
        if pool is None:
            logits = people @ items.T + network.biases
        else:
            logits = people @ items[pool].T + network.biases[pool] - corrections
            wanted = targets
        losses = functional.cross_entropy(logits, wanted, reduction="none")
        loss = (losses * weights).sum() / weights.sum()
        which = batch.refused >= 0
        if parameters.refused_weight > 0 and which.any():
            some = torch.from_numpy(which).to(self._device)
            worse = torch.from_numpy(batch.refused[which]).to(self._device)
            better = torch.from_numpy(batch.wanted[which]).to(self._device)
            apart = (people[some] * (items[worse] - items[better])).sum(1)
            apart = apart + network.biases[worse] - network.biases[better]
            loss = loss + parameters.refused_weight * functional.softplus(apart).sum() / len(wanted)
        return loss

    def _pool(self, batch: _Batch) -> tuple[Tensor | None, Tensor, Tensor]:
        """Rows (p,) among which the wanted are told, their places, and log P(each is in the pool)."""
        count = len(self._demand)
        nothing = torch.empty(0)
        if count <= self._parameters.negatives:
            return None, nothing, nothing
        draws = self._parameters.negatives
        pool = np.unique(np.concatenate([batch.wanted, self._rng.integers(count, size=draws)]))
        absent = len(batch.wanted) * np.log1p(-np.minimum(self._demand[pool], 1 - 1e-9))
        absent += draws * np.log1p(-1 / count)
        inclusions = np.log(np.maximum(-np.expm1(absent), 1e-9)).astype(np.float32)
        return (
            torch.from_numpy(pool).to(self._device),
            torch.from_numpy(np.searchsorted(pool, batch.wanted)).to(self._device),
            torch.from_numpy(inclusions).to(self._device),
        )


def _steps(count: int, horizon: int, rng: np.random.Generator) -> Ints:
    """(count,) how many approved items ahead: P(d) as 1 / d ** 0.75, d from 1 to `horizon`."""
    chances = 1 / np.arange(1, horizon + 1) ** _DECAY
    return rng.choice(np.arange(1, horizon + 1), size=count, p=chances / chances.sum())


def _batch(sequences: Sequences, starts: Rows, sizes: Rows, told: _Told) -> _Batch:
    places = np.arange(int(sizes.max()))
    there = places < sizes[:, None]
    flat = np.where(there, starts[:, None] + places, 0)
    asked = there & (told.wanted[flat] >= 0)
    of_asked = told.take(flat[asked])
    return _Batch(
        rows=np.where(there, sequences.items[flat], 0).astype(np.int64),
        kinds=np.where(there, sequences.kinds[flat], 0).astype(np.int64),
        at=np.flatnonzero(asked),
        wanted=of_asked.wanted.astype(np.int64),
        weights=of_asked.weights,
        refused=of_asked.refused.astype(np.int64),
    )


def _device(name: str) -> torch.device:
    """Raises ValueError where there is no CUDA and it was asked for."""
    has_cuda = torch.cuda.is_available()
    if name == "cuda" and not has_cuda:
        raise ValueError("PyTorch finds no CUDA device here; train with device=cpu.")
    return torch.device("cuda" if has_cuda and name != "cpu" else "cpu")


@contextmanager
def _torch_settings(seed: int, threads: int) -> Iterator[None]:
    """Seed and threads for the time of a training; afterwards as they were."""
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)
