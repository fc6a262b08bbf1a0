"""Lists that were shown, by the product's own commands, and what each part of the ranker adds to them.

    DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/shown_lists.py --data DIR [--seeds 3] [--leave-out] [--json]

--data DIR has shown-lists/ with items.csv, item_numbers.csv and sessions.csv. In a database of its own, items
with their numbers as attributes and the first four fifths of the lists are imported, and `retrain` runs from
an empty registry. Then the last fifth is imported, the product computes the features of every list as of its
moment, and rankers learn from the first four fifths as `retrain` trains them. Judged is the order that each
gives to the later lists with a click: NDCG@10, gain 1 for clicked. Lists that name a film which items.csv
lacks are left out.

--leave-out trains once more without each family of features and each kind of model. Intervals are 95 %, by
resampling people; differences are paired.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
LEARNED = 0.8
K = 10
NUMBERS = {"vote_cnt": "votes", "vote_avg": "rating", "runtime": "runtime", "budget": "budget"}
FAMILIES: dict[str, tuple[str, ...]] = {
    "numbers of the catalog": ("number_",),
    "responses to the item": ("response_rate", "response_lately", "refusal_rate", "examined"),
    "responses to its facets": ("genre_response", "theme_response", "people_response"),
    "the person's interest in slots": ("genre_interest", "theme_interest", "people_interest"),
    "what the person passed over": ("person_response", "slots_seen", "passed_over", "passed_over_age"),
    "demand": ("popularity_score", "approval_score", "evidence", "trend_"),
    "content and taste": ("diversity_score", "_affinity", "_liking"),
    "dates": ("recency_score", "date_gap"),
    "the lead's place and neighbors": ("model_score", "model_place", "neighbour_score"),
}

if TYPE_CHECKING:
    from core.arrays import Bools, Doubles
    from core.domain import UseCase
    from ranking.recommenders.ranker.model import RankerData


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LOG_LEVEL": "WARNING",
            "DATABASE_URL": f"sqlite:///{folder}/lists.sqlite3",
            **{f"{name}_DIR": f"{folder}/{name.lower()}" for name in ("MODEL", "DATASET", "LOCK", "REPORT")},
        }
        import django

        django.setup()
        results = _judge(options, Path(folder))
    for name, figures in results.items():
        if not options.json:
            texts = (
                f"{figure} {mean:+.4f} [{low:+.4f}, {high:+.4f}]" for figure, (mean, low, high) in figures
            )
            sys.stdout.write(f"{name}: {'; '.join(texts)}\n")
    if options.json:
        sys.stdout.write(json.dumps({name: dict(figures) for name, figures in results.items()}) + "\n")


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """The lists that rankers learn from and are judged on.

    shown    all lists that were shown, with features as of their moment
    made_up  those of the log, which are learned from beside them
    learned  (g,) which of the shown ones are learned from
    """

    shown: "RankerData"
    made_up: "RankerData"
    learned: "Bools"

    def hiding(self, columns: "Bools") -> "Lists":
        """The same with features (f,) of a mask unknown everywhere."""

        def hidden(data: "RankerData") -> "RankerData":
            features = data.features.copy()
            features[:, columns] = np.nan
            return replace(data, features=features)

        return replace(self, shown=hidden(self.shown), made_up=hidden(self.made_up))


def _judge(options: argparse.Namespace, folder: Path) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    from core.domain import USE_CASES
    from ranking.features import FEATURES
    from ranking.kinds import MODELS

    cut = _bring(options.data / "shown-lists", folder)
    lists = _read(USE_CASES["movie_home"], cut)
    names = np.array(FEATURES)
    families = {
        name: np.array([any(part in one for part in parts) for one in FEATURES])
        for name, parts in FAMILIES.items()
    }
    for kind in MODELS:
        column = names == f"{kind}_score"
        if not np.isnan(lists.shown.features[:, column]).all():
            families[f"the score of {kind}"] = column
    families["all scores of models"] = np.isin(names, [f"{kind}_score" for kind in MODELS])
    if not options.leave_out:
        families = {name: families[name] for name in list(FAMILIES)[:1]}
    whole = _quality(lists, options.seeds)
    results = {"all features": [("NDCG@10", _interval(whole, lists))]}
    rate = lists.shown.features[:, names == "response_rate"][:, 0]
    results["the response rate alone"] = [
        ("NDCG@10", _interval(_ndcg(lists, rate.astype(np.float64)), lists))
    ]
    _tell(results, whole, lists)
    for name, columns in families.items():
        without = _quality(lists.hiding(columns), options.seeds)
        results[f"without {name}"] = [
            ("NDCG@10", _interval(without, lists)),
            ("difference", _interval(without - whole, lists)),
        ]
        sys.stderr.write(f"without {name}: {results[f'without {name}']}\n")
    return results


def _tell(results: dict[str, Any], whole: "Doubles", lists: Lists) -> None:
    sys.stderr.write(f"{len(whole)} lists judged, {len(lists.made_up)} made up, {results}\n")


def _bring(source: Path, folder: Path) -> float:
    """Imports everything, training after the first part; gives the moment that divides the parts."""
    from django.core.management import call_command

    items = pd.read_csv(source / "items.csv", dtype=str, keep_default_na=False)
    numbers = pd.read_csv(source / "item_numbers.csv", dtype={"external_id": str}).set_index("external_id")
    rows = []
    for row in items.to_dict("records"):
        known = numbers.loc[row["external_id"]].dropna() if row["external_id"] in numbers.index else {}
        row["attributes"] = {
            name: float(known[column]) for column, name in NUMBERS.items() if column in known
        }
        for column in ("genres", "actors", "directors", "themes"):
            row[column] = [name for name in row[column].split("|") if name]
        rows.append({name: value for name, value in row.items() if value not in ("", [])})
    (folder / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    slots = pd.read_csv(source / "sessions.csv", dtype=str, keep_default_na=False)
    slots = slots.sort_values(["shown_at", "session"], kind="stable")
    order = slots["session"].drop_duplicates()
    slots = slots[slots["item"].isin(items["external_id"]).groupby(slots["session"]).transform("all")]
    first = slots["session"].isin(order.iloc[: int(LEARNED * len(order))])
    for name, part in (("first", slots[first]), ("last", slots[~first])):
        part.to_csv(folder / f"{name}.csv", index=False)
    call_command("migrate", verbosity=0)
    quiet = {"quiet": True, "verbosity": 0, "stdout": sys.stderr}
    call_command("import_items", str(folder / "items.jsonl"), **quiet)
    call_command("import_sessions", str(folder / "first.csv"), **quiet)
    call_command("retrain", seed=1, tune_seconds=0, **quiet)
    call_command("import_sessions", str(folder / "last.csv"), **quiet)
    return float(pd.Timestamp(slots.loc[~first, "shown_at"].iloc[0]).timestamp())


def _read(use_case: "UseCase", cut: float) -> Lists:
    """The lists with their features, and those made up from what was before the cut."""
    from core.progress import Progress
    from ranking.datasets.bootstrap import BootstrapPlan, bootstrap_lists, ranker_data
    from ranking.datasets.event_log import generate_als_dataset, load_als_events
    from ranking.datasets.ranker import generate_ranker_dataset, load_ranker_data
    from ranking.datasets.shown_lists import load_lists
    from ranking.registry.loading import load_models
    from ranking.snapshot import read_snapshot

    quiet = Progress(quiet=True)
    serving = tuple(kind for kind in load_models(use_case.name).by_kind if kind != "ranker")
    shown = generate_ranker_dataset(use_case=use_case, progress=quiet)
    _, data = load_ranker_data(Path(shown.folder), use_case)
    log = generate_als_dataset(use_case=use_case, progress=quiet)
    events = load_als_events(Path(log.folder), use_case)[1].before(cut)
    made_up = bootstrap_lists(
        events,
        catalog=read_snapshot(use_case.name),
        use_case=replace(use_case, models=serving),
        plan=BootstrapPlan(),
        seed=1,
        shown=load_lists(Path(shown.folder), use_case),
    )
    sys.stderr.write(f"serving: {', '.join(serving)}\n")
    return Lists(data.with_scores_of(serving), ranker_data(made_up), data.times < cut)


def _quality(lists: Lists, seeds: int) -> "Doubles":
    """NDCG@10 of each judged list (g,), the mean over rankers of so many seeds."""
    from core.progress import Progress
    from ranking.recommenders.ranker.train import JOINT_PARAMETERS, fit_calibrated_ranker

    found = []
    for seed in range(1, seeds + 1):
        ranker = fit_calibrated_ranker(
            lists.shown.take_lists(lists.learned),
            JOINT_PARAMETERS,
            seed=seed,
            progress=Progress(quiet=True),
            beside=lists.made_up,
        ).ranker
        found.append(_ndcg(lists, ranker.scores(lists.shown.features)))
    means: Doubles = np.mean(found, axis=0)
    return means


def _ndcg(lists: Lists, scores: "Doubles") -> "Doubles":
    """NDCG@10 of each judged list, (g,)."""
    from published_sets import expected_ndcg

    from ranking.statistics.lists import ENGAGED

    scores, ends = np.nan_to_num(scores, nan=-1e9), np.cumsum(lists.shown.sizes)
    clicked = (lists.shown.relevance >= ENGAGED).astype(np.float64)
    parts = [slice(end - size, end) for end, size in zip(ends, lists.shown.sizes, strict=True)]
    return np.array([expected_ndcg(scores[parts[row]], clicked[parts[row]], k=K) for row in _judged(lists)])


def _judged(lists: Lists) -> list[int]:
    """The rows of the lists that are judged: those not learned from, with a click."""
    from ranking.statistics.lists import ENGAGED

    clicks = np.bincount(lists.shown.list_of_slot, lists.shown.relevance >= ENGAGED)
    rows: list[int] = np.flatnonzero(~lists.learned & (clicks > 0)).tolist()
    return rows


def _interval(values: "Doubles", lists: Lists) -> tuple[float, ...]:
    from published_sets import Judged

    people = lists.shown.user_ids[_judged(lists)]
    found = Judged(people, {"figure": values}).interval("figure", np.random.default_rng(1))
    return round(found.mean, 4), round(found.low, 4), round(found.high, 4)


if __name__ == "__main__":
    main()
