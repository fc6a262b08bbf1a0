"""Popularity, ALS, and ALS with a ranker on the same held-out people, window after window of an imported log.

    DEBUG=1 python manage.py import_movielens ../shared/data/ml-latest-small
    DEBUG=1 python manage.py generate_als_dataset
    DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/ranker_quality.py [--cuts 0.5 0.6 0.7 0.8 0.9] [--json]

For each cut everything is trained on the events before it alone: ALS, and the ranker on bootstrap lists of
earlier windows. All three are evaluated on the people of the tenth of the log that follows. Import MovieLens
without --metadata: its films were chosen by what became popular, so that having metadata tells the future.
Nothing is written.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if TYPE_CHECKING:
    from core.arrays import Doubles, Ints
    from ranking.context import ScoringContext
    from ranking.recommenders.offline import RankingReport, Recommender
    from ranking.recommenders.ranker.model import Ranker, RankerParameters
    from ranking.snapshot import CatalogSnapshot
    from ranking.statistics.events import Events
    from ranking.statistics.split import Holdout

SEED = 1
K = 10
WIDTH = 0.1
# Nothing was chosen on windows that reach into what follows this share of the log.
TEST = 0.95
WAYS = ("popularity", "ALS", "ALS and ranker")


@dataclass(frozen=True, slots=True, eq=False)
class WindowResult:
    """One window: a report for each of WAYS, and per person candidate recall and the order of verdicts."""

    reports: dict[str, "RankingReport"]
    candidate_recall: "Doubles"
    order_als: "Doubles"
    order_ranker: "Doubles"
    seconds: dict[str, float]
    lists: int
    trees: int
    gain: dict[str, float]


def main() -> None:
    import django

    django.setup()
    from django.conf import settings

    from core.domain import USE_CASES
    from ranking.datasets import bootstrap
    from ranking.datasets.event_log import load_als_events
    from ranking.datasets.manifest import newest_dataset
    from ranking.snapshot import read_snapshot
    from ranking.statistics.split import time_cuts

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=float, nargs="+", default=[0.5, 0.6, 0.7, 0.8, 0.9])
    parser.add_argument("--windows", type=int, default=6)
    parser.add_argument("--candidates", type=int, default=150, help="per source")
    parser.add_argument("--base-margin", default=bootstrap.PARAMETERS.base_margin)
    parser.add_argument("--rounds", type=int, default=bootstrap.PARAMETERS.rounds)
    parser.add_argument("--early-stopping", action="store_true", help="stop on the last of the lists")
    parser.add_argument("--dislike-weight", type=float)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    settings.CANDIDATES_PER_SOURCE = options.candidates
    if options.dislike_weight:
        bootstrap.DISLIKE_WEIGHT = options.dislike_weight
    use_case = USE_CASES["movie_home"]
    _, events = load_als_events(newest_dataset("als", use_case.name), use_case)
    catalog = with_years(read_snapshot(use_case.name))
    parameters = replace(bootstrap.PARAMETERS, base_margin=options.base_margin, rounds=options.rounds)
    results = {}
    for cut in options.cuts:
        since, start, end = time_cuts(events.times, [cut - WIDTH, cut, min(1.0, cut + WIDTH)])
        end = end if cut + WIDTH < 1.0 else float(np.nextafter(events.times.max(), np.inf))
        world = World(events, catalog, use_case, parameters, options.windows, options.early_stopping)
        results[cut] = world.evaluate(since, start, end)
        if not options.json:
            print(json.dumps({"cut": cut, **_figures([results[cut]])}), flush=True)  # noqa: T201
    result = {
        "windows": {str(cut): _figures([one]) for cut, one in results.items()},
        "before the test part": _figures([one for cut, one in results.items() if cut + WIDTH < TEST]),
        "all": _figures(list(results.values())),
        "gain of the last": results[options.cuts[-1]].gain,
    }
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def with_years(catalog: "CatalogSnapshot") -> "CatalogSnapshot":
    """Films of which only the year is known count as published in the middle of it."""
    from catalog.models import Item
    from ranking.snapshot import CatalogSnapshot

    years = dict(Item.objects.exclude(year=None).values_list("pk", "year"))
    published = catalog.content.published.copy()
    for row in np.flatnonzero(~np.isfinite(published)):
        year = years.get(int(catalog.item_ids[row]))
        if year is not None:
            published[row] = datetime(year, 7, 1, tzinfo=UTC).timestamp()
    content = replace(catalog.content, published=published)
    return CatalogSnapshot.build(content, catalog.demand, catalog.facet_ids)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The shared input of all windows."""

    events: "Events"
    catalog: Any
    use_case: Any
    parameters: "RankerParameters"
    windows: int
    early_stopping: bool

    def evaluate(self, since: float, start: float, end: float) -> WindowResult:
        """Train on what was before `start`, evaluate on what followed; ALS is calibrated from `since` on."""
        from pairwise_order import evaluate_order

        from core.progress import Progress
        from ranking.context import ScoringContext
        from ranking.datasets.bootstrap import (
            BootstrapPlan,
            bootstrap_lists,
            context_before,
            ranker_data,
        )
        from ranking.datasets.past_models import PastModels
        from ranking.recommenders.offline import evaluate_rankings
        from ranking.recommenders.ranker.model import fit_ranker
        from ranking.recommenders.ranker.train import fit_calibrated_ranker
        from ranking.registry.loading import LoadedModel
        from ranking.statistics.split import holdout

        training, seconds = self.events.before(start), {}
        started = time.perf_counter()
        als_alone = replace(self.use_case, models=("als",))
        als = next(PastModels.of(als_alone, {}, SEED, self.catalog.content).at([start], training, since))
        seconds["ALS"] = time.perf_counter() - started
        started = time.perf_counter()
        data = ranker_data(
            bootstrap_lists(
                training,
                catalog=self.catalog,
                use_case=als_alone,
                plan=BootstrapPlan(windows=self.windows),
                seed=SEED,
            )
        )
        seconds["bootstrap lists"] = time.perf_counter() - started
        started = time.perf_counter()
        if self.early_stopping:
            quiet = Progress("ranker", quiet=True)
            ranker = fit_calibrated_ranker(data, self.parameters, seed=SEED, progress=quiet).ranker
        else:
            ranker = fit_ranker(data, None, self.parameters, seed=SEED)
        seconds["ranker"] = time.perf_counter() - started

        by_als = context_before(training, start, self.catalog, als_alone, als)
        with_ranker = by_als.models.with_model("ranker", LoadedModel(0, "ranker", ranker))
        contexts = {
            "popularity": ScoringContext.of(als_alone, by_als.catalog),
            "ALS": by_als,
            "ALS and ranker": ScoringContext.of(als_alone, by_als.catalog, with_ranker),
        }
        part = holdout(self.events, start, end)
        rng = np.random.default_rng(SEED)
        size = len(self.catalog.item_ids)
        return WindowResult(
            reports={
                name: evaluate_rankings(
                    part, self._recommender(contexts[name], start), catalog_size=size, rng=rng
                )
                for name in WAYS
            },
            candidate_recall=self._candidate_recall(part, by_als, start),
            order_als=evaluate_order(part, lambda history, ids: _als_order(history, ids, by_als)),
            order_ranker=evaluate_order(
                part, lambda history, ids: _ranker_order(history, ids, by_als, ranker, start)
            ),
            seconds=seconds,
            lists=len(data),
            trees=ranker.booster.num_trees(),
            gain={name: round(gain) for name, gain in ranker.importances().items()},
        )

    def _recommender(self, context: "ScoringContext", start: float) -> "Recommender":
        from ranking.person import person_before
        from ranking.request import RankingRequest
        from ranking.scoring import ranked_pool

        def recommend(history: "Events", k: int) -> "Ints":
            return ranked_pool(RankingRequest.of(person_before(history), context, start)).item_ids[:k]

        return recommend

    def _candidate_recall(self, part: "Holdout", context: "ScoringContext", start: float) -> "Doubles":
        everything = self._recommender(context, start)
        shares = [
            np.isin(person.relevant_items, everything(person.history, sys.maxsize)).mean()
            for person in part.people()
        ]
        return np.array(shares)


def _als_order(history: "Events", item_ids: "Ints", context: "ScoringContext") -> "Doubles":
    from ranking.feature_rows import lead_scores
    from ranking.person import person_before
    from ranking.request import RankingRequest

    return lead_scores(RankingRequest.of(person_before(history), context, 0.0), item_ids)[0]


def _ranker_order(
    history: "Events", item_ids: "Ints", context: "ScoringContext", ranker: "Ranker", start: float
) -> "Doubles":
    """The ranker's scores; NaN where ALS has none, so that both are evaluated on the same pairs."""
    from ranking.feature_rows import features_of
    from ranking.person import person_before
    from ranking.request import RankingRequest

    features = features_of(RankingRequest.of(person_before(history), context, start), item_ids)
    known = ~np.isnan(features).any(axis=1)
    scores = np.full(len(item_ids), np.nan)
    if known.any():
        scores[known] = ranker.scores(features[known])
    scores[np.isnan(_als_order(history, item_ids, context))] = np.nan
    return scores


def _figures(windows: list[WindowResult]) -> dict[str, Any]:
    """Means with 95 % intervals over the people of all the windows."""
    from ranking.statistics.metrics import bootstrap_interval, paired_bootstrap_interval

    rng = np.random.default_rng(SEED)

    def pooled(way: str, metric: str) -> "Doubles":
        return np.concatenate([getattr(one.reports[way], f"per_person_{metric}") for one in windows])

    def rounded(interval: Any) -> list[float]:
        return [round(value, 4) for value in asdict(interval).values()]

    result: dict[str, Any] = {"people": sum(one.reports["ALS"].people for one in windows)}
    for metric in ("ndcg", "recall", "hit_rate", "disliked_share"):
        values = {way: pooled(way, metric) for way in WAYS}
        result[f"{metric}@{K}"] = {
            **{way: rounded(bootstrap_interval(values[way], rng=rng)) for way in WAYS},
            "ranker - ALS": rounded(paired_bootstrap_interval(values[WAYS[2]], values[WAYS[1]], rng=rng)),
            "ranker - popularity": rounded(
                paired_bootstrap_interval(values[WAYS[2]], values[WAYS[0]], rng=rng)
            ),
        }
    als = np.concatenate([one.order_als for one in windows])
    ranker = np.concatenate([one.order_ranker for one in windows])
    result["liked over disliked"] = {
        "people": int((~np.isnan(als)).sum()),
        "ALS": rounded(bootstrap_interval(als, rng=rng)),
        "ALS and ranker": rounded(bootstrap_interval(ranker, rng=rng)),
        "ranker - ALS": rounded(paired_bootstrap_interval(ranker, als, rng=rng)),
    }
    result["candidate recall"] = round(float(np.concatenate([w.candidate_recall for w in windows]).mean()), 3)
    result["lists"] = [one.lists for one in windows]
    result["trees"] = [one.trees for one in windows]
    result["seconds"] = {
        name: [round(one.seconds[name], 1) for one in windows] for name in windows[0].seconds
    }
    return result


if __name__ == "__main__":
    main()
