"""A search for hyper-parameters: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), seeded."""

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import optuna

from core.progress import Progress
from ranking.recommenders.training import TrainingError

Parameters = TypeVar("Parameters")


def search(
    start: Parameters,
    suggest: Callable[[optuna.Trial], Parameters],
    quality: Callable[[Parameters], float],
    *,
    rounds: int,
    seed: int,
    progress: Progress,
) -> Parameters:
    """The best of `rounds` settings by `quality`, higher being better; `start` is always among those tried.

    suggest  a setting by the numbers that it draws in the trial
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))

    tried: dict[int, Parameters] = {}

    def objective(trial: optuna.Trial) -> float:
        tried[trial.number] = suggest(trial)
        value = quality(tried[trial.number])
        progress.advance()
        return value

    untouched = quality(start)
    progress.begin(rounds, "rounds of search")
    study.optimize(objective, n_trials=rounds, catch=(FloatingPointError, TrainingError))
    best = max(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]), key=_value, default=None)
    if best is None or _value(best) <= untouched:
        return start
    return tried[best.number]


def _value(trial: optuna.trial.FrozenTrial) -> float:
    return -np.inf if trial.value is None else trial.value
