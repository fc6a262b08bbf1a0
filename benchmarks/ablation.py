"""Leaves out one thing at a time: a recommender, a family of features of the ranker, a kind of no.

    export DEBUG=1 OMP_NUM_THREADS=1
    python benchmarks/ablation.py --data ../shared/data [--set NAME …] [--what features noes …] [--json]

--data DIR holds the folders of the sets, as for benchmarks/published.py, whose protocols are followed. For
each set all of its kinds make the lists together, and then all but one thing. What a thing adds is the figure
of all minus the one without it.

    recommenders   without one kind: it brings nothing, scores nothing, and the ranker does not read it.
                   Without the lead, the lists that a ranker learns from are made anew
    features       the ranker does not see a family of features; what brings and scores is the same
    noes           of the past a kind of no is heard as "seen", which speaks neither for an item nor against
                   it. What is judged stays as it is. Ratings weigh as the product weighs them, against the
                   middle of the person's own before

--part validation judges what settings are chosen on, with more people. Intervals are 95 %, by resampling
people; differences are paired. Nothing is written, no database is asked.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if TYPE_CHECKING:
    from published_sets import Judged, Way

    from core.arrays import Bools, Doubles
    from ranking.statistics.events import Events

WHAT = ("recommenders", "features", "noes")
# What makes the lists of a set together, and what it can tell about.
KINDS: dict[str, tuple[str, ...]] = {
    "ml-latest-small": ("als", "transitions", "ease", "content", "verdict", "ranker"),
    "LastFM": ("als", "transitions", "ease", "content"),
    "likes-hates": ("als", "transitions", "ease", "verdict"),
}
TOLD: dict[str, tuple[str, ...]] = {
    "ml-latest-small": WHAT,
    "LastFM": ("recommenders",),
    "likes-hates": ("recommenders", "noes"),
}
# Stars of MovieLens stand in the log as this much a point of our scale.
A_POINT = 0.3


def main() -> None:
    import django

    django.setup()
    options = _options()
    results = {}
    for name in options.set:
        results[name] = _results(name, options)
        if not options.json:
            sys.stdout.write("\n".join(_table(name, results[name])) + "\n\n")
            sys.stdout.flush()
    if options.json:
        sys.stdout.write(json.dumps({"part": options.part, "sets": results}) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the folders of the sets")
    parser.add_argument("--set", nargs="+", choices=KINDS, default=tuple(KINDS), help=", ".join(KINDS))
    parser.add_argument("--what", nargs="+", choices=WHAT, default=WHAT)
    parser.add_argument("--kind", nargs="+", help="what makes the lists together, in place of the set's own")
    parser.add_argument("--part", choices=("test", "validation"), default="test")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    return parser.parse_args()


def _results(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of the whole, and of each thing left out, by its name."""
    from published_sets import SETS, Way

    kinds = tuple(options.kind or KINDS[name])
    ways = dict(_ways(Way(kinds, seed=options.seed), name, options.what))
    whole: dict[str, Judged] = {}
    results: dict[str, Any] = {}
    for label, (base, way) in ways.items():
        for one, tried in ((base, ways[base][1]), (label, way)):
            if one not in whole:
                whole[one] = SETS[name](options.data, name, tried, validation=options.part == "validation")
        results[label] = _figures(whole[label], whole[base], options.seed)
        sys.stderr.write(f"{name}, {label}: {results[label]}\n")
    return results


def _ways(whole: "Way", name: str, what: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, "Way"]]]:
    """The ways by label, each with the label of the one that it is held against."""
    told = [one for one in what if one in TOLD[name]]
    if set(told) - {"noes"}:
        yield "all", ("all", whole)
    if "recommenders" in told:
        for kind in whole.kinds:
            less = tuple(one for one in whole.kinds if one != kind)
            yield f"without {kind}", ("all", replace(whole, kinds=less, fitted={}))
    if "features" in told and "ranker" in whole.kinds:
        for family, parts in FAMILIES.items():
            yield f"without {family}", ("all", replace(whole, hidden=parts, fitted={}))
    if "noes" in told:
        hear = _hearing(name)
        for label, change in hear.items():
            way = replace(whole, heard=change, fitted={}, pieces={})
            yield label, (next(iter(hear)), way)


FAMILIES: dict[str, tuple[str, ...]] = {
    "content": ("diversity_score", "_affinity"),
    "likings of facets": ("_liking",),
    "demand": ("popularity_score", "approval_score", "evidence", "trend_"),
    "dates": ("recency_score", "date_gap"),
    "the history's size and noes": ("history_size", "dislike_share"),
    "the lead's place and neighbors": ("model_place", "neighbour_score"),
    "scores of models": tuple(
        f"{kind}_score" for kind in ("als", "transitions", "ease", "content", "verdict")
    ),
}


def _hearing(name: str) -> dict[str, "Callable[[Events], Events]"]:
    """The ways to hear the past of a set, by label; the first hears all of it."""
    if name == "likes-hates":
        return {
            "all noes": lambda events: events,
            "without dislikes": lambda events: as_seen(events, events.weights < 0),
        }
    return {
        "all noes": centered,
        "without low ratings": lambda events: as_seen(centered(events), _low_ratings(events)),
        "without dislikes": lambda events: as_seen(centered(events), events.weights < 0),
        "without any no": lambda events: as_seen(
            centered(events), _low_ratings(events) | (events.weights < 0)
        ),
        "ratings as they come": lambda events: events,
    }


def as_seen(events: "Events", which: "Bools") -> "Events":
    """The same, with events of a mask (n,) that speak neither for an item nor against it."""
    weights = np.where(which, np.float32(0.0), events.weights)
    return replace(events, weights=weights.astype(np.float32))


def centered(events: "Events") -> "Events":
    """The same, with ratings that weigh what they say against the middle of the person's own before them."""
    weights = events.weights.copy()
    rated, strength = _strengths(events)
    weights[rated] = (3.0 * strength).astype(np.float32)
    return replace(events, weights=weights)


def _low_ratings(events: "Events") -> "Bools":
    """(n,) the ratings below the middle of the person's own."""
    rated, strength = _strengths(events)
    low = np.zeros(len(events), dtype=np.bool_)
    low[rated] = strength < 0
    return low


def _strengths(events: "Events") -> tuple["np.ndarray[Any, Any]", "Doubles"]:
    """The places of the ratings (r,), by person and time, and what each says, -1 to 1.

    As `interactions.ratings` has it.
    """
    from core.domain import MAX_RATING, MIDDLE_PRIOR, MIDDLE_RATING, MIDDLE_REACH

    rated = np.flatnonzero((events.weights > 0) & ~events.relevant)
    users, items, times = events.user_ids[rated], events.item_ids[rated], events.times[rated]
    rated = rated[np.lexsort((items, times, users))]
    ratings = events.weights[rated].astype(np.float64) / A_POINT
    _, first, counts = np.unique(events.user_ids[rated], return_index=True, return_counts=True)
    before = np.cumsum(ratings) - ratings
    before -= np.repeat(before[first], counts)
    number = np.arange(len(rated)) - np.repeat(first, counts)
    mean = (MIDDLE_PRIOR * MIDDLE_RATING + before) / (MIDDLE_PRIOR + number)
    middle = np.clip(mean, MIDDLE_RATING - MIDDLE_REACH, MIDDLE_RATING + MIDDLE_REACH)
    return rated, (ratings - middle) / np.where(ratings < middle, middle, MAX_RATING - middle)


def _figures(judged: "Judged", whole: "Judged", seed: int) -> dict[str, Any]:
    """The means with their intervals, and what the thing left out adds to each."""
    figures: dict[str, Any] = {"cases": len(judged.people)}
    for name in judged.figures:
        figures[name] = _rounded(judged, name, seed)
        if judged is not whole:
            change = whole.difference(judged, name, np.random.default_rng(seed))
            figures[f"adds to {name}"] = [round(one, 4) for one in (change.mean, change.low, change.high)]
    return figures


def _rounded(judged: "Judged", name: str, seed: int) -> list[float]:
    found = judged.interval(name, np.random.default_rng(seed))
    return [round(one, 4) for one in (found.mean, found.low, found.high)]


def _table(name: str, results: dict[str, Any]) -> list[str]:
    lines = [name]
    for label, figures in results.items():
        lines.append(f"  {label}: {figures['cases']} cases")
        for figure, values in figures.items():
            if isinstance(values, list):
                mean, low, high = (format(value, "+.4f" if "adds" in figure else ".4f") for value in values)
                lines.append(f"    {figure:32}{mean} [{low}, {high}]")
    return lines


if __name__ == "__main__":
    main()
