"""Trains EASE from the log of events."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ranking.recommenders.ease.file import dump_ease
from ranking.recommenders.ease.model import Ease, EaseParameters, fit_ease
from ranking.recommenders.linear_training import LinearTrainer
from ranking.recommenders.training import TrainingError
from ranking.statistics.events import Events

if TYPE_CHECKING:
    from optuna import Trial


class EaseTrainer(LinearTrainer):
    """EASE as `retrain` and `train` train it."""

    kind = "ease"
    parameters_type = EaseParameters

    def suggest(self, trial: "Trial", start: EaseParameters) -> EaseParameters:
        return replace(
            start,
            regularization=trial.suggest_float("regularization", 1.0, 10_000.0, log=True),
            half_life_days=trial.suggest_float("half_life_days", 60.0, 5_000.0, log=True),
            negative_scale=trial.suggest_float("negative_scale", 0.0, 2.0),
        )

    def fit_model(self, events: Events, parameters: EaseParameters) -> Ease:
        try:
            return fit_ease(events, parameters)
        except MemoryError as error:
            items = min(parameters.items, len(np.unique(events.item_ids)))
            raise TrainingError(
                f"EASE of {items:,} items needs {8 * items**2 / 2**30:.1f} GiB of memory; lower `items`."
            ) from error

    def as_used(self, parameters: EaseParameters, model: Ease, seed: int) -> dict[str, Any]:
        return {**asdict(parameters), "regularization": model.regularization, "seed": seed}

    def dump(self, model: Ease) -> bytes:
        return dump_ease(model)


TRAINER = EaseTrainer()
