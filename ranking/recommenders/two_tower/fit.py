"""Trains a two-tower model with PyTorch, which nothing but training needs.

Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations" (RecSys 2019): each
example's item is told apart from the other items of its batch by a softmax over scores, from which the log of
the probability to be in the batch is taken off. Beside these stand some items drawn evenly (Yang et al.,
"Mixed Negative Sampling", WWW 2020), and something that the person refused, where there is such.

    score = cosine / temperature + log demand of the item at the time of the example

How much an item is in demand is counted, not learned: the towers say in what a person differs from the others
of the time.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.arrays import Doubles, Floats
from ranking.recommenders.two_tower.batches import Batch, Batches
from ranking.recommenders.two_tower.data import TwoTowerExamples, TwoTowerItems, TwoTowerParameters
from ranking.recommenders.two_tower.model import TwoTower
from ranking.recommenders.two_tower.networks import Towers
from ranking.recommenders.two_tower.questions import Question, calibration_pairs, mean_recall, questions_of
from ranking.statistics.calibration import fit_platt

__all__ = ["TwoTowerExamples", "TwoTowerFit", "TwoTowerItems", "TwoTowerParameters", "fit_two_tower"]

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class TwoTowerFit:
    """The result of `fit_two_tower`.

    model          calibrated where there was something to calibrate on
    best_epoch     the epoch the model is from, counted from 1
    recall_at_100  of each epoch on the validation part; empty without one
    seconds        of training, evaluating each epoch included
    calibration    slope, intercept and how many pairs they are from; or why_not
    """

    model: TwoTower
    best_epoch: int
    recall_at_100: tuple[float, ...]
    seconds: float
    calibration: dict[str, Any] = field(default_factory=dict)


def fit_two_tower(
    items: TwoTowerItems,
    train: TwoTowerExamples,
    validation: TwoTowerExamples | None,
    parameters: TwoTowerParameters,
    *,
    seed: int,
    threads: int = 1,
    progress: Progress | None = None,
) -> TwoTowerFit:
    """Train on `train`; with `validation`, the examples of the time after, keep the epoch of the best recall.

    Without `validation`, or where nobody in it can be asked about, all epochs are run. Vectors are made for
    all `items`, whether anybody met them or not. Equal input and seed give an equal model for a given number
    of threads. `progress(done, total)` is called after each epoch.

    Raises ValueError if no example speaks for an item or one names what is not in `items`,
    FloatingPointError if the model is not finite.
    """
    started = time.perf_counter()
    for examples in (train, validation):
        if examples is not None:
            examples.check_against(items)
    rng = np.random.default_rng(seed)
    batches = Batches(items, train, parameters, rng)
    biases = (parameters.temperature * batches.demand.latest).astype(np.float32)
    questions = [] if validation is None else questions_of(batches.positives, validation, rng)
    best, best_epoch, recalls = None, parameters.epochs, []
    with _torch_settings(seed, threads):
        trainer = _Trainer(items, batches, parameters)
        for epoch in range(1, parameters.epochs + 1):
            trainer.run_epoch()
            if questions:
                model = trainer.export(biases)
                recalls.append(mean_recall(model, items, questions))
                if recalls[-1] == max(recalls):
                    best, best_epoch = model, epoch
            if progress is not None:
                progress(epoch, parameters.epochs)
            if questions and epoch - best_epoch >= parameters.patience:
                break
        model = best or trainer.export(biases)
    demand = np.exp(batches.demand.latest.astype(np.float64))
    model, calibration = _calibrated(model, items, questions, demand, rng)
    return TwoTowerFit(model, best_epoch, tuple(recalls), time.perf_counter() - started, calibration)


class _Trainer:
    """The towers, the optimizer, and what they learn from."""

    def __init__(self, items: TwoTowerItems, batches: Batches, parameters: TwoTowerParameters) -> None:
        positives = batches.positives
        self._batches = batches
        self._parameters = parameters
        self._towers = Towers(
            items,
            parameters,
            met=np.unique(positives.item_rows),
            in_histories=positives.met_before(),
        )
        self._optimizer = torch.optim.Adam(self._towers.parameters(), lr=parameters.learning_rate)

    def run_epoch(self) -> None:
        """Every positive example once."""
        for batch in self._batches:
            self._optimizer.zero_grad()
            self._loss(batch).backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()

    def export(self, biases: Floats) -> TwoTower:
        """The model as it stands. Raises FloatingPointError if it is not finite."""
        model = self._towers.export(biases)
        if not np.isfinite(model.item_vectors).all():
            raise FloatingPointError("Training gave vectors that are not finite; lower the learning rate.")
        return model

    def _loss(self, batch: Batch) -> Tensor:
        """The weighted mean of −log P(own item) among the pool, and what the person refused."""
        parameters = self._parameters
        users = self._towers.users(batch.states)
        items = self._towers.items(batch.pool, batch.anonymous)
        corrections = batch.log_demand - batch.log_inclusions
        corrections[batch.barred] = -math.inf
        logits = users @ items.T / parameters.temperature + torch.from_numpy(corrections)
        if parameters.hard_negative_weight > 0 and (batch.refused >= 0).any():
            logits = torch.cat([logits, self._refused_logits(batch, users)], dim=1)
        losses = functional.cross_entropy(logits, torch.from_numpy(batch.targets), reduction="none")
        return (losses * torch.from_numpy(batch.weights)).mean()

    def _refused_logits(self, batch: Batch, users: Tensor) -> Tensor:
        """(b, 1): of what the person refused, as if it were in the pool `hard_negative_weight` times."""
        some = batch.refused >= 0
        items = self._towers.items(np.where(some, batch.refused, 0), ~some)
        logits = (users * items).sum(dim=1) / self._parameters.temperature
        logits = (
            logits + torch.from_numpy(batch.refused_demand) + math.log(self._parameters.hard_negative_weight)
        )
        return logits.masked_fill(torch.from_numpy(~some), -math.inf)[:, None]


def _calibrated(
    model: TwoTower,
    items: TwoTowerItems,
    questions: list[Question],
    demand: Doubles,
    rng: np.random.Generator,
) -> tuple[TwoTower, dict[str, Any]]:
    """The model with slope and intercept from the questions, where there are any, and how that went."""
    scores, labels = calibration_pairs(model, items, questions, demand, rng)
    if not len(labels):
        return model, {
            "why_not": "nobody of whom anything is known found something good in the validation part"
        }
    slope, intercept = fit_platt(scores, labels)
    calibration = {"slope": slope, "intercept": intercept, "pairs": len(labels)}
    return replace(model, slope=slope, intercept=intercept), calibration


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
