"""The protocol of every trainer, all that `retrain` and the commands know of how a kind learns.

A trained kind has TRAINER in its `train.py`, found by `trainer_of`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Ints
from core.domain import UseCase
from core.errors import HeedError
from core.progress import Progress
from ranking.datasets.event_log import GeneratedDataset
from ranking.datasets.manifest import Manifest
from ranking.item_content import ItemContent
from ranking.recommenders.registry import TRAINED
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.events import Events
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial


class TrainingError(HeedError):
    """There is nothing to learn from, or what was learned is unusable."""

    status = 400


@dataclass(frozen=True, slots=True, eq=False)
class TrainingMaterial:
    """All that a run of `retrain` offers its trainers to learn from.

    events            the log before the cut, and `events_manifest` of the dataset that it was read from
    until             the last moment before the cut
    lists             the dataset of the lists that were shown before the cut
    catalog           the items, with the demand of the cut
    hyper_parameters  by kind, those of the active version, for its successor to start from
    tune_seconds      how long each kind may search for better ones; 0 for no search
    serving           the kinds of model that serve below what orders their pool, once they are judged
    """

    use_case: UseCase
    seed: int
    progress: Progress
    events: Events
    events_manifest: Manifest
    until: datetime
    lists: GeneratedDataset
    catalog: CatalogSnapshot
    hyper_parameters: Mapping[str, Mapping[str, Any]]
    tune_seconds: float = 0.0
    serving: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained model and how it came to be.

    manifest          of the dataset that it learned from
    hyper_parameters  as they were used; `metrics` such as its calibration; both JSON
    examples          ids of the negative training examples that it learned from
    earlier           a model of the same that learned nothing from the second last tenth of the log on and is
                      calibrated on that tenth, for choices that are made before it is judged; a ranker's has
                      learned from that tenth too. None where there is none
    """

    model: Any
    manifest: Manifest
    hyper_parameters: dict[str, Any]
    metrics: dict[str, Any] = field(default_factory=dict)
    examples: tuple[int, ...] = ()
    earlier: Any | None = None


class Trainer(Protocol):
    """Trains one kind.

    kind            its name in the registry
    only_succeeds   `retrain` trains it only where a version serves already, which somebody chose by hand
    """

    kind: str
    only_succeeds: bool

    def fit(self, material: TrainingMaterial) -> Fitted | None:
        """A calibrated model of all the material; None where there is too little of its sort.

        Raises TrainingError where there is nothing to learn from, or what was learned is unusable.
        """
        ...

    def dump(self, model: Any) -> bytes:
        """The file of a model, which the kind's `load` reads back."""
        ...


class EventTrainer(Trainer, Protocol):
    """Trains a kind that learns from the log of events alone: it can be fitted on any part of the past.

    plain       the hyper-parameters of the paper, a simple way that every candidate is held against; None
                where the kind is no baseline
    stands_for  so many moments of the past in a row share a model, 1 unless it is slow to fit (`PastModels`)
    """

    plain: Any
    stands_for: int

    def parameters(self, chosen: Mapping[str, Any]) -> Any:
        """Hyper-parameters: the defaults but for what is `chosen`, as stored with a version."""
        ...

    def suggest(self, trial: "Trial", start: Any) -> Any:
        """The search space: `start` with other values of the fields that are worth a search."""
        ...

    def alternatives(self, start: Any) -> Sequence[Any]:
        """Other settings that deserve a trial in every training, such as those of a paper."""
        ...

    def as_used(self, parameters: Any, model: Any, seed: int) -> dict[str, Any]:
        """The hyper-parameters as they were used, as JSON."""
        ...

    def fit_events(self, events: Events, parameters: Any, *, seed: int, progress: Progress | None) -> Any:
        """A model of these events, not calibrated. Raises TrainingError where nothing speaks for an item."""
        ...

    def calibrated(
        self, model: Any, earlier: Any, later: Holdout, *, seed: int
    ) -> tuple[Any, dict[str, Any]]:
        """`model` with the calibration that `earlier` has on what came later, and how that went, as JSON.

        Where nothing can be told from it, `model` stays as it is.
        """
        ...


@runtime_checkable
class ReadsContent(Protocol):
    """Has what an `EventTrainer` needs beside its methods to read what items are, not only who acted on them.

    content  of the catalog that it trains over; None for a trainer that was given none
    """

    content: ItemContent | None

    def over(self, content: ItemContent) -> "EventTrainer":
        """The same trainer over a catalog of this content."""
        ...


@dataclass(frozen=True, slots=True)
class TrainedVersion:
    """The outcome of a training command."""

    version: str
    file: str
    sha256: str
    people: int
    items: int
    hyper_parameters: dict[str, Any]
    metrics: dict[str, Any]


def trainer_of(kind: str) -> Trainer:
    """The trainer of a trained kind. Raises KeyError for any other.

    Imported here and not above, so that web workers do not load what only training needs.
    """
    trainer: Trainer = import_module(f"ranking.recommenders.{TRAINED[kind].name}.train").TRAINER
    return trainer


def event_trainer_of(kind: str, content: ItemContent | None = None) -> EventTrainer | None:
    """The trainer of a kind where it learns from the log of events; None for any other.

    content  of the catalog, for a kind that reads it
    """
    trainer: Any = trainer_of(kind)
    if not hasattr(trainer, "fit_events"):
        return None
    found: EventTrainer = trainer
    return found.over(content) if content is not None and isinstance(found, ReadsContent) else found


def content_known_to(trainer: EventTrainer, item_ids: Ints) -> ItemContent:
    """The content of items (n,), sorted, as a trainer knows it; without facets where it knows none."""
    content = trainer.content if isinstance(trainer, ReadsContent) else None
    if content is None:
        facets = csr_matrix((len(item_ids), 0))
        return ItemContent(item_ids, np.zeros(len(item_ids)), facets, np.empty(0, dtype=np.int64))
    return content.of_items(item_ids)


def known_parameters(parameters: type, chosen: Mapping[str, Any]) -> Any:
    """An instance of a dataclass of hyper-parameters from what a version stored.

    A version of earlier code may have had parameters that are no more; they are passed over.
    """
    names = {one.name for one in fields(parameters)}
    return parameters(**{name: value for name, value in chosen.items() if name in names})
