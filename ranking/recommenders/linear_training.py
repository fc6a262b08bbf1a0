"""Training of kinds whose score is a sum over the items of the history (`ranking.recommenders.linear`)."""

from abc import abstractmethod
from dataclasses import replace
from typing import Any

import numpy as np

from core.arrays import Floats, positions
from core.progress import Progress
from ranking.recommenders.calibrating import platt_of
from ranking.recommenders.linear import LinearModel, score_all
from ranking.recommenders.log_training import LogTrainer
from ranking.recommenders.training import TrainingError
from ranking.statistics.events import Events, summed_history
from ranking.statistics.split import Holdout


class LinearTrainer(LogTrainer):
    """A `LogTrainer` whose model is a `LinearModel`."""

    @abstractmethod
    def fit_model(self, events: Events, parameters: Any) -> Any:
        """A model of these events, not calibrated. Raises ValueError where nothing speaks for an item."""

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
    known = rows >= 0
    return score_all(model, rows[known], model.shares(weights[known].astype(np.float32)))
