"""The order of films that nobody met, placed by a sequence model: the plain way, and the one the log chooses.

    DEBUG=1 TEXT_MODEL=FOLDER OMP_NUM_THREADS=1 python benchmarks/unmet_items.py --data ../shared/data
        --set ml-latest-small|shown-lists --facets genres|all [--seed 1] [--json]

A fifth of the films with a description is taken out of the log, five times. Each person's last three choices
of a film taken out are told from what they did before with others: NDCG@10 among the films taken out.
Nothing is written.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from core.arrays import Doubles, Floats, Ints, positions
from core.domain import TYPES
from ranking.item_content import ItemContent
from ranking.recommenders.sequence.data import SequenceParameters, Sequences
from ranking.recommenders.sequence.fit import fit_sequence
from ranking.recommenders.sequence.model import SequenceModel, person_vector
from ranking.recommenders.sequence.unmet import K, choices_among, with_unmet
from ranking.recommenders.text.model import Axes
from ranking.statistics.events import Events
from ranking.statistics.metrics import ratio_bootstrap_interval

SETS = ("ml-latest-small", "shown-lists")
FOLDS, LIKED = 5, 4.0


def texts_of(folder: Path) -> tuple[Ints, Floats]:
    """Ids (n,), sorted, and vectors of the films that have a description."""
    from ranking.recommenders.text.embed import encoder

    films = json.loads((folder / "tmdb-metadata" / "movies_tmdb.json").read_text("utf-8"))
    said = {int(film["id"]): f"{film['title']}. {film['overview']}" for film in films if film["overview"]}
    _, encode = encoder()
    embeddings = encode([said[film] for film in sorted(said)])
    return np.array(sorted(said)), Axes.of(embeddings).vectors(embeddings)


def events_of(folder: Path, name: str, films: Ints) -> Events:
    """Likes, ratings of 4 and more, or clicks on these films, by person and time."""
    if name == "ml-latest-small":
        rows = pd.read_csv(folder / name / "ratings.csv")
        rows = rows[rows["rating"] >= LIKED]
        users, items, times = rows["userId"], rows["movieId"], rows["timestamp"]
    else:
        rows = pd.read_csv(folder / name / "sessions.csv", parse_dates=["shown_at", "acted_at"])
        rows = rows[rows["action"].notna()]
        moments = rows["acted_at"].fillna(rows["shown_at"]) - pd.Timestamp(0, tz="UTC")
        users, items, times = (
            pd.Series(pd.factorize(rows["user"])[0]),
            rows["item"],
            moments.dt.total_seconds(),
        )
    known = np.isin(items.to_numpy(), films)
    order = np.lexsort((items.to_numpy()[known], times.to_numpy()[known], users.to_numpy()[known]))
    weight = TYPES["like" if name == "ml-latest-small" else "click"].training
    return Events(
        user_ids=users.to_numpy(np.int64)[known][order],
        item_ids=items.to_numpy(np.int64)[known][order],
        weights=np.full(len(order), weight, dtype=np.float32),
        times=times.to_numpy(np.float64)[known][order],
        relevant=np.ones(len(order), dtype=np.bool_),
    )


def content_of(folder: Path, name: str, facets: str, films: Ints) -> ItemContent:
    """The films (n,), with all their facets or their genres alone."""
    from published_facets import catalog_of, facets_of_lists, facets_of_movielens

    found = facets_of_movielens(folder) if name == "ml-latest-small" else facets_of_lists(folder)
    return catalog_of(films, (one for one in found if facets == "all" or one[1] == "genre")).content


def ndcg_of(model: SequenceModel, events: Events, gone: Ints) -> tuple[Ints, Doubles]:
    """Person and NDCG@K of each choice of a film taken out, among all of these."""
    ids = np.unique(events.item_ids)
    sequences = Sequences.of(events, ids)
    rows, taken_out = positions(ids, model.item_ids), positions(gone, model.item_ids)
    vectors = np.where((taken_out >= 0)[:, None], model.item_vectors[taken_out], 0)
    people, found = [], []
    for place, before in choices_among(sequences, np.isin(ids, gone)):
        scores = vectors @ person_vector(model, rows[sequences.items[before]], sequences.kinds[before])
        chosen = scores[np.searchsorted(gone, ids[sequences.items[place]])]
        above = (scores > chosen).sum() + ((scores == chosen).sum() - 1) / 2
        people.append(int(sequences.people[place]))
        found.append(1 / np.log2(2 + above) if above < K else 0.0)
    return np.array(people), np.array(found)


def main() -> None:
    import django

    django.setup()
    options = _options()
    films, texts = texts_of(options.data)
    events = events_of(options.data, options.set, films)
    ids = np.unique(events.item_ids)
    content = content_of(options.data, options.set, options.facets, ids)
    texts = texts[positions(ids, films)]
    fold_of = np.random.default_rng(1).permutation(len(ids)) % FOLDS
    people, plain, placed, chosen = [], [], [], []
    for fold in range(FOLDS):
        gone = ids[fold_of == fold]
        known = events.select(~np.isin(events.item_ids, gone))
        facets = content.of_items(np.unique(known.item_ids)).facets
        model = fit_sequence(known, SequenceParameters(), facets, seed=options.seed).model
        told = with_unmet(model, known, content, texts, seed=options.seed)
        chosen.append(json.loads(told.unmet))
        who, before = ndcg_of(model.with_items(ids, content.facets), events, gone)
        people.append(who)
        plain.append(before)
        placed.append(ndcg_of(told.with_items(ids, content.facets), events, gone)[1])
    result = _result(np.concatenate(people), np.concatenate(plain), np.concatenate(placed))
    if options.json:
        sys.stdout.write(json.dumps({**result, "chosen": chosen}) + "\n")
        return
    taken = {way: sum(one[way]["taken"] for one in chosen) for way in ("facets", "texts")}
    low, high = result["difference"][1:]
    sys.stdout.write(
        f"{result['cases']} cases: plain {result['plain']:.4f}, as the log says {result['placed']:.4f}, "
        f"{result['difference'][0]:+.4f} [{low:+.4f}, {high:+.4f}]; "
        f"of {FOLDS} models {taken['facets']} read facets by regression, {taken['texts']} texts\n"
    )


def _result(people: Ints, plain: Doubles, placed: Doubles) -> dict[str, Any]:
    """Both figures, and their difference with its interval by resampling people."""
    _, person = np.unique(people, return_inverse=True)
    sums = np.bincount(person, placed - plain).astype(np.float64)
    counts = np.bincount(person).astype(np.float64)
    found = ratio_bootstrap_interval(sums, counts, rng=np.random.default_rng(1))
    return {
        "cases": len(people),
        "plain": float(plain.mean()),
        "placed": float(placed.mean()),
        "difference": [found.mean, found.low, found.high],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds the sets")
    parser.add_argument("--set", choices=SETS, required=True)
    parser.add_argument("--facets", choices=("genres", "all"), default="all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="also what each model chose and why")
    return parser.parse_args()


if __name__ == "__main__":
    main()
