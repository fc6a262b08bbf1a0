"""Trains an ALS model from a dataset, judges it on people held out by time, and registers it.

The log is cut twice in time: train | validation | test. Hyper-parameters are searched and scores
calibrated on validation, quality is reported on test, and what is registered is trained on everything.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from core.domain import UseCase
from core.progress import Progress
from ranking.datasets.event_log import load_als_events
from ranking.evaluation.figures import interval_json
from ranking.models import ModelVersion
from ranking.recommenders.als.file import dump_als
from ranking.recommenders.als.model import AlsModel, AlsParameters, fit_als
from ranking.recommenders.training import TrainedVersion, TrainingError
from ranking.recommenders.tuning import tune_als
from ranking.registry.locks import training_lock
from ranking.registry.versions import register_version
from ranking.statistics.calibration import fit_platt
from ranking.statistics.events import Events
from ranking.statistics.metrics import paired_bootstrap_interval
from ranking.statistics.offline import (
    RankingReport,
    Recommender,
    als_recommender,
    calibration_pairs,
    evaluate_rankings,
    random_recommender,
    score_recommender,
)
from ranking.statistics.popularity import decayed_popularity
from ranking.statistics.split import Holdout, holdout, time_cuts

CUTS = (0.8, 0.9)
K = 10


def train_als(
    *,
    use_case: UseCase,
    dataset: Path,
    parameters: AlsParameters,
    seed: int,
    tune: int = 0,
    progress: Progress,
) -> TrainedVersion:
    """Trains, judges and registers a candidate from `dataset`; with `tune` N after N rounds of search.

    Raises TrainingError where the dataset holds nothing to learn from, DatasetError where it is not whole,
    and LockHeld while another run trains the same use case.
    """
    with training_lock(f"train-{ModelVersion.Kind.ALS}-{use_case.name}"):
        manifest, events = load_als_events(dataset, use_case)
        if not (events.weights > 0).any():
            raise TrainingError("There is nothing to learn from yet: no interaction speaks for an item.")
        cuts = time_cuts(events.times, CUTS)
        validation = people_held_out(events, cuts[0], cuts[1])
        if tune and validation is not None:
            parameters = tune_als(validation, parameters, rounds=tune, seed=seed, progress=progress)
        fit = _fitter(parameters, seed, progress)
        test = people_held_out(events, cuts[1], float(events.times.max()) + 1.0)
        model, calibration = _fit_calibrated(events, validation, fit, seed)
        metrics = {"test": _judge(test, fit, events, seed), "calibration": calibration}
        resolved = resolved_parameters(parameters, model, seed)
        version = register_version(
            kind=ModelVersion.Kind.ALS,
            use_case=use_case.name,
            data=dump_als(model),
            dataset_manifest=manifest.as_json(),
            hyper_parameters=resolved,
            metrics=metrics,
            why="trained; not compared with the active version yet",
        )
    return TrainedVersion(
        version=version.label,
        file=version.file,
        sha256=version.sha256,
        people=len(np.unique(events.user_ids)),
        items=len(model.item_ids),
        hyper_parameters=resolved,
        metrics=metrics,
    )


def fit_calibrated_als(
    events: Events, parameters: AlsParameters, *, seed: int, progress: Progress
) -> tuple[AlsModel, dict[str, Any]]:
    """A model of all the events, its scores calibrated on their second last tenth, and how that went.

    Raises TrainingError where the events hold nothing to learn from.
    """
    if not (events.weights > 0).any():
        raise TrainingError("There is nothing to learn from yet: no interaction speaks for an item.")
    cuts = time_cuts(events.times, CUTS)
    return _fit_calibrated(
        events, people_held_out(events, cuts[0], cuts[1]), _fitter(parameters, seed, progress), seed
    )


def _fit_calibrated(
    events: Events, validation: Holdout | None, fit: Callable[[Events], AlsModel], seed: int
) -> tuple[AlsModel, dict[str, Any]]:
    slope, intercept, calibration = _calibrate(validation, fit, seed)
    model = fit(events)
    if slope is not None and intercept is not None:
        model = replace(model, slope=slope, intercept=intercept)
    return model, calibration


def resolved_parameters(parameters: AlsParameters, model: AlsModel, seed: int) -> dict[str, Any]:
    """The hyper-parameters as they were used, as JSON."""
    given = parameters.regularization is not None
    return {
        **asdict(parameters),
        "regularization": model.regularization,
        "regularization_given": given,
        "seed": seed,
    }


def _fitter(parameters: AlsParameters, seed: int, progress: Progress) -> Callable[[Events], AlsModel]:
    def fit(events: Events) -> AlsModel:
        try:
            return fit_als(events, parameters, seed=seed, progress=progress.counter("iterations"))
        except (ValueError, FloatingPointError) as error:
            raise TrainingError(str(error)) from error

    return fit


def people_held_out(events: Events, start: float, end: float) -> Holdout | None:
    """The held-out people of a window, or None where there are none or nothing to train on before it."""
    if not start < end or not (events.before(start).weights > 0).any():
        return None
    part = holdout(events, start, end)
    return part if len(part) else None


def _calibrate(
    validation: Holdout | None, fit: Callable[[Events], AlsModel], seed: int
) -> tuple[float | None, float | None, dict[str, Any]]:
    """Slope and intercept from the validation window, or None with the reason where it is too small."""
    if validation is None:
        return None, None, {"why_not": "nobody can be held out between the two cuts in time"}
    model = fit(validation.training)
    scores, labels = calibration_pairs(model, validation, np.random.default_rng(seed))
    if not labels.any() or labels.all():
        return None, None, {"why_not": "no item liked in the validation window is known to the model"}
    slope, intercept = fit_platt(scores, labels)
    return slope, intercept, {"slope": slope, "intercept": intercept, "pairs": len(labels)}


def _judge(
    test: Holdout | None, fit: Callable[[Events], AlsModel], events: Events, seed: int
) -> dict[str, Any]:
    """ALS beside popularity and random on the same held-out people, as JSON."""
    if test is None:
        return {"why_not": "nobody can be held out after the last cut in time"}
    rng = np.random.default_rng(seed)
    items = np.unique(test.training.item_ids)
    popularity = decayed_popularity(
        test.training, now=test.start, half_life_days=settings.POPULARITY_HALF_LIFE_DAYS
    )
    recommenders: dict[str, Recommender] = {
        "als": als_recommender(fit(test.training)),
        "popularity": score_recommender(*popularity),
        "random": random_recommender(items, rng),
    }
    catalogue_size = len(np.unique(events.item_ids))
    reports = {
        name: evaluate_rankings(test, recommender, catalogue_size=catalogue_size, rng=rng, k=K)
        for name, recommender in recommenders.items()
    }
    difference = paired_bootstrap_interval(
        reports["als"].per_person_ndcg, reports["popularity"].per_person_ndcg, rng=rng
    )
    return {
        "people": len(test),
        "from": datetime.fromtimestamp(test.start, UTC).isoformat(),
        **{name: report_json(report) for name, report in reports.items()},
        f"als_minus_popularity_ndcg@{K}": interval_json(difference),
    }


def report_json(report: RankingReport) -> dict[str, Any]:
    k = report.k
    return {
        f"ndcg@{k}": interval_json(report.ndcg),
        f"recall@{k}": interval_json(report.recall),
        f"hr@{k}": interval_json(report.hit_rate),
        f"disliked_share@{k}": interval_json(report.disliked_share),
        "coverage": report.catalogue_coverage,
    }
