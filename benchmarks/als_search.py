"""Choose the defaults of ALS on the validation part of MovieLens, then report on the test part once.

    python benchmarks/als_search.py --data ../shared/data/ml-latest-small [--json]

The last tenth of the ratings, by time, is the test part. The four tenths before it are four validation
windows, each evaluated with models trained on what came before it; their people are pooled.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pairwise_order import Scorer, als_scorer, evaluate_order, fixed_scorer

from core.arrays import Doubles, Ints
from ranking.recommenders.als.model import AlsModel, AlsParameters, fit_als
from ranking.recommenders.offline import (
    RankingReport,
    Recommender,
    als_recommender,
    evaluate_rankings,
    random_recommender,
    score_recommender,
)
from ranking.statistics.events import Events
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import bootstrap_interval, paired_bootstrap_interval
from ranking.statistics.popularity import decayed_popularity
from ranking.statistics.split import Holdout, holdout, time_cuts

SEED = 1
THREADS = 2
HALF_LIVES = (30.0, 180.0, 365.0, 730.0, 1500.0, np.inf)
SHARES_OF_PEOPLE = (0.1, 0.25, 0.5, 1.0)
MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)
DEFAULTS = AlsParameters()
VARIANTS: dict[str, list[AlsParameters]] = {
    "factors": [replace(DEFAULTS, factors=value) for value in (16, 64)],
    "alpha": [replace(DEFAULTS, alpha=value) for value in (0.25, 4.0)],
    "iterations": [replace(DEFAULTS, iterations=value) for value in (5, 30)],
    "half_life_days": [replace(DEFAULTS, half_life_days=value) for value in (500.0, 3000.0, np.inf)],
    "negative_scale": [replace(DEFAULTS, negative_scale=value) for value in (0.3, 3.0, 10.0)],
    "negatives": [replace(DEFAULTS, negatives="drop")],
    "regularization": [replace(DEFAULTS, regularization=0.01)],
}


@dataclass(frozen=True, slots=True)
class Result:
    """One recommender on one part: pooled people, metrics at 10."""

    name: str
    ndcg: Interval
    recall: float
    hit_rate: float
    disliked_share: float
    coverage: float


def read_events(folder: Path) -> Events:
    """Every rating as `watched`, from 4 stars also a `like`, up to 2 stars also a `dislike`."""
    ratings = pd.read_csv(folder / "ratings.csv")
    stars = ratings["rating"].to_numpy(np.float64)
    liked, disliked = np.flatnonzero(stars >= 4), np.flatnonzero(stars <= 2)
    rows = np.concatenate([np.arange(len(stars)), liked, disliked])
    weights = np.concatenate([3.0 * stars * 2 / 10, np.full(len(liked), 2.0), np.full(len(disliked), -1.0)])
    return Events(
        user_ids=ratings["userId"].to_numpy(np.int64)[rows],
        item_ids=ratings["movieId"].to_numpy(np.int64)[rows],
        weights=weights.astype(np.float32),
        times=ratings["timestamp"].to_numpy(np.float64)[rows],
        relevant=np.isin(np.arange(len(rows)), np.arange(len(stars), len(stars) + len(liked))),
    )


class Part:
    """One or more time windows whose people are evaluated together."""

    def __init__(self, events: Events, cuts: list[float]) -> None:
        self.windows = [holdout(events, *pair) for pair in pairwise(cuts)]
        self.catalog_size = len(np.unique(events.item_ids))

    def evaluate(self, make: Callable[[Holdout], Recommender]) -> list[RankingReport]:
        return [
            evaluate_rankings(
                window, make(window), catalog_size=self.catalog_size, rng=np.random.default_rng(SEED)
            )
            for window in self.windows
        ]

    def order(self, make: Callable[[Holdout], Scorer]) -> Doubles:
        """The share of pairs with the liked item above the disliked one, for every person of every window."""
        return np.concatenate([evaluate_order(window, make(window)) for window in self.windows])


def pooled(reports: list[RankingReport], metric: str) -> Doubles:
    return np.concatenate([getattr(report, f"per_person_{metric}") for report in reports])


def summarize(name: str, reports: list[RankingReport]) -> Result:
    return Result(
        name=name,
        ndcg=interval(pooled(reports, "ndcg")),
        recall=float(pooled(reports, "recall").mean()),
        hit_rate=float(pooled(reports, "hit_rate").mean()),
        disliked_share=float(np.nanmean(pooled(reports, "disliked_share"))),
        coverage=float(np.mean([report.catalog_coverage for report in reports])),
    )


def difference(a: list[RankingReport], b: list[RankingReport], metric: str) -> Interval:
    return paired_bootstrap_interval(pooled(a, metric), pooled(b, metric), rng=np.random.default_rng(SEED))


def train(window: Holdout, parameters: AlsParameters) -> AlsModel:
    return fit_als(window.training, parameters, seed=SEED, threads=THREADS)


def als(parameters: AlsParameters) -> Callable[[Holdout], Recommender]:
    return lambda window: als_recommender(train(window, parameters))


def scaled_als(share: float, multiple: float) -> Callable[[Holdout], Recommender]:
    """ALS trained on a share of the people, with a multiple of the regularization it would have."""

    def make(window: Holdout) -> Recommender:
        some = replace(window, training=some_people(window.training, share))
        rule = train(some, replace(DEFAULTS, iterations=1)).regularization
        return als_recommender(train(some, replace(DEFAULTS, regularization=multiple * rule)))

    return make


def decayed(window: Holdout, half_life_days: float) -> tuple[Ints, Doubles]:
    return decayed_popularity(window.training, now=window.start, half_life_days=half_life_days)


def popularity(half_life_days: float) -> Callable[[Holdout], Recommender]:
    return lambda window: score_recommender(*decayed(window, half_life_days))


def chance(window: Holdout) -> Recommender:
    return random_recommender(np.unique(window.training.item_ids), np.random.default_rng(SEED))


def some_people(events: Events, share: float) -> Events:
    people = np.random.default_rng(SEED).permutation(np.unique(events.user_ids))
    return events.select(np.isin(events.user_ids, people[: max(1, round(share * len(people)))]))


def search_regularization(part: Part) -> dict[str, dict[str, float]]:
    """NDCG@10 by share of the people trained on and multiple of the default regularization."""
    return {
        f"{share:.0%} of people": {
            f"× {multiple:g}": float(pooled(part.evaluate(scaled_als(share, multiple)), "ndcg").mean())
            for multiple in MULTIPLES
        }
        for share in SHARES_OF_PEOPLE
    }


def search_defaults(part: Part) -> list[Result]:
    """The defaults, then each hyper-parameter changed alone."""
    named = [("defaults", DEFAULTS)]
    for name, variants in VARIANTS.items():
        named += [(f"{name} {getattr(parameters, name)}", parameters) for parameters in variants]
    return [summarize(name, part.evaluate(als(parameters))) for name, parameters in named]


def compare(part: Part, half_life_days: float) -> dict[str, Any]:
    """ALS with its defaults against the baselines, and with negatives kept against dropped."""
    dropping = replace(DEFAULTS, negatives="drop")
    keep, drop = part.evaluate(als(DEFAULTS)), part.evaluate(als(dropping))
    popular, plain = part.evaluate(popularity(half_life_days)), part.evaluate(popularity(np.inf))
    named = {
        "ALS, defaults": keep,
        "ALS, negatives dropped": drop,
        f"popularity, half-life {half_life_days:g} days": popular,
        "popularity of all time": plain,
        "random": part.evaluate(chance),
    }
    order_keep = part.order(lambda window: als_scorer(train(window, DEFAULTS)))
    order_drop = part.order(lambda window: als_scorer(train(window, dropping)))
    order_popular = part.order(lambda window: fixed_scorer(*decayed(window, half_life_days)))
    return {
        "people": sum(report.people for report in keep),
        "results": [summarize(name, reports) for name, reports in named.items()],
        "differences": {
            "NDCG@10, ALS minus decayed popularity": difference(keep, popular, "ndcg"),
            "NDCG@10, ALS minus popularity of all time": difference(keep, plain, "ndcg"),
            "recall@10, ALS minus decayed popularity": difference(keep, popular, "recall"),
            "disliked share@10, ALS minus decayed popularity": difference(keep, popular, "disliked_share"),
            "NDCG@10, negatives kept minus dropped": difference(keep, drop, "ndcg"),
            "disliked share@10, negatives kept minus dropped": difference(keep, drop, "disliked_share"),
        },
        "liked over disliked": {
            "ALS, negatives kept": interval(order_keep),
            "kept minus dropped": interval(order_keep - order_drop),
            "ALS minus decayed popularity": interval(order_keep - order_popular),
        },
    }


def interval(values: Doubles) -> Interval:
    return bootstrap_interval(values, rng=np.random.default_rng(SEED))


def run(folder: Path) -> dict[str, Any]:
    events = read_events(folder)
    cuts = time_cuts(events.times[~events.relevant & (events.weights > 0)], [0.5, 0.6, 0.7, 0.8, 0.9])
    validation = Part(events, cuts)
    baselines = {
        value: summarize(f"half-life {value:g}", validation.evaluate(popularity(value)))
        for value in HALF_LIVES
    }
    best_half_life = max(baselines, key=lambda value: baselines[value].ndcg.mean)
    return {
        "validation": {
            "people": sum(len(window) for window in validation.windows),
            "popularity": list(baselines.values()),
            "regularization": search_regularization(validation),
            "als": search_defaults(validation),
            "comparison": compare(validation, best_half_life),
        },
        "test": compare(Part(events, [cuts[-1], np.inf]), best_half_life),
    }


def lines(results: Iterable[Result]) -> Iterable[str]:
    yield f"{'':34}{'NDCG@10':>22}  recall    HR  disliked  coverage"
    for row in results:
        ndcg = f"{row.ndcg.mean:.4f} [{row.ndcg.low:.4f}, {row.ndcg.high:.4f}]"
        yield (
            f"{row.name:34}{ndcg:>22}  {row.recall:.4f} {row.hit_rate:.3f}   "
            f"{row.disliked_share:.4f}    {row.coverage:.4f}"
        )


def text(report: dict[str, Any]) -> Iterable[str]:
    validation = report["validation"]
    yield f"Validation, {validation['people']} people: popularity"
    yield from lines(validation["popularity"])
    yield "\nValidation: NDCG@10 by multiple of the default regularization"
    for share, row in validation["regularization"].items():
        yield f"{share:16}" + "  ".join(f"{multiple} {value:.4f}" for multiple, value in row.items())
    yield "\nValidation: ALS, one hyper-parameter changed at a time"
    yield from lines(validation["als"])
    for name, comparison in (("Validation", validation["comparison"]), ("Test", report["test"])):
        yield f"\n{name}, {comparison['people']} people"
        yield from lines(comparison["results"])
        for group in ("differences", "liked over disliked"):
            yield f"{group}:"
            for what, found in comparison[group].items():
                yield f"    {what:50}{found.mean:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with MovieLens' ratings.csv")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    arguments = parser.parse_args()
    report = run(arguments.data)
    output = json.dumps(report, default=asdict) if arguments.json else "\n".join(text(report))
    sys.stdout.write(output + "\n")


if __name__ == "__main__":
    main()
