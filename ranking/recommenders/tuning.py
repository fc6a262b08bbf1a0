"""A search for hyper-parameters: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), seeded."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import optuna

from core.arrays import Doubles
from core.progress import Progress
from ranking.recommenders.training import TrainingError
from ranking.statistics.metrics import is_clearly_better

Parameters = TypeVar("Parameters")


def search(
    start: Parameters,
    suggest: Callable[[optuna.Trial], Parameters],
    quality: Callable[[Parameters], Doubles],
    *,
    others: Sequence[Parameters] = (),
    rounds: int | None,
    seconds: float | None = None,
    seed: int,
    progress: Progress,
) -> Parameters:
    """The best setting that was tried; `start` where none is clearly better (`is_clearly_better`).

    suggest  a setting by the numbers that it draws in the trial
    quality  of a setting for each judged case (n,), the same cases for all, higher being better
    others   settings that are tried before any is drawn
    rounds   how many are drawn; None for as many as `seconds` allow, of which the last may take longer
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    untouched = quality(start)
    best, highest = start, untouched

    def keep_better(tried: Parameters) -> float:
        nonlocal best, highest
        values = quality(tried)
        if np.nanmean(values) > np.nanmean(highest) and is_clearly_better(values, untouched):
            best, highest = tried, values
        progress.advance()
        return float(np.nanmean(values))

    # Nobody knows how many a time allows.
    progress.begin(None if rounds is None else len(others) + rounds, "rounds of search")
    for other in others:
        try:
            keep_better(other)
        except (FloatingPointError, TrainingError):
            continue
    if rounds != 0 and seconds != 0:
        study.optimize(
            lambda trial: keep_better(suggest(trial)),
            n_trials=rounds,
            timeout=seconds,
            catch=(FloatingPointError, TrainingError),
        )
    return best
