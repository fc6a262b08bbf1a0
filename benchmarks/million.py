"""Seconds and memory of each kind, and of the bootstrap of the ranker, on a million ratings.

    DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/million.py [--kind als ease …] [--ratings 1000209] [--json]

The ratings are made up in the size and shape of MovieLens 1M: 6,040 people of whom each rates 20 films or
more, most of them soon after they came, and 3,706 films, a few of which have most of the ratings; tastes of
ten dimensions that genres and people of a film tell in part. A rating is `watched`, from 4 stars also a
`like`, up to 2 also a `dislike`, as in benchmarks/als_search.py.

Each kind is fitted in a process of its own, calibration included, as `retrain` fits it: that is a model of
what came before the second last tenth and one of everything. `bootstrap` makes the ranker's lists from the
log over the kinds of the shipped use case, and `ranker` learns from them, the bootstrap included. The
two-tower model learns from a dataset, which is written first and timed beside it. Seconds
are those of the processor and of the clock, memory is the peak of the process; `nothing` is a process with
the log alone.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
PEOPLE, FILMS, DIMENSIONS, GENRES, ACTORS = 6_040, 3_706, 10, 18, 3_000
KINDS = (
    *("als", "item_knn", "transitions", "ease", "content", "verdict", "sequence", "two_tower"),
    *("bootstrap", "ranker"),
)
# The examples that the two-tower model learns from are written by a process of their own.
EXAMPLES = "two_tower examples"
DAY = 86_400.0

if TYPE_CHECKING:
    from ranking.item_content import ItemContent
    from ranking.snapshot import CatalogSnapshot
    from ranking.statistics.events import Events


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", nargs="+", choices=("nothing", *KINDS), default=("nothing", *KINDS))
    parser.add_argument("--ratings", type=int, default=1_000_209)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        sys.stdout.write(json.dumps(one_run(options.run, options.ratings, options.folder)) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        _run_all(options, folder)


def _run_all(options: argparse.Namespace, folder: str) -> None:
    results = {}
    for kind in [
        one for name in options.kind for one in ([EXAMPLES, name] if name == "two_tower" else [name])
    ]:
        command = [sys.executable, __file__, "--run", kind, "--ratings", str(options.ratings)]
        command += ["--folder", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            sys.exit(done.stderr)
        results[kind] = json.loads(done.stdout.splitlines()[-1])
        if not options.json:
            one = results[kind]
            sys.stdout.write(
                f"{kind}: {one['processor']:.0f} s of the processor, {one['clock']:.0f} s, "
                f"{one['megabytes']:.0f} MB; {one['made']}\n"
            )
            sys.stdout.flush()
    if options.json:
        sys.stdout.write(json.dumps(results) + "\n")


def one_run(kind: str, ratings: int, folder: Path) -> dict[str, float | str]:
    """Fits one kind; seconds without those that the log took. `folder`: of the examples."""
    import django

    django.setup()
    if kind == "two_tower":
        # All that it learns from is in the dataset.
        began, clock = time.process_time(), time.perf_counter()
        made = _fit_towers(folder)
    else:
        events, catalog = made_up_log(ratings)
        began, clock = time.process_time(), time.perf_counter()
        made = _examples(folder, events, catalog) if kind == EXAMPLES else _fit(kind, events, catalog)
    return {
        "processor": time.process_time() - began,
        "clock": time.perf_counter() - clock,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "made": made,
    }


def _examples(folder: Path, events: "Events", catalog: "CatalogSnapshot") -> str:
    from million_examples import write_examples

    from core.domain import USE_CASES

    counts = write_examples(folder, events, catalog.content, USE_CASES["movie_home"])
    return f"{counts['rows']:,} examples, {counts['positive']:,} positive"


def _fit_towers(folder: Path) -> str:
    from core.domain import USE_CASES
    from core.progress import Progress
    from ranking.recommenders.two_tower.data import TwoTowerParameters
    from ranking.recommenders.two_tower.dataset.arrays import load_two_tower_data
    from ranking.recommenders.two_tower.train import fit_calibrated_two_tower

    data = load_two_tower_data(folder, USE_CASES["movie_home"])
    fitted = fit_calibrated_two_tower(data, TwoTowerParameters(), seed=1, progress=Progress(quiet=True))
    recalls = ", ".join(f"{one:.4f}" for one in fitted.validation["recall@100"])
    return f"a model of {len(fitted.model.item_ids):,} items; recall@100 by epoch {recalls}"


def _fit(kind: str, events: "Events", catalog: "CatalogSnapshot") -> str:
    from core.domain import USE_CASES
    from core.progress import Progress
    from ranking.datasets.bootstrap import PARAMETERS, BootstrapPlan, bootstrap_lists, ranker_data
    from ranking.recommenders.event_training import fit_calibrated
    from ranking.recommenders.ranker.train import fit_calibrated_ranker
    from ranking.recommenders.training import event_trainer_of

    quiet = Progress(quiet=True)
    if kind in ("bootstrap", "ranker"):
        models = ("als", "transitions", "ease", "content", "verdict", "ranker")
        use_case = replace(USE_CASES["movie_home"], models=models)
        lists = ranker_data(
            bootstrap_lists(events, catalog=catalog, use_case=use_case, plan=BootstrapPlan(), seed=1)
        )
        made = f"{len(lists):,} lists, {len(lists.features):,} candidates"
        if kind == "ranker":
            fit_calibrated_ranker(lists, PARAMETERS, seed=1, progress=quiet)
        return made
    if kind == "nothing":
        return f"{len(events):,} events of {len(np.unique(events.user_ids)):,} people"
    trainer = event_trainer_of(kind, catalog.content)
    if trainer is None:
        raise SystemExit(f"{kind} learns from more than events.")
    found = fit_calibrated(trainer, events, trainer.parameters({}), seed=1, progress=quiet)
    return f"a model of {len(np.unique(events.item_ids)):,} items" if found.model is not None else "nothing"


def made_up_log(ratings: int, seed: int = 1) -> tuple["Events", "CatalogSnapshot"]:
    """Ratings as events, sorted by time, and the catalog of their films."""
    from ranking.snapshot import CatalogSnapshot
    from ranking.statistics.demand import ItemDemand
    from ranking.statistics.events import Events

    rng = np.random.default_rng(seed)
    content, films = _films(rng)
    tastes = rng.normal(size=(PEOPLE, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    fame = 1.1 * rng.normal(size=FILMS)
    counts = _counts(ratings, rng)
    came = np.sort(rng.beta(1.2, 2.5, PEOPLE)) * 1_000 * DAY
    users, items, stars, times = [], [], [], []
    for person, count in enumerate(counts.tolist()):
        liking = films @ tastes[person]
        # The highest of what draws to a film and of chance: drawn without replacement (Gumbel's trick).
        drawn = np.argpartition(-(fame + 0.8 * liking + rng.gumbel(size=FILMS)), count - 1)[:count]
        opinion = 3.6 + 0.5 * fame[drawn] + 0.9 * liking[drawn] + 0.9 * rng.normal(size=count)
        users.append(np.full(count, person))
        items.append(rng.permutation(drawn))
        stars.append(np.clip(np.rint(opinion), 1, 5))
        returns = np.where(rng.random(count) < 0.85, 0.0, rng.exponential(200 * DAY, count))
        times.append(came[person] + np.sort(returns + rng.exponential(1_800.0, count)))
    rated = np.concatenate(stars)
    liked, disliked = np.flatnonzero(rated >= 4), np.flatnonzero(rated <= 2)
    rows = np.concatenate([np.arange(len(rated)), liked, disliked])
    weights = np.concatenate([3.0 * (rated - 3) / 2, np.full(len(liked), 2.0), np.full(len(disliked), -1.0)])
    order = np.argsort(np.concatenate(times)[rows], kind="stable")
    events = Events(
        user_ids=np.concatenate(users).astype(np.int64)[rows][order],
        item_ids=np.concatenate(items).astype(np.int64)[rows][order],
        weights=weights.astype(np.float32)[order],
        times=1e9 + np.concatenate(times)[rows][order],
        relevant=((rows >= 0) & (np.arange(len(rows)) >= len(rated)) & (weights > 0))[order],
    )
    nobody = ItemDemand.from_counts(*np.zeros((3, FILMS)))
    return events, CatalogSnapshot.build(content, nobody, np.arange(content.facets.shape[1]))


def _counts(ratings: int, rng: np.random.Generator) -> np.ndarray:
    """(p,) how many films each person rates: 20 or more, and so many in all."""
    shares = rng.lognormal(0.0, 1.1, PEOPLE)
    counts = 20 + np.floor(shares / shares.sum() * max(ratings - 20 * PEOPLE, 0))
    capped: np.ndarray = np.minimum(counts, FILMS // 2).astype(np.int64)
    return capped


def _films(rng: np.random.Generator) -> tuple["ItemContent", np.ndarray]:
    """The films' content, and what they are to tastes, (n, DIMENSIONS)."""
    from scipy.sparse import csr_matrix

    from ranking.item_content import GROUPS, ItemContent

    genres = rng.normal(size=(GENRES, DIMENSIONS))
    rows, columns = [], []
    films = np.zeros((FILMS, DIMENSIONS))
    for film in range(FILMS):
        own = rng.choice(GENRES, size=rng.integers(1, 4), replace=False)
        cast = GENRES + np.minimum(rng.zipf(1.3, size=4) - 1, ACTORS - 1)
        films[film] = 0.7 * genres[own].mean(axis=0) + 0.7 * rng.normal(size=DIMENSIONS)
        named = np.unique(np.concatenate([own, cast]))
        rows.append(np.full(len(named), film))
        columns.append(named)
    shape = (FILMS, GENRES + ACTORS)
    entries = np.concatenate(rows), np.concatenate(columns)
    facets = csr_matrix((np.ones(len(entries[0])), entries), shape=shape)
    groups = np.full(GENRES + ACTORS, GROUPS.index("people"), dtype=np.int64)
    groups[:GENRES] = GROUPS.index("genre")
    return ItemContent(np.arange(FILMS), np.full(FILMS, -np.inf), facets, groups), films


if __name__ == "__main__":
    main()
