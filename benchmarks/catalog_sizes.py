"""The CPU of retrieving and ranking one list over catalogs of several sizes, stage by stage, in memory.

    DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/catalog_sizes.py [--items 10000 100000 1000000]
                                                                 [--people 20] [--json]

Invents a catalog, models of every kind of the use case and people with 50 choices; no database is asked.
Each person is met for the first time: nothing about them is kept. A stage is what one kind does with them,
and `list` is all from the person to the ranked pool. Medians over the people, in milliseconds of CPU.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

USE_CASE = "movie_home"
HISTORY, FACTORS, NEIGHBORS, TREES = 50, 128, 100, 60
# Of a catalog people met so many items for each that anybody approved twice: a long tail that nobody met.
GENRES, THEMES_OF, PEOPLE_OF = 20, 4, 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    result = {str(items): measured(items, options.people) for items in options.items}
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def measured(items: int, people: int) -> dict[str, Any]:
    """Milliseconds of each stage over a catalog of that size, and the memory of the process in MB."""
    from ranking.request import RankingRequest
    from ranking.scoring import rank, retrieve

    rng = np.random.default_rng(1)
    met = _met(items, rng)
    context = invented_context(items, met, rng)
    persons = [_person(number, met, context.catalog, rng) for number in range(people + 2)]
    times: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        began = time.thread_time()
        yield
        times[name].append(1000 * (time.thread_time() - began))

    for person in persons:
        with stage("list"):
            request = RankingRequest.of(person, context, 0.0)
            rank(request, retrieve(request))
        for name, recommender in context.recommenders.items():
            with stage(f"{name}: represent"):
                seen = recommender.represent(person)
            if seen is not None:
                request = RankingRequest.of(person, context, 0.0)
                with stage(f"{name}: retrieve"):
                    request.retrieve(name, context.policy.candidates_per_source)
        retrieved = retrieve(request)
        with stage("rank"):
            rank(request, retrieved)
    medians = {name: round(float(np.median(of[2:])), 2) for name, of in sorted(times.items())}
    return {**medians, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000}


def invented_context(items: int, met: Any, rng: np.random.Generator) -> Any:
    """A scoring context of that many items and a model of every kind that brings or orders items."""
    from core.domain import USE_CASES
    from ranking.context import ScoringContext
    from ranking.recommenders.registry import RECOMMENDERS
    from ranking.registry.loading import LoadedModel, ModelSet

    makers: dict[str, Callable[[], Any]] = {
        "als": lambda: _als(items, met, rng),
        "transitions": lambda: _transitions(items, met, rng),
        "ease": lambda: _ease(items, met, rng),
        "content": _content,
        "verdict": lambda: _verdicts(items, met, rng),
        "ranker": lambda: _ranker(rng),
    }
    models = {name: LoadedModel(1, name, make()) for name, make in makers.items() if name in RECOMMENDERS}
    return ScoringContext.of(USE_CASES[USE_CASE], _catalog(items, met, rng), ModelSet(models))


def _met(items: int, rng: np.random.Generator) -> Any:
    """People who met each item: as one over its rank, in no order, twenty for each item in all."""
    counts = 20 * items / np.log(items) / np.arange(1, items + 1)
    return rng.permutation(counts)


def _catalog(items: int, met: Any, rng: np.random.Generator) -> Any:
    from ranking.item_content import GROUPS, ItemContent
    from ranking.snapshot import CatalogSnapshot
    from ranking.statistics.demand import ItemDemand

    themes, people = max(50, items // 100), max(50, items // 5)
    columns = np.column_stack(
        [
            _drawn(GENRES, (items, 2), rng),
            GENRES + _drawn(themes, (items, THEMES_OF), rng),
            GENRES + themes + _drawn(people, (items, PEOPLE_OF), rng),
        ]
    )
    rows = np.repeat(np.arange(items), columns.shape[1])
    size = GENRES + themes + people
    facets = csr_matrix((np.ones(columns.size), (rows, columns.ravel())), shape=(items, size))
    facets.data[:] = 1.0
    names = ["genre"] * GENRES + ["theme"] * themes + ["people"] * people
    content = ItemContent(
        item_ids=np.arange(1, items + 1),
        published=rng.uniform(-50, 0, items) * 365 * 86400,
        facets=facets,
        groups=np.array([GROUPS.index(name) for name in names]),
    )
    popularity = np.where(met >= 1.0, met / met.max(), 0.0)
    demand = ItemDemand.from_counts(popularity, np.floor(met), np.floor(met / 5))
    return CatalogSnapshot.build(content, demand, np.arange(1, size + 1))


def _drawn(size: int, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """Numbers below `size`, small ones far more often than large ones."""
    return np.minimum((size * rng.random(shape) ** 2.5).astype(np.int64), size - 1)


def _person(number: int, met: Any, catalog: Any, rng: np.random.Generator) -> Any:
    """Somebody who met items of two groups, as often as everybody does."""
    from profiles.selectors import STRANGER
    from ranking.person import build_person

    theirs = np.flatnonzero(np.isin(np.arange(len(met)) % GENRES, rng.choice(GENRES, 2, replace=False)))
    share = met[theirs] / met[theirs].sum()
    chosen = rng.choice(theirs, size=HISTORY, replace=False, p=share) + 1
    weights = np.where(rng.random(HISTORY) < 0.85, 2.0, -2.0)
    columns = np.unique(catalog.content.facets[chosen[weights > 0] - 1].indices)
    values = rng.uniform(0.4, 0.9, len(columns))
    taste = replace(
        STRANGER.taste,
        facet_ids=catalog.facet_ids[columns],
        kinds=np.zeros(len(columns), dtype=np.uint8),
        scores=2 * values - 1,
        values=values,
        running=values,
    )
    return build_person(
        user_id=number,
        item_ids=chosen.astype(np.int64),
        weights=weights,
        excluded=chosen.astype(np.int64),
        taste=replace(STRANGER, taste=taste),
    )


def _als(items: int, met: Any, rng: np.random.Generator) -> Any:
    """Factors around a center for each group, and shorter the fewer met the item.

    As long as ALS leaves them of MovieLens: of 10,000 such items 6 % have a factor long enough for the first
    ten of a list (there 4 %), and 27 % one for the first hundred (there 19 %).
    """
    from ranking.recommenders.als.model import AlsModel, gram_matrix

    known = np.flatnonzero(met >= 1.0)
    centers = rng.normal(size=(GENRES, FACTORS)).astype(np.float32)
    factors = centers[known % GENRES] + rng.normal(scale=0.5, size=(len(known), FACTORS)).astype(np.float32)
    factors /= (1.0 + np.arange(FACTORS) / 8).astype(np.float32)
    factors *= (met[known] / (met[known] + 100.0)).astype(np.float32)[:, None] / np.linalg.norm(
        factors, axis=1
    )[:, None]
    return AlsModel(known + 1, factors, gram_matrix(factors), 1.0, 30.0, 1.0)


def _neighbors(rows: int, counts: Any, columns: int, rng: np.random.Generator) -> Any:
    """A matrix (rows, columns) with so many entries in each row, small columns far more often."""
    starts = np.concatenate([[0], np.cumsum(counts)])
    entries = _drawn(columns, (int(starts[-1]),), rng)
    values = rng.random(len(entries)).astype(np.float32)
    matrix = csr_matrix((values, entries, starts), shape=(rows, columns))
    matrix.sum_duplicates()
    return matrix


def _transitions(items: int, met: Any, rng: np.random.Generator) -> Any:
    from ranking.recommenders.transitions.model import Transitions

    matrix = _neighbors(items, np.minimum(met, NEIGHBORS).astype(np.int64), items, rng)
    return Transitions(np.arange(1, items + 1), matrix, 50, 1.0)


def _ease(items: int, met: Any, rng: np.random.Generator) -> Any:
    from ranking.recommenders.ease.model import Ease

    most = min(items, 20_000)
    chosen = np.sort(np.argsort(-met)[:most]) + 1
    return Ease(chosen, _neighbors(most, np.full(most, NEIGHBORS), most, rng), 100.0, 1.0)


def _content() -> Any:
    from ranking.item_content import GROUPS
    from ranking.recommenders.nearness import NearnessWeights

    return NearnessWeights.unlearned(len(GROUPS))


def _verdicts(items: int, met: Any, rng: np.random.Generator) -> Any:
    from ranking.recommenders.verdict.model import PARTS, Verdicts
    from ranking.recommenders.verdict.numbers import KNOTS

    weights = np.ones(PARTS)
    weights[-2:] = 0.0
    known = np.flatnonzero(met >= 1.0)
    return Verdicts(
        item_ids=known + 1,
        sums=rng.normal(size=len(known)) * np.sqrt(met[known]),
        counts=np.floor(met[known]),
        factors=rng.normal(scale=0.25, size=(len(known), 16)).astype(np.float32),
        weights=weights,
        numbers=(),
        knots=np.zeros((0, KNOTS)),
        effects=np.zeros(0),
        mean=0.5,
        offset=0.0,
        regularization=10.0,
    )


def _ranker(rng: np.random.Generator) -> Any:
    import lightgbm as lgb

    from ranking.features import FEATURES
    from ranking.recommenders.ranker.model import Ranker

    features = rng.random((2000, len(FEATURES)))
    taught = lgb.Dataset(features, features[:, :8].sum(axis=1) + rng.random(2000))
    return Ranker(lgb.train({"verbosity": -1, "num_threads": 1}, taught, TREES), "feature")


if __name__ == "__main__":
    main()
