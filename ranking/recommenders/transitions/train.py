"""Trains transitions from the log of events."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ranking.recommenders.linear_training import LinearTrainer
from ranking.recommenders.transitions.file import dump_transitions
from ranking.recommenders.transitions.model import Transitions, TransitionsParameters, fit_transitions
from ranking.statistics.events import Events

if TYPE_CHECKING:
    from optuna import Trial


class TransitionsTrainer(LinearTrainer):
    """Transitions as `retrain` and `train` train them."""

    kind = "transitions"
    parameters_type = TransitionsParameters

    def suggest(self, trial: "Trial", start: TransitionsParameters) -> TransitionsParameters:
        return replace(
            start,
            window=trial.suggest_int("window", 3, 100, log=True),
            window_days=trial.suggest_float("window_days", 0.01, 3000.0, log=True),
            decay=trial.suggest_float("decay", 0.0, 1.5),
            negative_scale=trial.suggest_float("negative_scale", 0.0, 3.0),
            evidence=trial.suggest_float("evidence", 0.0, 1.0),
            neighbors=trial.suggest_int("neighbors", 50, 500, log=True),
        )

    def fit_model(self, events: Events, parameters: TransitionsParameters) -> Transitions:
        return fit_transitions(events, parameters)

    def dump(self, model: Transitions) -> bytes:
        return dump_transitions(model)


TRAINER = TransitionsTrainer()
