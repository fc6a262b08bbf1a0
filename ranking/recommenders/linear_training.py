"""Training of kinds whose score is a sum over the items of the history (`ranking.recommenders.linear`)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from core.arrays import Floats, positions
from core.progress import Progress
from ranking.recommenders.event_training import fit_calibrated, platt_of
from ranking.recommenders.linear import LinearModel, score_all
from ranking.recommenders.training import Fitted, TrainingError, TrainingMaterial, known_parameters
from ranking.statistics.events import Events, summed_history
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial


class LinearTrainer(ABC):
    """An `EventTrainer` but for what differs: the hyper-parameters, their search space, the fit, the file.

    parameters_type  the dataclass of the hyper-parameters
    """

    kind: str
    only_succeeds = False
    parameters_type: ClassVar[type]

    @abstractmethod
    def suggest(self, trial: "Trial", start: Any) -> Any:
        """The search space, as in `EventTrainer`."""

    @abstractmethod
    def fit_model(self, events: Events, parameters: Any) -> Any:
        """A model of these events, not calibrated. Raises ValueError where nothing speaks for an item."""

    @abstractmethod
    def dump(self, model: Any) -> bytes:
        """The file of a model."""

    def fit(self, material: TrainingMaterial) -> Fitted:
        parameters = self.parameters(material.hyper_parameters[self.kind])
        model, calibration = fit_calibrated(
            self, material.events, parameters, seed=material.seed, progress=material.progress
        )
        return Fitted(
            model=model,
            manifest=material.events_manifest,
            hyper_parameters=self.as_used(parameters, model, material.seed),
            metrics={"calibration": calibration},
        )

    def parameters(self, chosen: Mapping[str, Any]) -> Any:
        return known_parameters(self.parameters_type, chosen)

    def as_used(self, parameters: Any, model: Any, seed: int) -> dict[str, Any]:
        return {**asdict(parameters), "seed": seed}

    def fit_events(self, events: Events, parameters: Any, *, seed: int, progress: Progress | None) -> Any:
        try:
            return self.fit_model(events, parameters)
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def calibrated(
        self, model: Any, earlier: Any, later: Holdout, *, seed: int
    ) -> tuple[Any, dict[str, Any]]:
        found, calibration = platt_of(
            earlier.item_ids, lambda history: _scores(earlier, history), later, seed=seed
        )
        return model if found is None else replace(model, slope=found[0], intercept=found[1]), calibration


def _scores(model: LinearModel, history: Events) -> Floats:
    """The raw scores of all items for a history."""
    item_ids, weights = summed_history(history.item_ids, history.weights)
    rows = positions(item_ids, model.item_ids)
    return score_all(model, rows[rows >= 0], weights[rows >= 0].astype(np.float32))
