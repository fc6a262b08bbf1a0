"""Trains a two-tower model from a dataset, evaluates it on people held out by time, and registers it.

The log is cut twice in time, as for ALS: train | validation | test. When to stop and how scores become
probabilities is decided on validation, quality is reported on test, and what is registered is trained on
everything, for as many epochs as validation asked for. Only this needs PyTorch.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.domain import UseCase
from core.progress import Progress
from ranking.evaluation_codec import to_json
from ranking.models import StoredReport
from ranking.recommenders.als.model import UNCALIBRATED_INTERCEPT, UNCALIBRATED_SLOPE
from ranking.recommenders.event_training import CUTS
from ranking.recommenders.training import (
    Fitted,
    TrainedVersion,
    TrainingError,
    TrainingMaterial,
    known_parameters,
)
from ranking.recommenders.two_tower.data import TwoTowerExamples, TwoTowerParameters
from ranking.recommenders.two_tower.dataset.arrays import TwoTowerData, load_two_tower_data
from ranking.recommenders.two_tower.dataset.generate import generate_two_tower_dataset
from ranking.recommenders.two_tower.file import dump_two_tower
from ranking.recommenders.two_tower.model import TwoTower
from ranking.recommenders.two_tower.validation import evaluate_two_tower
from ranking.registry.locks import training_lock_of
from ranking.registry.versions import register_version
from ranking.statistics.split import time_cuts

if TYPE_CHECKING:
    from ranking.recommenders.two_tower.fit import TwoTowerFit

# Where nothing can be held out to say when to stop.
UNVALIDATED_EPOCHS = 3
NO_TORCH = "Training a two-tower model needs PyTorch; run pip install -r requirements-two-tower.txt."


@dataclass(frozen=True, slots=True, eq=False)
class FittedTower:
    """A trained model and how it came to be, as JSON. `earlier`: as in `Fitted`."""

    model: TwoTower
    hyper_parameters: dict[str, Any]
    calibration: dict[str, Any]
    validation: dict[str, Any]
    earlier: TwoTower | None = None


def train_two_tower(
    *, use_case: UseCase, dataset: Path, parameters: TwoTowerParameters, seed: int, progress: Progress
) -> TrainedVersion:
    """Trains, evaluates and registers a candidate from `dataset`.

    Raises TrainingError where PyTorch is missing or the dataset holds nothing to learn from, DatasetError
    where it is not whole, and LockHeld while another run trains the same use case.
    """
    require_torch()
    with training_lock_of(TRAINER.kind, use_case.name):
        data = load_two_tower_data(dataset, use_case)
        trainer = Trainer(data, seed, progress)
        stopped = trainer.find_when_to_stop(parameters)
        metrics = {
            StoredReport.TRAINING: to_json(
                evaluate_two_tower(
                    data,
                    trainer.cuts[1],
                    lambda training: trainer.fit_stopped(training, stopped),
                    seed=seed,
                )
            ),
            "calibration": stopped.calibration,
            "validation": stopped.validation,
        }
        model = trainer.fit_stopped(data.examples, stopped)
        resolved = resolved_parameters(stopped, seed)
        version = register_version(
            kind=TRAINER.kind,
            use_case=use_case.name,
            data=dump_two_tower(model),
            dataset_manifest=data.manifest.as_json(),
            hyper_parameters=resolved,
            metrics=metrics,
            why="trained; not compared with the active version yet",
        )
    return TrainedVersion(
        version=version.label,
        file=version.file,
        sha256=version.sha256,
        people=len(np.unique(data.examples.user_ids)),
        items=len(model.item_ids),
        hyper_parameters=resolved,
        metrics=metrics,
    )


class TwoTowerTrainer:
    """Two towers as `retrain` trains them: only where somebody put the first version into service by hand."""

    kind = "two_tower"
    only_succeeds = True

    def fit(self, material: TrainingMaterial) -> Fitted:
        parameters = known_parameters(TwoTowerParameters, material.hyper_parameters[self.kind])
        dataset = generate_two_tower_dataset(
            use_case=material.use_case, seed=material.seed, progress=material.progress, now=material.until
        )
        data = load_two_tower_data(Path(dataset.folder), material.use_case)
        fitted = fit_calibrated_two_tower(data, parameters, seed=material.seed, progress=material.progress)
        return Fitted(
            model=fitted.model,
            manifest=dataset.manifest,
            hyper_parameters=fitted.hyper_parameters,
            metrics={"calibration": fitted.calibration, "validation": fitted.validation},
            examples=tuple(dataset.manifest.negative_examples),
            earlier=fitted.earlier,
        )

    def dump(self, model: TwoTower) -> bytes:
        return dump_two_tower(model)


TRAINER = TwoTowerTrainer()


def has_torch() -> bool:
    """True where PyTorch can be imported."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def require_torch() -> None:
    """Raises TrainingError, which says what to install, where PyTorch is missing."""
    if not has_torch():
        raise TrainingError(NO_TORCH)


@dataclass(frozen=True, slots=True, eq=False)
class Stopped:
    """Choices by the validation part: the number of epochs, and the calibration of scores.

    earlier  the model that they were made with; None where nothing could be held out
    """

    parameters: TwoTowerParameters
    epochs: int
    slope: float
    intercept: float
    calibration: dict[str, Any]
    validation: dict[str, Any]
    earlier: TwoTower | None = None


def fit_calibrated_two_tower(
    data: TwoTowerData, parameters: TwoTowerParameters, *, seed: int, progress: Progress
) -> FittedTower:
    """A model of all the examples, stopped and calibrated by their second last tenth.

    Raises TrainingError where they hold nothing to learn from, or PyTorch is missing.
    """
    require_torch()
    trainer = Trainer(data, seed, progress)
    stopped = trainer.find_when_to_stop(parameters)
    return FittedTower(
        model=trainer.fit_stopped(data.examples, stopped),
        hyper_parameters=resolved_parameters(stopped, seed),
        calibration=stopped.calibration,
        validation=stopped.validation,
        earlier=stopped.earlier,
    )


class Trainer:
    """Trains on parts of one dataset."""

    def __init__(self, data: TwoTowerData, seed: int, progress: Progress) -> None:
        """Raises TrainingError where no example speaks for an item."""
        positive = data.examples.positive
        if not positive.any():
            raise TrainingError(
                "There is nothing to learn from yet: "
                f"none of the dataset's {len(positive):,} examples speaks for an item."
            )
        self._data = data
        self._seed = seed
        self._progress = progress
        self.cuts = time_cuts(data.examples.times[positive], CUTS)

    def find_when_to_stop(self, parameters: TwoTowerParameters) -> Stopped:
        """Trains on what lies before the first cut, and looks at what lies between the two."""
        training, validation = (
            self._data.examples.before(self.cuts[0]),
            self._data.examples.between(*self.cuts),
        )
        if not training.positive.any() or not validation.positive.any():
            why_not = {"why_not": "nothing can be held out between the two cuts in time"}
            few = min(parameters.epochs, UNVALIDATED_EPOCHS)
            return Stopped(parameters, few, UNCALIBRATED_SLOPE, UNCALIBRATED_INTERCEPT, why_not, why_not)
        fit = self._fit(training, validation, parameters)
        return Stopped(
            parameters=parameters,
            epochs=max(1, fit.best_epoch),
            slope=fit.model.slope,
            intercept=fit.model.intercept,
            calibration=fit.calibration,
            validation={"recall@100": list(fit.recall_at_100), "seconds": fit.seconds},
            earlier=fit.model,
        )

    def fit_stopped(self, examples: TwoTowerExamples, stopped: Stopped) -> TwoTower:
        """A model of all of `examples`, for as long and calibrated as validation said."""
        model = self._fit(examples, None, replace(stopped.parameters, epochs=stopped.epochs)).model
        return replace(model, slope=stopped.slope, intercept=stopped.intercept)

    def _fit(
        self, train: TwoTowerExamples, validation: TwoTowerExamples | None, parameters: TwoTowerParameters
    ) -> "TwoTowerFit":
        # Here, because only training may ask for PyTorch.
        from ranking.recommenders.two_tower.fit import fit_two_tower

        try:
            return fit_two_tower(
                self._data.items,
                train,
                validation,
                parameters,
                seed=self._seed,
                progress=self._progress.counter("epochs"),
            )
        except (ValueError, FloatingPointError) as error:
            raise TrainingError(str(error)) from error


def resolved_parameters(stopped: Stopped, seed: int) -> dict[str, Any]:
    """The hyper-parameters as they were used, as JSON."""
    return {**asdict(stopped.parameters), "epochs_trained": stopped.epochs, "seed": seed}
