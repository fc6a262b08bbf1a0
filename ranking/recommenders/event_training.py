"""Training of kinds that learn from the log of events alone: calibration, evaluation, registration.

The log is cut twice in time: train | validation | test. Scores are calibrated on validation, quality is
reported on test, and what is registered is trained on everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from core.arrays import Doubles
from core.domain import UseCase
from core.errors import InvalidInput
from core.progress import Progress
from ranking.datasets.event_log import load_als_events
from ranking.evaluation_codec import to_json
from ranking.models import StoredReport
from ranking.recommenders.event_evaluation import K, evaluate_alone, recommender_of
from ranking.recommenders.fusion import fit_weights, shares_of
from ranking.recommenders.offline import evaluate_rankings, score_recommender
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import (
    EventTrainer,
    Fitted,
    TrainedVersion,
    TrainingError,
    TrainingMaterial,
)
from ranking.recommenders.tuning import search
from ranking.registry.locks import training_lock_of
from ranking.registry.versions import register_version
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.events import Events
from ranking.statistics.metrics import is_clearly_better
from ranking.statistics.popularity import decayed_popularity
from ranking.statistics.split import Holdout, holdout, time_cuts

CUTS = (0.8, 0.9)
# A search judges settings on the people of these windows of the log, each by models of what came before it.
WINDOWS = (0.6, 0.7, 0.8, 0.9)
# So many people are enough to tell kinds apart, and cost little.
JUDGED_BY = 1000
# Keeps the quality finite where popularity finds nothing.
EVEN = 0.01


def people_held_out(events: Events, start: float, end: float) -> Holdout | None:
    """The held-out people of a window, or None where there are none or nothing to train on before it."""
    if not start < end or not (events.before(start).weights > 0).any():
        return None
    part = holdout(events, start, end)
    return part if len(part) else None


def check_learnable(events: Events) -> None:
    """Raises TrainingError where no event speaks for an item."""
    if not (events.weights > 0).any():
        raise TrainingError(
            "There is nothing to learn from yet: "
            f"none of the dataset's {len(events):,} interactions speaks for an item."
        )


def tune_on(
    trainer: EventTrainer,
    events: Events,
    start: Any,
    *,
    rounds: int | None,
    seconds: float | None = None,
    seed: int,
    progress: Progress,
) -> Any:
    """The best setting that a search finds, by NDCG@10 of the people of the earlier windows; else `start`.

    The last tenth of the log is left alone, so that what is reported on it was not chosen on it. `rounds` and
    `seconds` as in `search`.
    """
    rng = np.random.default_rng(seed)
    held_out = [people_held_out(events.before(end), start_, end) for start_, end in _windows(events)]
    windows = [one.sample(JUDGED_BY, rng) for one in held_out if one is not None]
    if not windows:
        return start

    def quality(tried: Any) -> Doubles:
        models = [trainer.fit_events(one.training, tried, seed=seed, progress=None) for one in windows]
        ndcg = [_ndcg(trainer, model, one) for model, one in zip(models, windows, strict=True)]
        return np.concatenate(ndcg)

    return search(
        start,
        lambda trial: trainer.suggest(trial, start),
        quality,
        others=trainer.alternatives(start),
        rounds=rounds,
        seconds=seconds,
        seed=seed,
        progress=progress,
    )


def _windows(events: Events) -> list[tuple[float, float]]:
    return list(pairwise(time_cuts(events.times, WINDOWS)))


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A model of all the events under a calibration.

    parameters   it was fitted with: those asked for, or an alternative that was clearly better
    calibration  how it was found, as JSON
    earlier      the model that it was found with, under the same: it knows only what came before the people
                 held out for it; None where nobody was
    """

    model: Any
    parameters: Any
    calibration: dict[str, Any]
    earlier: Any | None = None


def fit_material(trainer: EventTrainer, material: TrainingMaterial) -> Fitted:
    """The calibrated model of a kind that learns from events alone, for `retrain`. Raises TrainingError."""
    parameters = trainer.parameters(material.hyper_parameters[trainer.kind])
    if material.tune_seconds > 0.0:
        parameters = tune_on(
            trainer,
            material.events,
            parameters,
            rounds=None,
            seconds=material.tune_seconds,
            seed=material.seed,
            progress=material.progress,
        )
    found = fit_calibrated(
        trainer, material.events, parameters, seed=material.seed, progress=material.progress
    )
    return Fitted(
        model=found.model,
        manifest=material.events_manifest,
        hyper_parameters=trainer.as_used(parameters, found.model, material.seed),
        metrics={"calibration": found.calibration},
        earlier=found.earlier,
    )


def calibrated_until(events: Events) -> float:
    """The start of the last tenth of the log, of which `Fitted.earlier` knows nothing at all."""
    return time_cuts(events.times, CUTS)[1]


def held_out_for_calibration(events: Events) -> Holdout | None:
    """The people of the second last tenth of the log, on whom scores are calibrated; None for nobody."""
    return people_held_out(events, *time_cuts(events.times, CUTS))


def fit_calibrated(
    trainer: EventTrainer, events: Events, parameters: Any, *, seed: int, progress: Progress
) -> Calibrated:
    """A model of all the events, its scores calibrated on their second last tenth.

    Raises TrainingError where the events hold nothing to learn from.
    """
    check_learnable(events)
    validation = held_out_for_calibration(events)
    return calibrated_on(trainer, events, validation, parameters, seed=seed, progress=progress)


def calibrated_on(
    trainer: EventTrainer,
    events: Events,
    validation: Holdout | None,
    parameters: Any,
    *,
    seed: int,
    progress: Progress,
) -> Calibrated:
    """A model of all the events with the calibration of one that knows only what came before `validation`."""
    if validation is None:
        model = trainer.fit_events(events, parameters, seed=seed, progress=progress)
        return Calibrated(
            model, parameters, {"why_not": "nobody can be held out between the two cuts in time"}
        )
    settled, earlier = _settle(
        trainer, validation.sample(JUDGED_BY, np.random.default_rng(seed)), parameters, seed
    )
    model = trainer.fit_events(events, settled, seed=seed, progress=progress)
    calibrated, calibration = trainer.calibrated(model, earlier, validation, seed=seed)
    earlier, _ = trainer.calibrated(earlier, earlier, validation, seed=seed)
    quality = _quality(trainer, earlier, validation, seed)
    return Calibrated(calibrated, settled, {**calibration, "quality": quality}, earlier)


def _settle(trainer: EventTrainer, judges: Holdout, start: Any, seed: int) -> tuple[Any, Any]:
    """The setting to train with, and its model of what came before the judges' window.

    An alternative is taken only where it orders what they chose clearly better (`is_clearly_better`).
    """
    settled, model = start, trainer.fit_events(judges.training, start, seed=seed, progress=None)
    if others := trainer.alternatives(start):
        highest = untouched = _ndcg(trainer, model, judges)
        for other in others:
            rival = trainer.fit_events(judges.training, other, seed=seed, progress=None)
            values = _ndcg(trainer, rival, judges)
            if values.mean() > highest.mean() and is_clearly_better(values, untouched):
                settled, model, highest = other, rival, values
    return settled, model


def _ndcg(trainer: EventTrainer, model: Any, judges: Holdout) -> Doubles:
    """NDCG@10 of a model alone for each judge (p,)."""
    items = np.unique(judges.training.item_ids)
    rng = np.random.default_rng(0)
    recommender = recommender_of(trainer, model, items)
    return evaluate_rankings(judges, recommender, catalog_size=len(items), rng=rng, k=K).per_person_ndcg


def fitted_weights(
    earlier: Mapping[str, Any],
    qualities: Mapping[str, float | None],
    events: Events,
    catalog: CatalogSnapshot,
    seed: int,
) -> dict[str, float]:
    """The weights of kinds in their joint score, from models of what came before the calibration's people.

    earlier    by kind, None for one that nobody was held out for; it gets no weight
    qualities  by kind, of each alone; equal where one of them was not measured
    """
    later = held_out_for_calibration(events)
    models = {kind: TRAINED[kind].build(one, catalog) for kind, one in earlier.items() if one is not None}
    if later is None or not models:
        return {}
    known = [quality for kind in models if (quality := qualities[kind]) is not None]
    shares = shares_of(np.array(known) if len(known) == len(models) else np.ones(len(models)))
    prior = dict(zip(models, shares.tolist(), strict=True))
    return fit_weights(models, later, events, prior=prior, seed=seed)


def _quality(trainer: EventTrainer, model: Any, later: Holdout, seed: int) -> float:
    """NDCG@10 of a kind alone over that of popularity, on at most JUDGED_BY people; EVEN is added to both.

    It is the weight of the kind where several make a list together. Each was judged on a window of its own,
    and beside popularity it does not matter how hard the window was.
    """
    rng = np.random.default_rng(seed)
    items = np.unique(later.training.item_ids)
    recommender = recommender_of(trainer, model, items)
    some = later.sample(JUDGED_BY, rng)
    popular = score_recommender(
        *decayed_popularity(
            later.training, now=later.start, half_life_days=settings.POPULARITY_HALF_LIFE_DAYS
        )
    )
    own, charts = (
        evaluate_rankings(some, one, catalog_size=len(items), rng=rng, k=K).ndcg.mean
        for one in (recommender, popular)
    )
    return (own + EVEN) / (charts + EVEN)


def train_on_events(
    trainer: EventTrainer,
    *,
    use_case: UseCase,
    dataset: Path,
    chosen: Mapping[str, Any],
    seed: int,
    tune: int = 0,
    progress: Progress,
) -> TrainedVersion:
    """Trains, evaluates and registers a candidate of any kind that learns from events.

    chosen  hyper-parameters in place of the defaults; with `tune` N the best found in N rounds of search

    Raises InvalidInput for a hyper-parameter that cannot be, TrainingError where the dataset holds nothing to
    learn from, DatasetError where it is not whole, and LockHeld while another run trains the same.
    """
    known = {one.name for one in fields(trainer.parameters({}))}
    for name in chosen:
        if name not in known:
            raise InvalidInput(f"{trainer.kind} has no {name!r}; it has {', '.join(sorted(known))}.")
    try:
        parameters = trainer.parameters(chosen)
    except (TypeError, ValueError) as error:
        raise InvalidInput(str(error)) from error
    with training_lock_of(trainer.kind, use_case.name):
        manifest, events = load_als_events(dataset, use_case)
        check_learnable(events)
        cuts = time_cuts(events.times, CUTS)
        validation = people_held_out(events, cuts[0], cuts[1])
        if tune:
            parameters = tune_on(trainer, events, parameters, rounds=tune, seed=seed, progress=progress)
        test = people_held_out(events, cuts[1], float(events.times.max()) + 1.0)
        found = calibrated_on(trainer, events, validation, parameters, seed=seed, progress=progress)
        metrics = {
            StoredReport.TRAINING: to_json(
                evaluate_alone(trainer, found.parameters, test, events, seed=seed, progress=progress)
            ),
            "calibration": found.calibration,
        }
        resolved = trainer.as_used(parameters, found.model, seed)
        version = register_version(
            kind=trainer.kind,
            use_case=use_case.name,
            data=trainer.dump(found.model),
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
        items=len(np.unique(events.item_ids)),
        hyper_parameters=resolved,
        metrics=metrics,
    )
