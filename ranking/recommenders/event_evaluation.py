"""Evaluation of one kind that learns from events, by itself and beside popularity and chance."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.conf import settings

from core.arrays import Doubles, Ints
from core.progress import Progress
from ranking.evaluation_report import EvaluationReport, EvaluationResult, PairedDifference, known_figures
from ranking.person import person_before
from ranking.recommenders.barred import Barred
from ranking.recommenders.offline import (
    RankingReport,
    Recommender,
    evaluate_rankings,
    random_recommender,
    score_recommender,
)
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import EventTrainer, content_known_to
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand
from ranking.statistics.events import Events
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import paired_bootstrap_interval
from ranking.statistics.popularity import decayed_popularity
from ranking.statistics.split import Holdout

K = 10


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
        trainer.kind: recommender_of(trainer, model, items),
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


def recommender_of(trainer: EventTrainer, model: Any, item_ids: Ints) -> Recommender:
    """The recommender of a model over items (n,), sorted, of which no more is known than to its trainer."""
    serving = TRAINED[trainer.kind].build(model, _catalog_known_to(trainer, item_ids))

    def recommend(history: Events, k: int) -> Ints:
        representation = serving.represent(person_before(history))
        if representation is None:
            return np.empty(0, dtype=np.int64)
        brought: Ints = serving.retrieve(representation, k, Barred(history.item_ids)).item_ids
        return brought

    return recommend


def _catalog_known_to(trainer: EventTrainer, item_ids: Ints) -> CatalogSnapshot:
    nothing = np.zeros(len(item_ids))
    content = content_known_to(trainer, item_ids)
    demand = ItemDemand.from_counts(nothing, nothing, nothing)
    return CatalogSnapshot.build(content, demand, np.arange(content.facets.shape[1]))


def figures_of(report: RankingReport) -> dict[str, Interval]:
    """The figures of one recommender by their names in a report; coverage has no interval."""
    return {
        "ndcg": report.ndcg,
        "recall": report.recall,
        "hit_rate": report.hit_rate,
        "disliked_share": report.disliked_share,
        "coverage": Interval(report.catalog_coverage, np.nan, np.nan),
    }
