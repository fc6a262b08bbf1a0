"""Training of nearness from the log of events, whatever the vectors of items are."""

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.arrays import Doubles, Ints, positions
from core.progress import Progress
from ranking.recommenders.calibrating import platt_of
from ranking.recommenders.log_training import ContentReadingTrainer
from ranking.recommenders.nearness import (
    NearnessParameters,
    NearnessWeights,
    Units,
    fit_nearness,
    profile,
    shares_of,
)
from ranking.recommenders.training import TrainingError
from ranking.statistics.events import Events, summed_history
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial


class NearnessTrainer(ContentReadingTrainer):
    """A trainer of nearness but for the vectors of items and the file."""

    parameters_type = NearnessParameters

    @abstractmethod
    def units(self, item_ids: Ints) -> Units:
        """The vectors of items (n,), sorted. Raises TrainingError where there can be none."""

    def suggest(self, trial: "Trial", start: NearnessParameters) -> NearnessParameters:
        return replace(start, others=trial.suggest_int("others", 5, 200, log=True))

    def fit_events(
        self, events: Events, parameters: NearnessParameters, *, seed: int, progress: Progress | None
    ) -> Any:
        try:
            return fit_nearness(events, self.units(np.unique(events.item_ids)), parameters, seed=seed)
        except ValueError as error:
            raise TrainingError(str(error)) from error

    def calibrated(
        self, model: Any, earlier: Any, later: Holdout, *, seed: int
    ) -> tuple[Any, dict[str, Any]]:
        units = self.units(np.unique(later.training.item_ids))
        weights: NearnessWeights = earlier

        def scores(history: Events) -> Doubles:
            item_ids, signed = summed_history(history.item_ids, history.weights)
            rows = positions(item_ids, units.item_ids)
            known = rows >= 0
            columns = profile(units, rows[known], shares_of(signed[known], weights.decay), weights)
            return np.asarray(units.values @ columns)

        found, calibration = platt_of(units.item_ids, scores, later, seed=seed)
        return model if found is None else replace(model, slope=found[0], intercept=found[1]), calibration
