"""Trains ALS from the log of events; hyper-parameters are searched on the validation part."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core.arrays import Floats
from core.domain import UseCase
from core.progress import Progress
from ranking.datasets.event_log import load_als_events
from ranking.evaluation_codec import to_json
from ranking.models import StoredReport
from ranking.recommenders.als.file import dump_als
from ranking.recommenders.als.model import AlsModel, AlsParameters, fit_als, score_all
from ranking.recommenders.event_training import (
    CUTS,
    calibrated_on,
    evaluate_alone,
    fit_calibrated,
    people_held_out,
    platt_of,
)
from ranking.recommenders.offline import fold_in_history
from ranking.recommenders.training import (
    Fitted,
    TrainedVersion,
    TrainingError,
    TrainingMaterial,
    known_parameters,
)
from ranking.recommenders.tuning import tune_als
from ranking.registry.locks import training_lock_of
from ranking.registry.versions import register_version
from ranking.statistics.events import Events
from ranking.statistics.split import Holdout, time_cuts


class AlsTrainer:
    """ALS as `retrain` trains it."""

    kind = "als"
    only_succeeds = False

    def fit(self, material: TrainingMaterial) -> Fitted:
        parameters = self.parameters(material.hyper_parameters[self.kind])
        model, calibration = fit_calibrated(
            self, material.events, parameters, seed=material.seed, progress=material.progress
        )
        examples = material.lists.manifest.negative_examples
        return Fitted(
            model=model,
            manifest=material.events_manifest,
            hyper_parameters=resolved_parameters(parameters, model, material.seed),
            metrics={"calibration": calibration},
            examples=tuple(examples) if parameters.negatives == "keep" else (),
        )

    def parameters(self, chosen: Mapping[str, Any]) -> AlsParameters:
        given = dict(chosen)
        if not given.pop("regularization_given", True):
            # It followed from the data by the rule, and the data are others now.
            given["regularization"] = None
        parameters: AlsParameters = known_parameters(AlsParameters, given)
        return parameters

    def fit_events(
        self, events: Events, parameters: AlsParameters, *, seed: int, progress: Progress | None
    ) -> AlsModel:
        try:
            counter = None if progress is None else progress.counter("iterations")
            return fit_als(events, parameters, seed=seed, progress=counter)
        except (ValueError, FloatingPointError) as error:
            raise TrainingError(str(error)) from error

    def calibrated(
        self, model: AlsModel, earlier: AlsModel, later: Holdout, *, seed: int
    ) -> tuple[AlsModel, dict[str, Any]]:
        found, calibration = platt_of(earlier.item_ids, partial(_scores, earlier), later, seed=seed)
        return model if found is None else replace(model, slope=found[0], intercept=found[1]), calibration

    def dump(self, model: AlsModel) -> bytes:
        return dump_als(model)


TRAINER = AlsTrainer()


def _scores(model: AlsModel, history: Events) -> Floats:
    """The raw scores of all items for a history."""
    return score_all(model, fold_in_history(model, history))


def train_als(
    *,
    use_case: UseCase,
    dataset: Path,
    parameters: AlsParameters,
    seed: int,
    tune: int = 0,
    progress: Progress,
) -> TrainedVersion:
    """Trains, evaluates and registers a candidate from `dataset`; with `tune` N after N rounds of search.

    Raises TrainingError where the dataset holds nothing to learn from, DatasetError where it is not whole,
    and LockHeld while another run trains the same use case.
    """
    with training_lock_of(TRAINER.kind, use_case.name):
        manifest, events = load_als_events(dataset, use_case)
        if not (events.weights > 0).any():
            raise TrainingError("There is nothing to learn from yet: no interaction speaks for an item.")
        cuts = time_cuts(events.times, CUTS)
        validation = people_held_out(events, cuts[0], cuts[1])
        if tune and validation is not None:
            parameters = tune_als(validation, parameters, rounds=tune, seed=seed, progress=progress)
        test = people_held_out(events, cuts[1], float(events.times.max()) + 1.0)
        model, calibration = calibrated_on(
            TRAINER, events, validation, parameters, seed=seed, progress=progress
        )
        metrics = {
            StoredReport.TRAINING: to_json(
                evaluate_alone(TRAINER, parameters, test, events, seed=seed, progress=progress)
            ),
            "calibration": calibration,
        }
        resolved = resolved_parameters(parameters, model, seed)
        version = register_version(
            kind=TRAINER.kind,
            use_case=use_case.name,
            data=dump_als(model),
            dataset_manifest=manifest.as_json(),
            hyper_parameters=resolved,
            metrics=metrics,
            why="trained; not compared with the active version yet",
        )
    return TrainedVersion(
        version=version.label,
        file=version.file,
        sha256=version.sha256,
        people=len(np.unique(events.user_ids)),
        items=len(model.item_ids),
        hyper_parameters=resolved,
        metrics=metrics,
    )


def resolved_parameters(parameters: AlsParameters, model: AlsModel, seed: int) -> dict[str, Any]:
    """The hyper-parameters as they were used, as JSON."""
    given = parameters.regularization is not None
    return {
        **asdict(parameters),
        "regularization": model.regularization,
        "regularization_given": given,
        "seed": seed,
    }
