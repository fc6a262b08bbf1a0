"""Evaluates recommenders by the fixed protocols of public data sets, beside the published figures.

    export DEBUG=1 OMP_NUM_THREADS=1
    python benchmarks/published.py --data ../shared/data [--set NAME …] [--kind als item_knn …] [--json]

--data DIR holds the folders of the sets: sequences/ (Beauty.txt, LastFM.txt), shown-lists/, likes-hates/,
ml-latest-small/. A kind is one of the registry that brings items and learns from events; `als+item_knn` are
two that serve together. Everything else is the product's: training, calibration, the one way to scores.

    Beauty, LastFM    the last item of each person among all that they do not know yet
    shown-lists       the order of 24 films in the last fifth of the lists, of those with a click
    likes-hates       liked above hated videos in the last fifth of the rows
    ml-latest-small   docs/research/ranker-on-movielens.md: people of the last tenth of the ratings

--part validation judges the item, lists, rows or four tenths before: those that settings are chosen on.
Intervals are 95 %, by resampling people. Nothing is written, no database is asked.
"""

import argparse
import json
import os
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if TYPE_CHECKING:
    from published_sets import Judged

    from ranking.statistics.interval import Interval

DEFAULT_KINDS = ("als", "item_knn", "popular")
# Figures of others by the same protocol, as HR@10 and NDCG@10 or the one figure of the set.
PUBLISHED: dict[str, dict[str, tuple[float, ...]]] = {
    "Beauty": {
        "popularity": (0.0152, 0.0068),
        "GRU4Rec": (0.0283, 0.0137),
        "SASRec": (0.0605, 0.0318),
        "S3-Rec": (0.0647, 0.0327),
        "TIGER": (0.0648, 0.0384),
    },
    "LastFM": {"popularity": (0.0440, 0.0203), "SASRec": (0.0688, 0.0390), "S3-Rec": (0.0743, 0.0427)},
    "shown-lists": {"as shown": (0.378,), "votes": (0.537,), "click rate": (0.591,), "Metarank": (0.598,)},
    "likes-hates": {"like rate": (0.747,)},
}


def main() -> None:
    import django

    django.setup()
    from published_sets import SETS, Way

    options = _options(tuple(SETS))
    chosen = _chosen(options.parameter)
    results = {}
    for name in options.set:
        judged, rows = {}, {}
        for kind in options.kind:
            way = Way(tuple(kind.split("+")), chosen, options.as_served, options.seed)
            for share in options.refusal_share:
                started = time.perf_counter()
                label = kind if share is None else f"{kind}, share {share:g}"
                tried = replace(way, refusal_share=share)
                try:
                    judged[label] = SETS[name](
                        options.data, name, tried, validation=options.part == "validation"
                    )
                except (OSError, ValueError) as error:
                    sys.exit(f"{name}: {error}")
                first = next(iter(judged))
                figures = _figures(judged[label], judged[first], first, options.seed)
                rows[label] = {**figures, "seconds": time.perf_counter() - started}
        results[name] = {"kinds": rows, "published": PUBLISHED.get(name, {})}
        if not options.json:
            sys.stdout.write("\n".join(_table(name, results[name])) + "\n\n")
            sys.stdout.flush()
    if options.json:
        sys.stdout.write(json.dumps({"part": options.part, "sets": results}) + "\n")


def _options(sets: tuple[str, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the folders of the sets")
    parser.add_argument("--set", nargs="+", choices=sets, default=sets, metavar="NAME", help=", ".join(sets))
    parser.add_argument("--kind", nargs="+", default=DEFAULT_KINDS, help="such as als, or als+item_knn")
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument(
        "--parameter", nargs="+", default=(), metavar="KIND.NAME=VALUE", help="in place of a default"
    )
    parser.add_argument(
        "--as-served", action="store_true", help="mix popularity in for newcomers, as POPULARITY_SHARE says"
    )
    parser.add_argument(
        "--refusal-share",
        nargs="+",
        type=float,
        default=(None,),
        metavar="SHARE",
        help="each of these in turn",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    return parser.parse_args()


def _chosen(texts: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Hyper-parameters by kind, of texts such as `als.factors=64`."""
    chosen: dict[str, dict[str, Any]] = defaultdict(dict)
    for text in texts:
        name, _, value = text.partition("=")
        kind, _, field = name.partition(".")
        try:
            chosen[kind][field] = json.loads(value)
        except json.JSONDecodeError:
            chosen[kind][field] = value
    return chosen


def _figures(judged: "Judged", first: "Judged", label: str, seed: int) -> dict[str, Any]:
    """The means with their intervals, and the differences to the first, which has this label."""
    figures: dict[str, Any] = {"people": len(np.unique(judged.people)), "cases": len(judged.people)}
    for name in judged.figures:
        figures[name] = _rounded(judged.interval(name, np.random.default_rng(seed)))
        if judged is not first:
            change = judged.difference(first, name, np.random.default_rng(seed))
            figures[f"{name} − {label}"] = _rounded(change)
    return figures


def _rounded(interval: "Interval") -> list[float]:
    return [round(value, 4) for value in (interval.mean, interval.low, interval.high)]


def _table(name: str, result: dict[str, Any]) -> list[str]:
    lines = [name]
    for kind, figures in result["kinds"].items():
        lines.append(f"  {kind}: {figures['cases']} cases, {figures['seconds']:.0f} s")
        for figure, values in figures.items():
            if isinstance(values, list):
                sign = "+" if "−" in figure else ""
                mean, low, high = (format(value, f"{sign}.4f") for value in values)
                lines.append(f"    {figure:32}{mean} [{low}, {high}]")
    for who, known in result["published"].items():
        lines.append(f"  published, {who}: {' / '.join(f'{value:.4f}' for value in known)}")
    return lines


if __name__ == "__main__":
    main()
