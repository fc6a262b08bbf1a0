"""Trains ALS from the log of events; hyper-parameters are searched on the validation part."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from core.arrays import Floats
from core.progress import Progress
from ranking.recommenders.als.file import dump_als
from ranking.recommenders.als.model import (
    MOST_ALPHA,
    NO_FADING,
    AlsModel,
    AlsParameters,
    Confidence,
    Solver,
    fit_als,
    score_all,
)
from ranking.recommenders.calibrating import platt_of
from ranking.recommenders.event_training import fit_material
from ranking.recommenders.offline import fold_in_history
from ranking.recommenders.training import (
    Fitted,
    TrainingError,
    TrainingMaterial,
    known_parameters,
)
from ranking.statistics.events import Events
from ranking.statistics.split import Holdout

if TYPE_CHECKING:
    from optuna import Trial

# Hyper-parameters that follow from the data where they are not given.
BY_RULE = ("factors", "regularization", "alpha", "confidence")


class AlsTrainer:
    """ALS as `retrain` trains it; by another engine where `solve` is its way, and then in the plain form."""

    kind = "als"
    only_succeeds = False
    stands_for = 1
    # Nothing of time or of refusals, and no form of confidence of ours.
    plain = AlsParameters(confidence="plain", negatives="drop", half_life_days=NO_FADING)

    def __init__(self, engine: str = "local", solve: Solver | None = None) -> None:
        self._engine, self._solve = engine, solve

    def fit(self, material: TrainingMaterial) -> Fitted:
        fitted = fit_material(self, material)
        if fitted.hyper_parameters["negatives"] != "keep":
            return fitted
        return replace(fitted, examples=tuple(material.lists.manifest.negative_examples))

    def parameters(self, chosen: Mapping[str, Any]) -> AlsParameters:
        given = dict(chosen)
        for name in BY_RULE:
            if not given.pop(f"{name}_given", True):
                # It followed from the data by the rule, and the data are others now.
                given[name] = None
        parameters: AlsParameters = known_parameters(AlsParameters, given)
        return parameters

    def suggest(self, trial: "Trial", start: AlsParameters) -> AlsParameters:
        return replace(
            start,
            factors=trial.suggest_categorical("factors", [16, 32, 64, 128]),
            # It follows alpha by its rule; drawn apart, the two rarely fit each other.
            regularization=None,
            alpha=trial.suggest_float("alpha", 0.05, MOST_ALPHA, log=True),
            confidence=self._suggest_form(trial, start),
            iterations=trial.suggest_int("iterations", 5, 25, step=5),
            half_life_days=trial.suggest_categorical("half_life_days", [90.0, 365.0, 1500.0, NO_FADING]),
        )

    def _suggest_form(self, trial: "Trial", start: AlsParameters) -> Confidence | None:
        if self._solve is not None:
            return start.confidence
        return "plain" if trial.suggest_categorical("plain", [False, True]) else "damped"

    def alternatives(self, start: AlsParameters) -> list[AlsParameters]:
        """The confidence of the paper, where nobody chose a form and there is more than one."""
        has_choice = start.confidence is None and self._solve is None
        return [replace(start, confidence="plain")] if has_choice else []

    def as_used(self, parameters: AlsParameters, model: AlsModel, seed: int) -> dict[str, Any]:
        given = {f"{name}_given": getattr(parameters, name) is not None for name in BY_RULE}
        used = {
            "factors": model.item_factors.shape[1],
            "regularization": model.regularization,
            "alpha": model.alpha,
            "confidence": model.confidence,
        }
        engine = {} if self._solve is None else {"engine": self._engine}
        return {**asdict(parameters), **used, **given, **engine, "seed": seed}

    def fit_events(
        self, events: Events, parameters: AlsParameters, *, seed: int, progress: Progress | None
    ) -> AlsModel:
        if self._solve is not None and parameters.confidence is None:
            parameters = replace(parameters, confidence="plain")
        try:
            counter = None if progress is None else progress.counter("iterations")
            return fit_als(events, parameters, seed=seed, progress=counter, solve=self._solve)
        except (ValueError, FloatingPointError) as error:
            raise TrainingError(str(error)) from error

    def calibrated(
        self, model: AlsModel, earlier: AlsModel, later: Holdout, *, seed: int
    ) -> tuple[AlsModel, dict[str, Any]]:
        found, calibration = platt_of(earlier.item_ids, partial(_scores, earlier), later, seed=seed)
        return model if found is None else replace(model, slope=found[0], intercept=found[1]), calibration

    def dump(self, model: AlsModel) -> bytes:
        return dump_als(model)


TRAINER = AlsTrainer()


def _scores(model: AlsModel, history: Events) -> Floats:
    """The raw scores of all items for a history."""
    return score_all(model, fold_in_history(model, history))
