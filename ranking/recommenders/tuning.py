"""A search for hyper-parameters on the validation part."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import optuna

from core.progress import Progress
from ranking.recommenders.als.model import NO_FADING, AlsParameters, fit_als
from ranking.recommenders.offline import als_recommender, evaluate_rankings
from ranking.recommenders.ranker.model import RankerData, RankerParameters, fit_ranker
from ranking.statistics.lists import judge_seen_lists
from ranking.statistics.split import Holdout, time_cuts

Parameters = TypeVar("Parameters", AlsParameters, RankerParameters)


def tune_als(
    validation: Holdout, start: AlsParameters, *, rounds: int, seed: int, progress: Progress
) -> AlsParameters:
    """The best of `rounds` settings by NDCG@10 on `validation`; `start` is always among those tried.

    Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), seeded.
    """

    def parameters_of(trial: optuna.Trial) -> AlsParameters:
        return replace(
            start,
            factors=trial.suggest_categorical("factors", [16, 32, 64, 128]),
            regularization=trial.suggest_float("regularization", 0.3, 100.0, log=True),
            alpha=trial.suggest_float("alpha", 0.2, 10.0, log=True),
            iterations=trial.suggest_int("iterations", 5, 25, step=5),
            half_life_days=trial.suggest_categorical("half_life_days", [90.0, 365.0, 1500.0, NO_FADING]),
        )

    return _search(
        start, parameters_of, lambda tried: _als_ndcg(validation, tried, seed), rounds, seed, progress
    )


def tune_ranker(
    data: RankerData, start: RankerParameters, *, rounds: int, seed: int, progress: Progress
) -> RankerParameters:
    """The best of `rounds` settings by NDCG@10 on the last tenth of the lists; `start` is always tried."""
    cut = time_cuts(data.times, [0.9])[0]
    past, validation = data.take_lists(data.times < cut), data.take_lists(data.times >= cut)
    if not past.can_teach_order or not validation.can_teach_order:
        return start

    def parameters_of(trial: optuna.Trial) -> RankerParameters:
        return replace(
            start,
            num_leaves=trial.suggest_int("num_leaves", 4, 63, log=True),
            learning_rate=trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            min_data_in_leaf=trial.suggest_int("min_data_in_leaf", 5, 500, log=True),
            lambda_l2=trial.suggest_float("lambda_l2", 0.01, 100.0, log=True),
            feature_fraction=trial.suggest_float("feature_fraction", 0.4, 1.0),
        )

    def quality(tried: RankerParameters) -> float:
        ranker = fit_ranker(past, validation, tried, seed=seed)
        scores = ranker.scores(validation.features)
        report = judge_seen_lists(
            validation.sizes,
            validation.user_ids,
            validation.ranks,
            validation.relevance,
            validation.exposure,
            scores,
        )
        return float(np.nanmean(report.ndcg))

    return _search(start, parameters_of, quality, rounds, seed, progress)


def _search(
    start: Parameters,
    parameters_of: Callable[[optuna.Trial], Parameters],
    quality: Callable[[Parameters], float],
    rounds: int,
    seed: int,
    progress: Progress,
) -> Parameters:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))

    def objective(trial: optuna.Trial) -> float:
        value = quality(parameters_of(trial))
        progress.advance()
        return value

    untouched = quality(start)
    progress.begin(rounds, "rounds of search")
    study.optimize(objective, n_trials=rounds, catch=(FloatingPointError,))
    best = max(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]), key=_value, default=None)
    if best is None or _value(best) <= untouched:
        return start
    return replace(start, **best.params)


def _value(trial: optuna.trial.FrozenTrial) -> float:
    return -np.inf if trial.value is None else trial.value


def _als_ndcg(validation: Holdout, parameters: AlsParameters, seed: int) -> float:
    model = fit_als(validation.training, parameters, seed=seed)
    rng = np.random.default_rng(seed)
    report = evaluate_rankings(validation, als_recommender(model), catalog_size=len(model.item_ids), rng=rng)
    return report.ndcg.mean
