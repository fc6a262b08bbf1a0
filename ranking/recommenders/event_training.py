"""Training of kinds that learn from the log of events alone: calibration, evaluation, registration.

The log is cut twice in time: train | validation | test. Scores are calibrated on validation, quality is
reported on test, and what is registered is trained on everything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Floats, Ints, positions
from core.domain import UseCase
from core.errors import InvalidInput
from core.progress import Progress
from ranking.datasets.event_log import load_als_events
from ranking.evaluation_codec import to_json
from ranking.evaluation_report import EvaluationReport, EvaluationResult, PairedDifference, known_figures
from ranking.features import ItemContent
from ranking.models import StoredReport
from ranking.person import person_before
from ranking.recommenders.offline import (
    RankingReport,
    Recommender,
    evaluate_rankings,
    random_recommender,
    score_recommender,
)
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import EventTrainer, TrainedVersion, TrainingError
from ranking.recommenders.tuning import search
from ranking.registry.locks import training_lock_of
from ranking.registry.versions import register_version
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.calibration import fit_platt
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import Events
from ranking.statistics.metrics import Interval, paired_bootstrap_interval
from ranking.statistics.popularity import decayed_popularity
from ranking.statistics.split import Holdout, holdout, time_cuts

CUTS = (0.8, 0.9)
K = 10
# So many people are enough to tell kinds apart, and cost little.
JUDGED_BY = 1000
# Keeps the quality finite where popularity finds nothing.
EVEN = 0.01

ScoreHistory = Callable[[Events], Floats | Doubles]
"""A person's history to the raw score of every item of a model, (n,)."""


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
    trainer: EventTrainer, validation: Holdout, start: Any, *, rounds: int, seed: int, progress: Progress
) -> Any:
    """The best of `rounds` settings of the kind's search space by NDCG@10 on `validation`."""

    def quality(tried: Any) -> float:
        model = trainer.fit_events(validation.training, tried, seed=seed, progress=None)
        items = np.unique(validation.training.item_ids)
        rng = np.random.default_rng(seed)
        recommender = recommender_of(trainer.kind, model, items)
        return evaluate_rankings(validation, recommender, catalog_size=len(items), rng=rng).ndcg.mean

    return search(
        start,
        lambda trial: trainer.suggest(trial, start),
        quality,
        rounds=rounds,
        seed=seed,
        progress=progress,
    )


def fit_calibrated(
    trainer: EventTrainer, events: Events, parameters: Any, *, seed: int, progress: Progress
) -> tuple[Any, dict[str, Any]]:
    """A model of all the events, its scores calibrated on their second last tenth, and how that went.

    Raises TrainingError where the events hold nothing to learn from.
    """
    check_learnable(events)
    validation = people_held_out(events, *time_cuts(events.times, CUTS))
    return calibrated_on(trainer, events, validation, parameters, seed=seed, progress=progress)


def calibrated_on(
    trainer: EventTrainer,
    events: Events,
    validation: Holdout | None,
    parameters: Any,
    *,
    seed: int,
    progress: Progress,
) -> tuple[Any, dict[str, Any]]:
    """A model of all the events with the calibration of one that knows only what came before `validation`."""
    model = trainer.fit_events(events, parameters, seed=seed, progress=progress)
    if validation is None:
        return model, {"why_not": "nobody can be held out between the two cuts in time"}
    earlier = trainer.fit_events(validation.training, parameters, seed=seed, progress=progress)
    calibrated, calibration = trainer.calibrated(model, earlier, validation, seed=seed)
    return calibrated, {**calibration, "quality": _quality(trainer.kind, earlier, validation, seed)}


def _quality(kind: str, model: Any, later: Holdout, seed: int) -> float:
    """NDCG@10 of a kind alone over that of popularity, on at most JUDGED_BY people; EVEN is added to both.

    It is the weight of the kind where several make a list together. Each was judged on a window of its own,
    and beside popularity it does not matter how hard the window was.
    """
    rng = np.random.default_rng(seed)
    items = np.unique(later.training.item_ids)
    recommender = recommender_of(kind, model, items)
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


def platt_of(
    item_ids: Ints, score: ScoreHistory, later: Holdout, *, seed: int
) -> tuple[tuple[float, float] | None, dict[str, Any]]:
    """Slope and intercept of a model on what people did later, and how they were found, as JSON.

    None, with the reason, where nothing that they liked is known to the model.
    """
    scores, labels = calibration_pairs(item_ids, score, later, np.random.default_rng(seed))
    if not labels.any() or labels.all():
        return None, {"why_not": "no item liked in the validation window is known to the model"}
    slope, intercept = fit_platt(scores, labels)
    return (slope, intercept), {"slope": slope, "intercept": intercept, "pairs": len(labels)}


def calibration_pairs(
    item_ids: Ints, score: ScoreHistory, later: Holdout, rng: np.random.Generator
) -> tuple[Floats, Bools]:
    """Scores and labels for `fit_platt`: each relevant target of the holdout against one other item.

    item_ids  (n,) sorted: the items of the model

    The other item is drawn from the model's items outside the person's history and targets, a popular one
    as often as people choose it. So the probability reads: between an item the person will like and another
    that people like, how sure is the model that this is the one. Against items drawn evenly, most of which
    nobody would think of showing, the whole top of a list would come out as certain (docs/als.md).
    Items that the model does not know are left out.
    """
    demand = _demand(item_ids, later.training)
    scores, labels = [np.empty(0, dtype=np.float32)], [np.empty(0, dtype=np.bool_)]
    for person in later.people():
        liked = positions(person.relevant_items, item_ids)
        liked = liked[liked >= 0]
        known = positions(person.history.item_ids, item_ids)
        free = np.ones(len(item_ids), dtype=np.bool_)
        free[liked] = False
        free[known[known >= 0]] = False
        others = np.flatnonzero(free)
        if not len(others) or not len(liked):
            continue
        chances = demand[others] / demand[others].sum()
        rows = np.concatenate([liked, rng.choice(others, size=len(liked), p=chances)])
        scores.append(score(person.history)[rows].astype(np.float32))
        labels.append(np.arange(len(rows)) < len(liked))
    return np.concatenate(scores), np.concatenate(labels)


def _demand(item_ids: Ints, events: Events) -> Doubles:
    """The positive weight on each item, (n,); never quite 0, so that any can be drawn."""
    rows = positions(events.item_ids, item_ids)
    weights = np.maximum(events.weights, 0)[rows >= 0]
    demand: Doubles = np.bincount(rows[rows >= 0], weights, minlength=len(item_ids)).astype(np.float64)
    return demand + 1e-9


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
        if tune and validation is not None:
            parameters = tune_on(trainer, validation, parameters, rounds=tune, seed=seed, progress=progress)
        test = people_held_out(events, cuts[1], float(events.times.max()) + 1.0)
        model, calibration = calibrated_on(
            trainer, events, validation, parameters, seed=seed, progress=progress
        )
        metrics = {
            StoredReport.TRAINING: to_json(
                evaluate_alone(trainer, parameters, test, events, seed=seed, progress=progress)
            ),
            "calibration": calibration,
        }
        resolved = trainer.as_used(parameters, model, seed)
        version = register_version(
            kind=trainer.kind,
            use_case=use_case.name,
            data=trainer.dump(model),
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


def evaluate_alone(
    trainer: EventTrainer,
    parameters: Any,
    test: Holdout | None,
    events: Events,
    *,
    seed: int,
    progress: Progress,
) -> EvaluationReport:
    """The kind beside popularity and random on the same held-out people."""
    if test is None:
        return EvaluationReport(why_empty="nobody can be held out after the last cut in time")
    rng = np.random.default_rng(seed)
    items = np.unique(test.training.item_ids)
    popularity = decayed_popularity(
        test.training, now=test.start, half_life_days=settings.POPULARITY_HALF_LIFE_DAYS
    )
    model = trainer.fit_events(test.training, parameters, seed=seed, progress=progress)
    recommenders: dict[str, Recommender] = {
        trainer.kind: recommender_of(trainer.kind, model, items),
        "popularity": score_recommender(*popularity),
        "random": random_recommender(items, rng),
    }
    size = len(np.unique(events.item_ids))
    reports = {
        name: evaluate_rankings(test, recommender, catalog_size=size, rng=rng, k=K)
        for name, recommender in recommenders.items()
    }
    ndcg = {name: report.per_person_ndcg for name, report in reports.items()}
    differences = paired_ndcg(ndcg, trainer.kind, ("popularity",), rng=rng)
    return EvaluationReport(
        results=tuple(
            EvaluationResult(
                name,
                known_figures(figures_of(report)),
                people=len(test),
                differences=differences if name == trainer.kind else (),
            )
            for name, report in reports.items()
        ),
        start=datetime.fromtimestamp(test.start, UTC),
        people=len(test),
        seed=seed,
    )


def paired_ndcg(
    ndcg: Mapping[str, Doubles],
    name: str,
    baselines: Iterable[str],
    *,
    rng: np.random.Generator,
    figure: str = "ndcg",
) -> tuple[PairedDifference, ...]:
    """The differences in NDCG of one contender to others; values (p,) of the same people, by contender."""
    return tuple(
        PairedDifference(
            figure,
            baseline,
            int((~np.isnan(ndcg[name] - ndcg[baseline])).sum()),
            paired_bootstrap_interval(ndcg[name], ndcg[baseline], rng=rng),
        )
        for baseline in baselines
    )


def recommender_of(kind: str, model: Any, item_ids: Ints) -> Recommender:
    """The recommender of a model over bare items, as evaluation asks it."""
    serving = TRAINED[kind].build(model, bare_catalog(item_ids))

    def recommend(history: Events, k: int) -> Ints:
        representation = serving.represent(person_before(history))
        if representation is None:
            return np.empty(0, dtype=np.int64)
        brought: Ints = serving.retrieve(representation, k, np.unique(history.item_ids)).item_ids
        return brought

    return recommend


def bare_catalog(item_ids: Ints) -> CatalogSnapshot:
    """A catalog of items (n,), sorted, of which nothing is known."""
    nothing = np.zeros(len(item_ids))
    content = ItemContent(item_ids, nothing, csr_matrix((len(item_ids), 0)), np.empty(0, dtype=np.int64))
    demand = ItemDemand.from_counts(nothing, nothing, nothing)
    return CatalogSnapshot.build(content, demand, np.empty(0, dtype=np.int64))


def figures_of(report: RankingReport) -> dict[str, Interval]:
    """The figures of one recommender by their names in a report; coverage has no interval."""
    return {
        "ndcg": report.ndcg,
        "recall": report.recall,
        "hit_rate": report.hit_rate,
        "disliked_share": report.disliked_share,
        "coverage": Interval(report.catalog_coverage, np.nan, np.nan),
    }
