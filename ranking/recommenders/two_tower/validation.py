"""Evaluates a two-tower model on people held out by time, beside what needs no such model."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from django.conf import settings

from core.arrays import Floats, Ints, Rows, top_k
from ranking.evaluation_report import EvaluationReport, EvaluationResult, known_figures
from ranking.recommenders.als.model import AlsParameters, fit_als
from ranking.recommenders.event_evaluation import K, figures_of, paired_ndcg
from ranking.recommenders.event_training import people_held_out
from ranking.recommenders.offline import (
    Recommender,
    als_recommender,
    evaluate_rankings,
    random_recommender,
    score_recommender,
)
from ranking.recommenders.two_tower.data import TwoTowerExamples
from ranking.recommenders.two_tower.dataset.arrays import TwoTowerData
from ranking.recommenders.two_tower.model import TwoTower, score_items, user_vector
from ranking.statistics.events import Events
from ranking.statistics.popularity import decayed_popularity
from ranking.statistics.split import Holdout

# Length of a list of candidates that is evaluated: as many as a source brings beside others.
DEPTH = 100


def evaluate_two_tower(
    data: TwoTowerData, start: float, fit: Callable[[TwoTowerExamples], TwoTower], *, seed: int
) -> EvaluationReport:
    """A model of what came before `start` beside ALS, popularity and random on what came after it.

    All on the same people. `start` in seconds since 1970; ALS with its usual hyper-parameters.
    """
    test = people_held_out(data.events, start, float(data.events.times.max()) + 1.0)
    if test is None:
        return EvaluationReport(why_empty="nobody can be held out after the last cut in time")
    rng = np.random.default_rng(seed)
    popularity = decayed_popularity(
        test.training, now=test.start, half_life_days=settings.POPULARITY_HALF_LIFE_DAYS
    )
    recommenders: dict[str, Recommender] = {
        "two_tower": tower_recommender(fit(data.examples.before(start)), data, test),
        "als": als_recommender(fit_als(test.training, AlsParameters(), seed=seed)),
        "popularity": score_recommender(*popularity),
        "random": random_recommender(data.items.item_ids, rng),
    }
    reports = {
        name: tuple(
            evaluate_rankings(test, recommend, catalog_size=len(data.items), rng=rng, k=k) for k in (K, DEPTH)
        )
        for name, recommend in recommenders.items()
    }
    ndcg = {name: report.per_person_ndcg for name, (report, _) in reports.items()}
    differences = paired_ndcg(ndcg, "two_tower", ("popularity", "als"), rng=rng)
    return EvaluationReport(
        results=tuple(
            EvaluationResult(
                name,
                known_figures({**figures_of(report), "recall_100": deep.recall}),
                people=len(test),
                differences=differences if name == "two_tower" else (),
            )
            for name, (report, deep) in reports.items()
        ),
        start=datetime.fromtimestamp(test.start, UTC),
        people=len(test),
        seed=seed,
    )


def tower_recommender(model: TwoTower, data: TwoTowerData, test: Holdout) -> Recommender:
    """Lists of the model for the held-out people, from their state before the first target."""
    rows = dict(zip(test.user_ids.tolist(), _first_targets(data, test).tolist(), strict=True))

    def recommend(history: Events, k: int) -> Ints:
        user = _user_at(model, data, rows[int(history.user_ids[0])])
        if user is None:
            return np.empty(0, dtype=np.int64)
        known = model.rows_of(history.item_ids)
        return model.item_ids[top_k(score_items(model, user), k, known[known >= 0])]

    return recommend


def _first_targets(data: TwoTowerData, test: Holdout) -> Rows:
    """(p,) the example of the first thing that each held-out person is evaluated on."""
    # Targets are sorted by person and time, and everybody has one.
    _, first = np.unique(test.targets.user_ids, return_index=True)
    people = np.searchsorted(test.user_ids, data.events.user_ids)
    people = np.minimum(people, len(test) - 1)
    targets = test.targets.select(first)
    same = (
        (test.user_ids[people] == data.events.user_ids)
        & (targets.times[people] == data.events.times)
        & (targets.item_ids[people] == data.events.item_ids)
    )
    found = np.flatnonzero(same)
    _, one_each = np.unique(people[found], return_index=True)
    return data.rows[found[one_each]]


def _user_at(model: TwoTower, data: TwoTowerData, row: int) -> Floats | None:
    """The person's vector from the state of one example."""
    examples = data.examples
    state = examples.states.take(examples.state_of[[row]])
    return user_vector(
        model,
        item_ids=data.items.item_ids[state.history_rows],
        weights=state.history_weights,
        facet_ids=data.items.facet_ids[state.facet_columns],
        facet_scores=state.facet_scores,
    )
