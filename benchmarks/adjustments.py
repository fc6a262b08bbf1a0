"""The cost of dislikes in a recommendation request: combining them, multiplying, and what they pushed out.

    DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/adjustments.py [--items 10000] [--candidates 500] [--json]

Needs no database: the catalog is made up, each item with 3 genres of 20, 8 people of 20,000 and, one in
ten, a franchise; each dislike is of one of its items.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

GENRES, PEOPLE, FRANCHISES = 20, 20_000, 300
DISLIKES = (0, 1, 5, 20, 100, 500)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--candidates", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    from core.domain import USE_CASES
    from feedback.adjustments import Adjustment, combine_adjustments
    from ranking.boosting import personalize
    from ranking.candidates import Candidates
    from ranking.context import ScoringContext
    from ranking.item_content import GROUPS, ItemContent
    from ranking.person import build_person
    from ranking.request import RankingRequest
    from ranking.snapshot import CatalogSnapshot
    from ranking.statistics.demand import ItemDemand
    from serving.pipeline import pushed_out

    rng = np.random.default_rng(0)
    item_facets = _invent_facets(options.items, rng)
    item_ids = np.arange(1, options.items + 1)
    nothing = np.zeros(options.items)
    facet_ids = np.arange(item_facets.shape[1])
    groups = np.repeat(
        [GROUPS.index(name) for name in ("genre", "people", "other")], [GENRES, PEOPLE, FRANCHISES]
    )
    content = ItemContent(item_ids, nothing, item_facets, groups)
    catalog = CatalogSnapshot.build(content, ItemDemand.from_counts(nothing, nothing, nothing), facet_ids)
    context = ScoringContext.of(USE_CASES["movie_home"], catalog)
    candidates = Candidates.from_source(
        "als",
        rng.choice(item_ids, options.candidates, replace=False),
        np.sort(rng.random(options.candidates))[::-1],
    )

    def act(adjustments: list[Adjustment]) -> int:
        person = build_person(
            user_id=1,
            item_ids=item_ids[:0],
            weights=np.zeros(0, dtype=np.float32),
            excluded=(),
            penalties=combine_adjustments(adjustments, now=NOW),
        )
        ordered = personalize(candidates, RankingRequest(person, context, NOW.timestamp(), {}))
        return len(pushed_out(ordered, ordered.take(np.arange(20))))

    rows = []
    for how_many in DISLIKES:
        disliked = rng.choice(options.items, how_many, replace=False)
        adjustments = [
            Adjustment(int(facet), -0.075, NOW - timedelta(days=int(rng.integers(0, 365))))
            for item in disliked
            for facet in item_facets[item].indices
        ]
        times = _measure(lambda chosen=adjustments: act(chosen), options.rounds)  # type: ignore[misc]
        rows.append(
            {
                "dislikes": how_many,
                "adjustments": len(adjustments),
                "pushed_out_of_20": act(adjustments),
                "median_ms": round(float(np.median(times)) * 1000, 3),
                "p95_ms": round(float(np.percentile(times, 95)) * 1000, 3),
            }
        )
    result = {"items": options.items, "candidates": options.candidates, "rows": rows}
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def _invent_facets(items: int, rng: np.random.Generator) -> "csr_matrix[np.float64]":
    """(items, facets): genres first, then people, then franchises."""
    rows, columns = [], []
    for item in range(items):
        chosen = [
            *rng.choice(GENRES, 3, replace=False),
            *(GENRES + rng.choice(PEOPLE, 8, replace=False)),
            *([GENRES + PEOPLE + rng.integers(FRANCHISES)] if rng.random() < 0.1 else []),
        ]
        rows += [item] * len(chosen)
        columns += chosen
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(items, GENRES + PEOPLE + FRANCHISES))


def _measure(act: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        times.append(time.perf_counter() - started)
    return times


if __name__ == "__main__":
    main()
