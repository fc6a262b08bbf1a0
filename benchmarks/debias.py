"""A comparison of corrections for position to train the ranker with, decided where the truth is known.

    python benchmarks/debias.py [--seeds 5] [--quick] [--json]

Simulated people with a hidden utility for every item are shown lists of 20 in the order of an imperfect
score, with a few slots left to chance. They examine rank r with probability (1 / log2(r + 1))^strength, and
react as in demo/nights.py to what they examine; slots below the deepest one examined are cut off, as in the
product. Rankers are trained on that log with every `debias`, always assuming strength 1, and evaluated on all
candidates of fresh requests by what the person would do with an item if they examined it.
docs/research/position-bias.md holds the table. Needs no database; one thread.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import get_args

import numpy as np
from scipy.special import expit, ndtr
from scipy.stats import t as student

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from core.arrays import Bools, Doubles, Floats, Ints
from ranking.features import FEATURES
from ranking.recommenders.ranker.model import (
    BaseMargin,
    Debias,
    Ranker,
    RankerData,
    RankerParameters,
    fit_ranker,
)
from ranking.statistics.calibration import fit_platt
from ranking.statistics.metrics import expected_calibration_error, liked_over_disliked, ndcg_at_k

CANDIDATES, LIST_LENGTH, PEOPLE = 100, 20, 400
EXPLORED = 0.05  # share of the slots that chance fills
STRENGTHS = {"weak": 0.5, "medium": 1.0, "strong": 2.0}
FIXED_ROUNDS = 80
LIKED, VIEWED, PASSED_OVER, DISLIKED = 3, 2, 1, 0
METRICS = ("ndcg", "liked_over_disliked", "calibration_error", "trees")
# Parts of a utility, as standard deviations that add up to 1. Nobody measures the last part.
PARTS = {"match": 0.58, "genre": 0.48, "quality": 0.47, "age": 0.26, "whim": 0.38}
LOGGING_POLICY = {"match": 0.6, "quality": 0.25, "fame": 0.2, "noise": 0.5}


@dataclass(frozen=True, slots=True)
class Size:
    """The numbers of requests, in the order of time: the last are fresh, those before it validation."""

    training: int = 1200
    validation: int = 300
    fresh: int = 400

    @property
    def logged(self) -> int:
        return self.training + self.validation


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """r requests with c candidates each.

    user_ids  (r,); utilities, relevance (r, c), the latter what each would be if it were examined
    logged    (r, c) the score that the lists are ordered by
    features  (r, c, f) as in FEATURES
    shown     (r, LIST_LENGTH) which candidates are in the list
    """

    user_ids: Ints
    utilities: Doubles
    relevance: Ints
    logged: Doubles
    features: Floats
    shown: Ints


def make_world(requests: int, rng: np.random.Generator) -> World:
    """Utilities, reactions, features that know a part of the utility each, and the logged lists."""
    shape = (requests, CANDIDATES)
    drawn = {name: rng.standard_normal(shape) for name in (*PARTS, "fame", "noise")}
    user_ids = rng.integers(PEOPLE, size=requests)
    # An item near the person's years is worth more, on either side.
    felt = drawn | {"age": (1 - drawn["age"] ** 2) / np.sqrt(2)}
    utilities = sum((share * felt[name] for name, share in PARTS.items()), np.zeros(shape))
    logged = sum((share * drawn[name] for name, share in LOGGING_POLICY.items()), np.zeros(shape))
    relevance = react(utilities, rng)
    return World(
        user_ids=user_ids,
        utilities=utilities,
        relevance=relevance,
        logged=logged,
        features=make_features(drawn, logged, relevance, user_ids, rng),
        shown=make_lists(logged, rng),
    )


def make_features(
    known: Mapping[str, Doubles],
    logged: Doubles,
    relevance: Ints,
    user_ids: Ints,
    rng: np.random.Generator,
) -> Floats:
    """(r, c, f): the calibrated logging score, noisy views of what makes a utility, and columns of noise."""
    shape = logged.shape

    def noise(deviation: float) -> Doubles:
        return deviation * rng.standard_normal(shape)

    slope, intercept = fit_platt(logged.ravel(), (relevance >= VIEWED).ravel())
    places = np.argsort(np.argsort(-logged, axis=1), axis=1)
    genre, quality = known["genre"], known["quality"]
    columns = {
        "model_score": expit(slope * logged + intercept),
        "model_place": 1 / np.log2(places + 2),
        "popularity_score": expit(known["fame"] + 0.5 * quality),
        "approval_score": expit(quality + noise(0.5)),
        "evidence": np.log1p(np.exp(known["fame"] + 1)),
        "recency_score": rng.random(shape),
        "date_gap": 10 * np.abs(known["age"]) + np.abs(noise(1)),
        "diversity_score": rng.random(shape),
        "neighbour_score": np.tanh(0.5 * known["match"] + noise(0.8)),
        "content_affinity": expit(0.4 * known["match"] + 0.6 * genre + noise(0.6)),
        "genre_affinity": expit(genre + noise(0.5)),
        "theme_affinity": expit(0.3 * genre + noise(1)),
        "people_affinity": rng.random(shape),
        "genre_liking": np.tanh(0.5 * genre + noise(0.5)),
        "theme_liking": noise(0.3),
        "people_liking": noise(0.3),
        "history_size": np.broadcast_to(np.log1p(user_ids % 60)[:, None], shape),
        "dislike_share": np.broadcast_to((user_ids * 7 % 10 / 30)[:, None], shape),
    }
    return np.stack([columns[name] for name in FEATURES], axis=-1).astype(np.float32)


def make_lists(logged: Doubles, rng: np.random.Generator) -> Ints:
    """(r, LIST_LENGTH): the logged's best, with a share of slots given to any of the others."""
    order = np.argsort(-logged, axis=1)
    shown, rest = order[:, :LIST_LENGTH].copy(), order[:, LIST_LENGTH:]
    explored = rng.random(shown.shape) < EXPLORED
    shown[explored] = rng.permuted(rest, axis=1)[:, :LIST_LENGTH][explored]
    return shown


def react(utilities: Doubles, rng: np.random.Generator) -> Ints:
    """The relevance of what the person does with each item on examining it; as in demo/nights.py."""
    felt = utilities + 0.7 * rng.standard_normal(utilities.shape)
    likes, dislikes, views = rng.random((3, *utilities.shape)) < np.array([0.6, 0.3, 0.3])[:, None, None]
    relevance = np.full(utilities.shape, PASSED_OVER, dtype=np.int64)
    relevance[(felt > 0.0) & views] = VIEWED
    relevance[(felt < -0.2) & dislikes] = DISLIKED
    relevance[(felt > 1.2) & likes] = LIKED
    return relevance


def true_relevance(utilities: Doubles) -> Doubles:
    """The relevance whose gain, 2^relevance - 1, is what `react` has on average."""

    def above(threshold: float) -> Doubles:
        chance: Doubles = ndtr((utilities - threshold) / 0.7)
        return chance

    liked, disliked = 0.6 * above(1.2), 0.3 * (1 - above(-0.2))
    viewed = 0.3 * (above(0.0) - liked)
    relevance: Doubles = np.log2(1 + 7 * liked + 3 * viewed + (1 - liked - disliked - viewed))
    return relevance


def log_of(world: World, size: Size, examined: Bools, *, only_examined: bool = False) -> RankerData:
    """The record that the product would have of the first requests.

    examined       (logged, LIST_LENGTH); what was not examined counts as passed over
    only_examined  leave out what was not examined, which the product cannot know
    """
    ranks = np.broadcast_to(np.arange(1, LIST_LENGTH + 1), examined.shape)
    deepest = (examined * ranks).max(axis=1, keepdims=True)
    kept = examined if only_examined else ranks <= deepest
    lists, shown = np.arange(size.logged)[:, None], world.shown[: size.logged]
    relevance = np.where(examined, world.relevance[lists, shown], PASSED_OVER)
    return RankerData(
        features=world.features[lists, shown][kept],
        relevance=relevance[kept],
        weights=np.ones(int(kept.sum())),
        ranks=ranks[kept],
        exposure=1 / np.log2(ranks[kept] + 1),
        sizes=kept.sum(axis=1),
        user_ids=world.user_ids[: size.logged],
        times=np.arange(size.logged, dtype=np.float64),
    )


def train(data: RankerData, parameters: RankerParameters, size: Size, *, seed: int, stops: bool) -> Ranker:
    """Trained on the first lists, calibrated on the rest; there it also stops, or after FIXED_ROUNDS."""
    first = np.arange(len(data)) < size.training
    validation = data.take_lists(~first)
    watched = validation if stops else None
    if not stops:
        parameters = replace(parameters, rounds=FIXED_ROUNDS)
    ranker = fit_ranker(data.take_lists(first), watched, parameters, seed=seed, threads=1)
    engaged = validation.relevance >= VIEWED
    return ranker.calibrated(*fit_platt(ranker.scores(validation.features), engaged))


def evaluate(world: World, size: Size, scores: Doubles, probabilities: Doubles | None = None) -> list[float]:
    """METRICS but the last, on all candidates of the fresh requests; scores and probabilities (fresh, c)."""
    relevance = world.relevance[size.logged :]
    truth = true_relevance(world.utilities[size.logged :])
    order = np.argsort(-scores, axis=1, kind="stable")
    ndcg = ndcg_at_k(np.take_along_axis(truth, order, axis=1), truth, k=10).mean()
    pairs = [
        liked_over_disliked(row[acts == LIKED], row[acts == DISLIKED])
        for row, acts in zip(scores, relevance, strict=True)
    ]
    error = float("nan")
    if probabilities is not None:
        error = expected_calibration_error(probabilities.ravel(), (relevance >= VIEWED).ravel()).error
    return [float(ndcg), float(np.nanmean(pairs)), error]


KNOWN = "seen known"
Row = tuple[str, str, str, str]  # strength, base margin, debias, and when training ended


def plan(*, quick: bool) -> Iterator[tuple[Row, RankerParameters]]:
    """Every ranker of the table but the oracle."""
    plain = RankerParameters(debias="none")
    for strength in STRENGTHS:
        for margin in (plain.base_margin,) if quick else get_args(BaseMargin):
            for debias in get_args(Debias):
                chosen = RankerParameters(debias=debias, base_margin=margin)
                yield (strength, margin, debias, "stopped"), chosen
        for debias in get_args(Debias):
            yield (strength, plain.base_margin, debias, "fixed"), RankerParameters(debias=debias)
        yield (strength, plain.base_margin, KNOWN, "stopped"), plain


def run(seed: int, size: Size, *, quick: bool) -> dict[Row, list[float]]:
    """All rows for one seed, METRICS each."""
    rng = np.random.default_rng(seed)
    world = make_world(size.logged + size.fresh, rng)
    fresh = world.features[size.logged :]
    flat = fresh.reshape(-1, len(FEATURES))
    results: dict[Row, list[float]] = {}

    def add(row: Row, data: RankerData, parameters: RankerParameters) -> None:
        ranker = train(data, parameters, size, seed=seed, stops=row[-1] == "stopped")
        scores = ranker.scores(flat).reshape(fresh.shape[:2])
        probabilities = ranker.probabilities(flat).reshape(fresh.shape[:2])
        results[row] = [*evaluate(world, size, scores, probabilities), float(ranker.booster.num_trees())]

    for name, scores in baselines(world, size, rng).items():
        results["", "", name, ""] = [*evaluate(world, size, scores), float("nan")]
    everything = np.ones((size.logged, LIST_LENGTH), dtype=np.bool_)
    plain = RankerParameters(debias="none")
    add(("", plain.base_margin, "oracle", "stopped"), log_of(world, size, everything), plain)
    chances = 1 / np.log2(np.arange(LIST_LENGTH) + 2)
    draws = rng.random(everything.shape)
    for row, parameters in plan(quick=quick):
        examined = draws < chances ** STRENGTHS[row[0]]
        add(row, log_of(world, size, examined, only_examined=row[2] == KNOWN), parameters)
    return results


def baselines(world: World, size: Size, rng: np.random.Generator) -> dict[str, Doubles]:
    """Orders that need no training: what would be logged, the same without chance, and none."""
    without_chance, shown = world.logged[size.logged :], world.shown[size.logged :]
    logged = without_chance.copy()
    np.put_along_axis(logged, shown, 100.0 - np.arange(LIST_LENGTH)[None, :], axis=1)
    return {
        "logged order": logged,
        "logging policy alone": without_chance,
        "random": rng.random(logged.shape),
    }


def interval(values: Doubles) -> tuple[float, float]:
    """Mean over seeds, and the half width of its 95 % interval (Student's t)."""
    if len(values) < 2:
        return float(values.mean()), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(student.ppf(0.975, len(values) - 1) * error)


def summarize(runs: list[dict[Row, list[float]]]) -> list[dict[str, object]]:
    """One entry per row: METRICS averaged over seeds, and NDCG@10 paired with `none` of the same row."""
    entries = []
    for row in runs[0]:
        values = np.array([result[row] for result in runs])
        strength, margin, debias, ended = row
        entry: dict[str, object] = dict(
            zip(("strength", "base margin", "debias", "trained"), row, strict=True)
        )
        entry |= dict(zip(METRICS, np.round(values.mean(axis=0), 4).tolist(), strict=True))
        plain = (strength, margin, "none", ended if ended == "fixed" else "stopped")
        if plain in runs[0] and debias != "none":
            differences = values[:, 0] - np.array([result[plain][0] for result in runs])
            entry["over_none"], entry["within"] = (round(value, 4) for value in interval(differences))
        entries.append(entry)
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="small, one base margin, two seeds: a smoke run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    write: Callable[..., object] = sys.stdout.write
    size = Size(150, 50, 50) if options.quick else Size()
    seeds = range(2 if options.quick else options.seeds)
    started = time.perf_counter()
    rows = summarize([run(seed, size, quick=options.quick) for seed in seeds])
    about = {
        "seeds": list(seeds),
        "requests": [size.training, size.validation, size.fresh],
        "seconds": round(time.perf_counter() - started),
        **{name: version(name) for name in ("lightgbm", "numpy", "scipy")},
    }
    if options.json:
        write(json.dumps({"about": about, "rows": rows}) + "\n")
        return
    write(f"{json.dumps(about)}\n")
    for entry in rows:
        write(" | ".join(str(value) for value in entry.values()) + "\n")


if __name__ == "__main__":
    main()
