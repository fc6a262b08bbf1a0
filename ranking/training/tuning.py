"""A search for ALS hyper-parameters on the validation part."""

from dataclasses import replace

import numpy as np
import optuna

from config.progress import Progress
from ranking.ml.als import NO_FADING, AlsParameters, fit_als
from ranking.ml.evaluation import als_recommender, evaluate_rankings
from ranking.ml.split import Holdout


def tune_als(
    validation: Holdout, start: AlsParameters, *, rounds: int, seed: int, progress: Progress
) -> AlsParameters:
    """The best of `rounds` settings by NDCG@10 on `validation`; `start` is always among those tried.

    Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), seeded.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))

    def parameters_of(trial: optuna.Trial) -> AlsParameters:
        return replace(
            start,
            factors=trial.suggest_categorical("factors", [16, 32, 64, 128]),
            regularization=trial.suggest_float("regularization", 0.3, 100.0, log=True),
            alpha=trial.suggest_float("alpha", 0.2, 10.0, log=True),
            iterations=trial.suggest_int("iterations", 5, 25, step=5),
            half_life_days=trial.suggest_categorical("half_life_days", [90.0, 365.0, 1500.0, NO_FADING]),
        )

    def objective(trial: optuna.Trial) -> float:
        quality = _ndcg(validation, parameters_of(trial), seed)
        progress.advance()
        return quality

    untouched = _ndcg(validation, start, seed)
    study.optimize(objective, n_trials=rounds, catch=(FloatingPointError,))
    best = max(study.get_trials(states=[optuna.trial.TrialState.COMPLETE]), key=_value, default=None)
    if best is None or _value(best) <= untouched:
        return start
    return replace(start, **best.params)


def _value(trial: optuna.trial.FrozenTrial) -> float:
    return -np.inf if trial.value is None else trial.value


def _ndcg(validation: Holdout, parameters: AlsParameters, seed: int) -> float:
    model = fit_als(validation.training, parameters, seed=seed)
    rng = np.random.default_rng(seed)
    report = evaluate_rankings(
        validation, als_recommender(model), catalogue_size=len(model.item_ids), rng=rng
    )
    return report.ndcg.mean
