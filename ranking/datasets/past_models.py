"""The models of a use case as they would have been at moments of the past.

A ranker learns what the scores of models are worth from lists of the past, so each list needs models that
knew nothing from its moment on. Where none was trained by then, they are fitted here, at the start of each of
a few windows of time.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import structlog

from core.arrays import Doubles
from core.domain import UseCase
from ranking.datasets.event_log import read_events
from ranking.item_content import ItemContent
from ranking.kinds import MODELS
from ranking.models import ModelVersion
from ranking.recommenders.artifact import ArtifactError
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import EventTrainer, TrainingError, event_trainer_of
from ranking.registry.lineage import active_hyper_parameters
from ranking.registry.loading import NO_MODELS, LoadedModel, ModelSet, load_version
from ranking.registry.versions import ModelFileError
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.events import Events
from ranking.statistics.split import Holdout, holdout, time_cuts

logger = structlog.stdlib.get_logger(__name__)

# Of a longer log so many events are learned from, those of people drawn by chance: what a score is worth
# shows in them as well, and the time of a run stays bounded.
MOST_EVENTS = 300_000
LABEL = "past"
# For fewer lists no models of the past are fitted: a ranker needs more to learn from lists at all.
LISTS_TO_FIT_FOR = 100
# Shares of the log: up to the first, scores are calibrated for the second; from each further one on, models
# that know what came before it.
WINDOW_STARTS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85)
SEED = 1


@dataclass(frozen=True, slots=True)
class PastModels:
    """The kinds that can be fitted on any part of the log, and how.

    trainers    by kind
    parameters  of each
    """

    trainers: Mapping[str, EventTrainer]
    parameters: Mapping[str, Any]
    seed: int

    @classmethod
    def of(
        cls,
        use_case: UseCase,
        hyper_parameters: Mapping[str, Mapping[str, Any]],
        seed: int,
        content: ItemContent,
    ) -> "PastModels":
        """The kinds that a use case trains, that its lists ask and that learn from events alone."""
        asked = {*use_case.sources, *(name for name, kind in TRAINED.items() if kind.judges)}
        found = {
            name: event_trainer_of(name, content)
            for name in use_case.models
            if name in TRAINED and name in asked
        }
        trainers = {name: one for name, one in found.items() if one is not None}
        parameters = {name: one.parameters(hyper_parameters.get(name, {})) for name, one in trainers.items()}
        return cls(trainers, parameters, seed)

    def at(self, moments: Iterable[float], events: Events, since: float) -> Iterator[ModelSet]:
        """The models of each moment, in rising order, from the events before it.

        A kind that is slow to fit stands for several moments. The scores of each are calibrated on what came
        between its fit before and this one, the first from `since` on, so that they mean the same at all of
        them. Where nobody can be evaluated on in that time, a model stays as it is. A kind that finds nothing
        to learn is missing.
        """
        events = self._some(events)
        fitted = {name: (since, model) for name, model in self._fit(events.before(since), self.trainers)}
        found = NO_MODELS
        for number, moment in enumerate(moments):
            is_due = {
                name: trainer
                for name, trainer in self.trainers.items()
                if number % trainer.stands_for == 0 or name not in found.by_kind
            }
            found = ModelSet({name: one for name, one in found.by_kind.items() if name not in is_due})
            # By when it starts; most kinds have the same.
            later: dict[float, Holdout] = {}
            for name, model in self._fit(events.before(moment), is_due):
                start, earlier = fitted.get(name, (moment, None))
                fitted[name] = (moment, model)
                if start < moment:
                    if start not in later:
                        later[start] = holdout(events.before(moment), start, moment)
                    model, _ = self.trainers[name].calibrated(model, earlier, later[start], seed=0)
                found = found.with_model(name, LoadedModel(0, LABEL, model))
            yield found

    def _some(self, events: Events) -> Events:
        if len(events) <= MOST_EVENTS:
            return events
        people = np.unique(events.user_ids)
        drawn = np.random.default_rng(self.seed).random(len(people)) < MOST_EVENTS / len(events)
        return events.select(np.isin(events.user_ids, people[drawn]))

    def _fit(self, training: Events, trainers: Mapping[str, EventTrainer]) -> Iterator[tuple[str, Any]]:
        """The kinds that found something to learn, each with its model."""
        if not (training.weights > 0).any():
            return
        for name, trainer in trainers.items():
            try:
                model = trainer.fit_events(training, self.parameters[name], seed=self.seed, progress=None)
            except TrainingError:
                continue
            yield name, model


class ModelsOfThen:
    """The models of a moment that only moves forward; one of each kind is held at a time.

    Of each kind the newest version that had been trained by then; where there is none and lists enough to
    learn from, a model fitted at the start of the window of time that the moment lies in (`PastModels`). Else
    a ranker would learn nothing of what the scores of models are worth, and meet them when it serves.
    """

    def __init__(
        self, use_case: UseCase, catalog: CatalogSnapshot, lacking: Doubles, until: datetime
    ) -> None:
        """`lacking` (n,) rising: the times of the lists that features are asked for."""
        self._versions = _VersionsOfThen(use_case)
        self._starts: list[float] = []
        self._fitted: Iterator[ModelSet] = iter(())
        self._past = self._known = self._both = NO_MODELS
        if len(lacking) < LISTS_TO_FIT_FOR:
            return
        events = read_events(use_case, until)
        before_lists = events.times[events.times <= lacking[-1]]
        if len(before_lists):
            since, *starts = time_cuts(before_lists, WINDOW_STARTS)
            ends = [*starts[1:], np.inf]
            met = np.searchsorted(lacking, ends) > np.searchsorted(lacking, starts)
            self._starts = [start for start, is_met in zip(starts, met.tolist(), strict=True) if is_met]
            past = PastModels.of(use_case, active_hyper_parameters(use_case), SEED, catalog.content)
            self._fitted = past.at(list(self._starts), events, since)

    def before(self, moment: float) -> ModelSet:
        """Models that have seen nothing of the moment or later; the same object until one changes."""
        known, past = self._versions.before(moment), self._past
        while self._starts and self._starts[0] <= moment:
            self._starts.pop(0)
            past = next(self._fitted)
        if past is not self._past or known is not self._known:
            self._past, self._known = past, known
            self._both = ModelSet({**past.by_kind, **known.by_kind})
        return self._both


class _VersionsOfThen:
    """The versions of a use case by how far they have seen the log."""

    def __init__(self, use_case: UseCase) -> None:
        kinds = set(use_case.sources) | set(use_case.models)
        versions = ModelVersion.objects.filter(kind__in=kinds & set(MODELS), use_case=use_case.name)
        windows = [
            (end, version_id)
            for version_id, window_end in versions.values_list("pk", "dataset_manifest__window_end")
            if (end := _seconds(window_end)) is not None
        ]
        self._coming = sorted(windows)
        self._known = NO_MODELS

    def before(self, moment: float) -> ModelSet:
        """The newest whole version of each kind that has seen nothing of the moment or later.

        A dataset holds what happened at the very end of its window, so that end must lie before the moment.
        """
        ready = sum(end < moment for end, _ in self._coming)
        candidates, self._coming = self._coming[:ready], self._coming[ready:]
        taken: set[str] = set()
        for _, version_id in reversed(candidates):
            version = ModelVersion.objects.get(pk=version_id)
            if version.kind in taken:
                continue
            try:
                loaded = load_version(version)
            except (ModelFileError, ArtifactError) as error:
                logger.warning(
                    "features of the past lack a model version", version=version.label, error=str(error)
                )
                continue
            taken.add(version.kind)
            self._known = self._known.with_model(version.kind, loaded)
        return self._known


def _seconds(moment: object) -> float | None:
    """A time in a manifest as seconds since 1970; None where there is none."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return None
