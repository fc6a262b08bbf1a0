"""The two-tower model beside ALS and popularity on the same held-out people, window after window of a log.

    DEBUG=1 python manage.py import_movielens ../shared/data/ml-latest-small
    DEBUG=1 python manage.py generate_two_tower_dataset
    DEBUG=1 OMP_NUM_THREADS=1 python benchmarks/two_tower.py [--cuts 0.5 0.6 0.7 0.8 0.9] [--tags DIR]

For each cut everything is trained on the events before it alone, ALS and tower as their trainers do:
calibrated and stopped on the tenth before the cut, then trained on all. Evaluated are the people of the tenth
that follows:

    everybody   who has a history, all of it known; who is new gives half (ranking/statistics/split.py)
    newcomers   whose first event lies in the tenth, with their first 1, 2, 3, 4, 5 and 10 films known

--tags DIR adds the words of MovieLens' tags.csv that were written before the cut to those of the titles.
Import without --metadata: its films were chosen by what became popular. Nothing is written.
"""

import argparse
import csv
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

if TYPE_CHECKING:
    from core.arrays import Bools, Doubles, Ints, Rows
    from profiles.reduction import Taste
    from ranking.recommenders.als.model import AlsModel
    from ranking.recommenders.two_tower.data import TwoTowerItems, TwoTowerParameters
    from ranking.recommenders.two_tower.dataset.arrays import TwoTowerData
    from ranking.recommenders.two_tower.model import TwoTower
    from ranking.statistics.events import Events

SEED = 1
WIDTH = 0.1
K, DEPTH = 10, 100
KNOWN = (1, 2, 3, 4, 5, 10)
EVERYBODY = "everybody"
# Nothing was chosen on windows that reach into what follows this share of the log.
TEST = 0.95
WAYS = (
    "popularity",
    "ALS",
    "two-tower",
    "ALS and two-tower, interleaved",
    "ALS and two-tower, half each",
    "ALS and two-tower, by films known",
    "ALS and popularity, half each",
)
# With so many films known, ALS has half of the sum "by films known".
HALF_KNOWN = 20.0
PAIRS = (
    ("two-tower", "popularity"),
    ("two-tower", "ALS"),
    ("ALS and two-tower, half each", "ALS"),
    ("ALS and two-tower, half each", "two-tower"),
    ("ALS and two-tower, half each", "ALS and popularity, half each"),
    ("ALS and two-tower, by films known", "ALS"),
    ("ALS and two-tower, by films known", "popularity"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Somebody, what is known of them, and the item rows they liked afterwards.

    films  how many are known, or EVERYBODY
    """

    user_id: int
    films: str
    rows: "Rows"
    weights: "Doubles"
    taste: "Taste"
    targets: "Rows"


@dataclass(frozen=True, slots=True)
class Answer:
    """The list of one person by one way, evaluated; NaN without a target that nobody had met before the cut.

    unseen            recall@100 of such targets among all items
    unseen_of_unseen  the same where only items that nobody had met are ranked
    """

    user_id: int
    films: str
    way: str
    ndcg: float
    recall: float
    unseen: float
    unseen_of_unseen: float


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """The models trained before one cut, and the time it took."""

    als: "AlsModel"
    tower: "TwoTower"
    popularity: "Doubles"
    met: "Bools"
    seconds: dict[str, float]
    epochs: int
    recalls: tuple[float, ...]


def main() -> None:
    import django

    django.setup()
    from core.domain import USE_CASES
    from ranking.datasets.manifest import newest_dataset
    from ranking.recommenders.two_tower.data import TwoTowerParameters
    from ranking.recommenders.two_tower.dataset.arrays import load_two_tower_data
    from ranking.statistics.split import time_cuts

    defaults = TwoTowerParameters()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=float, nargs="+", default=[0.5, 0.6, 0.7, 0.8, 0.9])
    parser.add_argument("--tags", type=Path, help="folder with movies.csv and tags.csv")
    parser.add_argument("--temperature", type=float, default=defaults.temperature)
    parser.add_argument("--dimensions", type=int, default=defaults.dimensions)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    parameters = replace(defaults, temperature=options.temperature, dimensions=options.dimensions)
    use_case = USE_CASES["movie_home"]
    data = load_two_tower_data(newest_dataset("two_tower", use_case.name), use_case)
    times = data.events.times
    answers: dict[float, list[Answer]] = {}
    models = None
    for cut in options.cuts:
        since, start, end = time_cuts(times, [cut - WIDTH, cut, min(1.0, cut + WIDTH)])
        end = end if cut + WIDTH < 1.0 else float(np.nextafter(times.max(), np.inf))
        items = data.items if options.tags is None else with_tags(data.items, options.tags, start)
        models = train(replace(data, items=items), parameters, since, start)
        answers[cut] = list(evaluate(models, data, start, end))
        about = {"epochs": models.epochs, "recall@100": models.recalls, "seconds": models.seconds}
        print(json.dumps({"cut": cut, **about}), file=sys.stderr, flush=True)  # noqa: T201
    earlier = [one for cut, of_cut in answers.items() if cut + WIDTH < TEST for one in of_cut]
    last = [one for cut, of_cut in answers.items() if cut + WIDTH >= TEST for one in of_cut]
    parts = {"before the test part": earlier, "test part": last, "all": earlier + last}
    result: dict[str, Any] = {name: figures(of_part) for name, of_part in parts.items() if of_part}
    if models is not None:
        result["retrieval, ms"] = timings(models)
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def train(data: "TwoTowerData", parameters: "TwoTowerParameters", since: float, start: float) -> Models:
    """Everything from what was before `start`, calibrated and stopped on what was from `since` on."""
    from django.conf import settings

    from ranking.recommenders.als.model import AlsParameters, fit_als
    from ranking.recommenders.als.train import TRAINER
    from ranking.recommenders.two_tower.fit import fit_two_tower
    from ranking.statistics.popularity import decayed_popularity
    from ranking.statistics.split import holdout

    training, examples, items = data.events.before(start), data.examples, data.items
    seconds = {}
    started = time.perf_counter()
    als = fit_als(training, AlsParameters(), seed=SEED)
    seconds["ALS"] = round(time.perf_counter() - started, 1)
    earlier = fit_als(training.before(since), AlsParameters(), seed=SEED)
    als = TRAINER.calibrated(als, earlier, holdout(training, since, start), seed=0)[0]
    stopped = fit_two_tower(
        items, examples.before(since), examples.between(since, start), parameters, seed=SEED
    )
    whole = fit_two_tower(
        items, examples.before(start), None, replace(parameters, epochs=stopped.best_epoch), seed=SEED
    )
    seconds["tower, stopping"], seconds["tower"] = round(stopped.seconds, 1), round(whole.seconds, 1)
    tower = replace(whole.model, slope=stopped.model.slope, intercept=stopped.model.intercept)
    popularity = np.zeros(len(items))
    known, scores = decayed_popularity(training, now=start, half_life_days=settings.POPULARITY_HALF_LIFE_DAYS)
    popularity[tower.rows_of(known)] = scores
    met = np.isin(items.item_ids, training.item_ids)
    return Models(als, tower, popularity, met, seconds, stopped.best_epoch, stopped.recall_at_100)


def with_tags(items: "TwoTowerItems", folder: Path, before: float) -> "TwoTowerItems":
    """The items with the words of the tags that were written before a moment, each as heavy as a title's."""
    from scipy.sparse import csr_matrix

    from catalog.models import Item
    from ranking.recommenders.two_tower.dataset.items import word_counts

    ids = dict(Item.objects.filter(kind="movie").values_list("external_id", "pk"))
    pairs: list[tuple[int, int]] = []
    with (folder / "tags.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if float(row["timestamp"]) < before and row["movieId"] in ids:
                place = int(np.searchsorted(items.item_ids, ids[row["movieId"]]))
                pairs += [(place, bucket) for bucket in word_counts(row["tag"])]
    if not pairs:
        return items
    rows, columns = np.unique(np.array(pairs), axis=0).T
    weight = float(items.words.data.mean())
    tags = csr_matrix((np.full(len(rows), weight, np.float32), (rows, columns)), shape=items.words.shape)
    return replace(items, words=(items.words + tags).tocsr())


def evaluate(models: Models, data: "TwoTowerData", start: float, end: float) -> Iterator[Answer]:
    """Every way for every question of the window."""
    for question in (*everybody(data, start, end), *newcomers(data, start, end)):
        barred = np.zeros(len(models.met), dtype=np.bool_)
        barred[question.rows] = True
        unseen = question.targets[~models.met[question.targets]]
        for way, scores in scores_of(models, question).items():
            scores[barred] = -np.inf
            best = _best(scores, DEPTH)
            fresh = _best(np.where(models.met, -np.inf, scores), DEPTH)
            yield Answer(
                question.user_id,
                question.films,
                way,
                ndcg=_ndcg(best, question.targets),
                recall=float(np.isin(question.targets, best).mean()),
                unseen=float(np.isin(unseen, best).mean()) if len(unseen) else np.nan,
                unseen_of_unseen=float(np.isin(unseen, fresh).mean()) if len(unseen) else np.nan,
            )


def scores_of(models: Models, question: Question) -> "dict[str, Doubles]":
    """The scores of all items, (n,), by each of WAYS; popularity where a model does not know the person."""
    from ranking.recommenders.als.model import calibrate, fold_in, score_all
    from ranking.recommenders.two_tower.model import calibrated, score_items

    item_ids = models.tower.item_ids[question.rows]
    popularity = models.popularity
    als = tower = popularity
    rows = models.als.rows_of(item_ids)
    weights = question.weights[rows >= 0].astype(np.float32)
    if (weights > 0).any():
        factor = fold_in(models.als, rows[rows >= 0], weights)
        als = np.zeros(len(popularity))
        als[models.tower.rows_of(models.als.item_ids)] = calibrate(models.als, score_all(models.als, factor))
    vector = person_vector(models.tower, question)
    if vector is not None:
        tower = calibrated(models.tower, score_items(models.tower, vector))
    share = len(question.rows) / (len(question.rows) + HALF_KNOWN)
    return {
        "popularity": popularity.copy(),
        "ALS": als.copy(),
        "two-tower": tower.copy(),
        "ALS and two-tower, interleaved": interleaved(als, tower, question.rows),
        "ALS and two-tower, half each": als / 2 + tower / 2,
        "ALS and two-tower, by films known": share * als + (1 - share) * tower,
        "ALS and popularity, half each": als / 2 + popularity / 2,
    }


def interleaved(one: "Doubles", other: "Doubles", barred: "Rows") -> "Doubles":
    """The best DEPTH of each, all in the order of the higher of their calibrated scores; the rest last."""
    scores = np.full(len(one), -np.inf)
    for source in (one, other):
        best = _best(np.where(np.isin(np.arange(len(one)), barred), -np.inf, source), DEPTH)
        scores[best] = np.maximum(one, other)[best]
    return scores


def person_vector(tower: "TwoTower", question: Question) -> Any:
    """The scores that serving would compute: the last items and clearest facets alone."""
    from ranking.recommenders.two_tower.input import tower_input
    from ranking.recommenders.two_tower.model import user_vector

    seen = tower_input(
        tower.item_ids[question.rows],
        question.weights.astype(np.float32),
        question.taste.facet_ids,
        question.taste.scores,
    )
    return user_vector(
        tower,
        item_ids=seen.item_ids,
        weights=seen.weights,
        facet_ids=seen.facet_ids,
        facet_scores=seen.facet_scores,
    )


def everybody(data: "TwoTowerData", start: float, end: float) -> Iterator[Question]:
    """The people of the window as the time split has them."""
    from ranking.statistics.split import holdout

    for person in holdout(data.events, start, end).people():
        yield _question(data, person.user_id, EVERYBODY, person.history, person.relevant_items)


def newcomers(data: "TwoTowerData", start: float, end: float) -> Iterator[Question]:
    """The people whose first event lies in the window, after each number of KNOWN films."""
    events = data.events
    for user_id in np.unique(events.between(start, end).user_ids).tolist():
        at = np.flatnonzero((events.times < end) & (events.user_ids == user_id))
        mine = events.select(at[np.argsort(events.times[at], kind="stable")])
        if mine.times[0] < start:
            continue
        films, first = np.unique(mine.item_ids, return_index=True)
        films = films[np.argsort(first)]
        for known in KNOWN:
            targets = np.setdiff1d(mine.item_ids[mine.relevant], films[:known])
            if len(films) > known and len(targets):
                history = mine.select(np.isin(mine.item_ids, films[:known]))
                yield _question(data, user_id, str(known), history, targets)


def _question(data: "TwoTowerData", user_id: int, films: str, history: "Events", targets: "Ints") -> Question:
    from ranking.statistics.events import summed_history

    item_ids, weights = summed_history(history.item_ids, history.weights)
    last = float(history.times.max())
    also = history.item_ids[history.times == last].tolist()
    taste = _tastes().at(user_id, last, also).taste
    rows = np.searchsorted(data.items.item_ids, item_ids)
    return Question(
        user_id, films, rows, weights, taste, np.searchsorted(data.items.item_ids, np.unique(targets))
    )


_TASTES: list[Any] = []


def _tastes() -> Any:
    from profiles.historical_taste import HistoricalTastes

    if not _TASTES:
        _TASTES.append(HistoricalTastes())
    return _TASTES[0]


def _best(scores: "Doubles", k: int) -> "Rows":
    """The rows of the k highest scores that are not barred."""
    from core.arrays import top_k

    return top_k(scores, k, np.flatnonzero(np.isneginf(scores)))


def _ndcg(best: "Rows", targets: "Rows") -> float:
    from ranking.statistics.metrics import ndcg_at_k

    hits = np.zeros((1, K))
    hits[0, : len(best[:K])] = np.isin(best[:K], targets)
    return float(ndcg_at_k(hits, np.ones((1, min(K, len(targets)))), k=K)[0])


def figures(answers: list[Answer]) -> dict[str, Any]:
    """Means with 95 % intervals over people; a person of whom several lists are here counts once."""
    groups = {EVERYBODY: (EVERYBODY,), "1 to 4 known": ("1", "2", "3", "4")}
    groups |= {f"{known} known": (str(known),) for known in (1, 3, 5, 10)}
    return {
        name: _group([one for one in answers if one.films in films], unseen=name == EVERYBODY)
        for name, films in groups.items()
    }


def _group(answers: list[Answer], *, unseen: bool) -> dict[str, Any]:
    from ranking.statistics.metrics import bootstrap_interval, paired_bootstrap_interval

    rng = np.random.default_rng(SEED)
    people = np.unique([one.user_id for one in answers])
    result: dict[str, Any] = {"people": len(people)}
    metrics = {"ndcg": f"NDCG@{K}", "recall": f"recall@{DEPTH}"}
    if unseen:
        metrics |= {"unseen": f"unseen, recall@{DEPTH}"}
        metrics |= {"unseen_of_unseen": f"unseen among unseen, recall@{DEPTH}"}
    for metric, name in metrics.items():
        values = {
            way: _per_person([one for one in answers if one.way == way], metric, people) for way in WAYS
        }
        result[name] = {
            "people": int((~np.isnan(values[WAYS[0]])).sum()),
            **{way: _rounded(bootstrap_interval(values[way], rng=rng)) for way in WAYS},
            **{
                f"{one} - {other}": _rounded(paired_bootstrap_interval(values[one], values[other], rng=rng))
                for one, other in PAIRS
            },
        }
    return result


def _per_person(answers: list[Answer], metric: str, people: "Ints") -> "Doubles":
    """(p,) the mean over the lists of each person; NaN without one."""
    places = np.searchsorted(people, [one.user_id for one in answers])
    values = np.array([getattr(one, metric) for one in answers])
    defined = ~np.isnan(values)
    counts = np.bincount(places[defined], minlength=len(people))
    sums = np.bincount(places[defined], values[defined], minlength=len(people))
    means: Doubles = np.full(len(people), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _rounded(interval: Any) -> list[float]:
    return [round(value, 4) for value in asdict(interval).values()]


def timings(models: Models, rounds: int = 300) -> dict[str, float]:
    """Medians of a person's tower, the scores of all items and the best 100: this catalog, and 100,000."""
    from core.arrays import top_k
    from ranking.recommenders.two_tower.model import score_items, user_vector

    def measure(tower: "TwoTower") -> float:
        rng, seconds, none = np.random.default_rng(SEED), [], np.empty(0, dtype=np.intp)
        for _ in range(rounds):
            item_ids = rng.choice(tower.history_ids, size=50, replace=False)
            facet_ids = tower.facet_ids[:50]
            started = time.perf_counter()
            user = user_vector(
                tower,
                item_ids=item_ids,
                weights=np.full(50, 2.0, dtype=np.float32),
                facet_ids=facet_ids,
                facet_scores=np.full(len(facet_ids), 0.3),
            )
            assert user is not None  # noqa: S101
            top_k(score_items(tower, user), DEPTH, none)
            seconds.append(time.perf_counter() - started)
        return round(1000 * median(seconds), 2)

    times = 100_000 // len(models.tower.item_ids) + 1
    large = replace(
        models.tower,
        item_ids=np.arange(100_000, dtype=np.int64),
        item_vectors=np.tile(models.tower.item_vectors, (times, 1))[:100_000],
        item_biases=np.tile(models.tower.item_biases, times)[:100_000],
    )
    return {f"{len(tower.item_ids):,} items": measure(tower) for tower in (models.tower, large)}


if __name__ == "__main__":
    main()
