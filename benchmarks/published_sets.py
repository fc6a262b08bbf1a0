"""The fixed protocols of public data sets, followed by the product's own trainers and scoring.

A set of protocols takes what is judged (`Way`) and gives figures of every judged case. Nothing here asks a
database or a server. `benchmarks/published.py` is the command.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from als_search import read_events
from django.conf import settings
from published_facets import Facet, attributes_of, catalog_of, facets_of_lists, facets_of_movielens

from core.arrays import Doubles, Ints
from core.domain import TYPES, USE_CASES, UseCase
from core.progress import Progress
from ranking.context import ScoringContext
from ranking.datasets.bootstrap import PARAMETERS, BootstrapPlan, bootstrap_lists, ranker_data
from ranking.datasets.shown_lists import no_lists
from ranking.evaluation.evaluation_set import evaluation_set
from ranking.evaluation.people import evaluate_people
from ranking.features import FEATURES
from ranking.person import person_before
from ranking.policy import Policy, lead_of
from ranking.recommenders.event_training import Calibrated, fit_calibrated, fitted_weights
from ranking.recommenders.ranker.model import Ranker, RankerData
from ranking.recommenders.ranker.train import fit_calibrated_ranker
from ranking.recommenders.registry import RECOMMENDERS, RETRIEVING, TRAINED
from ranking.recommenders.training import event_trainer_of
from ranking.registry.loading import NO_MODELS, LoadedModel, ModelSet
from ranking.registry.versions import quality_of
from ranking.request import RankingRequest
from ranking.scoring import ranked_pool, score_items
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand, demand_of
from ranking.statistics.events import Events
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import liked_over_disliked, ratio_bootstrap_interval
from ranking.statistics.split import time_cuts

K = 10
RANKER = "ranker"
USE_CASE = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)
# The share of a log by time that is learned from where the rest is judged.
LEARNED = 0.8
# Sequences tell the order alone: one second apart, and everybody's last one now.
NOW = 1e9
VALIDATION_CUTS = (0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Way:
    """The kinds that make the lists together, in order of trust; popularity stands below all of them.

    chosen     hyper-parameters in place of the defaults, by kind
    as_served  popularity is mixed into the scores of people with a short history, as serving does
    refusal_share  how much of a score the chance of a no takes away; None for REFUSAL_SHARE
    fitted     the models of the moments so far, for ways that differ in how they use them alone
    hidden     parts of the names of features that the ranker does not see
    heard      what is taken from the past: of the log before the judged moment, the log to learn from
    pieces     single models and made-up lists of the moments so far, for ways that differ in what they put
               together. Made-up lists are those of the first that wants them with the same lead.
    """

    kinds: tuple[str, ...]
    chosen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    as_served: bool = False
    seed: int = 1
    refusal_share: float | None = None
    fitted: dict[tuple[int, float], ModelSet] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    heard: Callable[[Events], Events] | None = None
    pieces: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def past(self, events: Events) -> Events:
        """The part of a log that is learned from and known of people, as this way hears it."""
        return events if self.heard is None else self.heard(events)

    def context(self, events: Events, catalog: CatalogSnapshot) -> ScoringContext:
        """Models of these events over the catalog. Raises ValueError for a kind that learns from more."""
        use_case = self._use_case()
        moment = _moment(events)
        if moment not in self.fitted:
            self.fitted[moment] = self._models(use_case, events, catalog)
        changes: dict[str, Any] = {} if self.as_served else {"popularity_share": 0.0}
        if self.refusal_share is not None:
            changes["refusal_share"] = self.refusal_share
        policy = Policy.of(use_case).changed(changes)
        return ScoringContext.of(use_case, catalog, self.fitted[moment], policy)

    def _models(self, use_case: UseCase, events: Events, catalog: CatalogSnapshot) -> ModelSet:
        found: dict[str, Calibrated] = {}
        for kind in self.kinds:
            if kind not in RECOMMENDERS:
                raise ValueError(f"There is no kind {kind!r}; there are {', '.join(RECOMMENDERS)}.")
            if kind not in TRAINED or RECOMMENDERS[kind].orders:
                continue
            trainer = event_trainer_of(kind, catalog.content)
            if trainer is None:
                raise ValueError(f"{kind} learns from more than events; these sets have nothing else.")
            parameters = trainer.parameters(self.chosen.get(kind, {}))
            key = (kind, *_moment(events))
            if key not in self.pieces:
                self.pieces[key] = fit_calibrated(trainer, events, parameters, seed=self.seed, progress=QUIET)
            found[kind] = self.pieces[key]
        models = NO_MODELS
        earlier = {kind: one.earlier for kind, one in found.items()}
        quality = {kind: quality_of({"calibration": one.calibration}) for kind, one in found.items()}
        weights = fitted_weights(earlier, quality, events, catalog, self.seed)
        for kind, one in found.items():
            loaded = LoadedModel(0, kind, one.model, quality[kind], weights.get(kind))
            models = models.with_model(kind, loaded)
        if RANKER in self.kinds:
            models = models.with_model(
                RANKER, LoadedModel(0, RANKER, self._ranker(use_case, events, catalog))
            )
        return models

    def _use_case(self) -> UseCase:
        """The use case that asks these kinds, and popularity below them.

        A model of verdicts brings nothing where others do; it judges what they bring.
        """
        bring = [kind for kind in self.kinds if kind in RETRIEVING]
        sources = [kind for kind in bring if not RECOMMENDERS[kind].judges] or bring
        return replace(USE_CASE, sources=(*dict.fromkeys([*sources, "popular"]),), models=self.kinds)

    def _ranker(self, use_case: UseCase, events: Events, catalog: CatalogSnapshot) -> Ranker:
        """A ranker of lists replayed from the log, as `retrain` makes it where no list was shown."""
        key = ("lists", lead_of(use_case), *_moment(events))
        if key not in self.pieces:
            lists = bootstrap_lists(
                events,
                catalog=catalog,
                use_case=use_case,
                plan=BootstrapPlan(),
                seed=self.seed,
                hyper_parameters=self.chosen,
            )
            self.pieces[key] = ranker_data(lists)
        data: RankerData = self.pieces[key].with_scores_of(self.kinds)
        data.features[:, [any(part in name for part in self.hidden) for name in FEATURES]] = np.nan
        return fit_calibrated_ranker(data, PARAMETERS, seed=self.seed, progress=QUIET).ranker


def _moment(events: Events) -> tuple[int, float]:
    return len(events), float(events.times.max(initial=0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The figures of n judged cases.

    people   (n,) whose case it is
    figures  by name, (n,); NaN where the figure is not defined for the case
    """

    people: Ints
    figures: Mapping[str, Doubles]

    def interval(self, name: str, rng: np.random.Generator) -> Interval:
        """The mean over cases, its interval by resampling people with all their cases."""
        return _interval(self.people, self.figures[name], rng)

    def difference(self, other: "Judged", name: str, rng: np.random.Generator) -> Interval:
        """The mean difference to another way judged on the same cases."""
        return _interval(self.people, self.figures[name] - other.figures[name], rng)


def _interval(people: Ints, values: Doubles, rng: np.random.Generator) -> Interval:
    known = ~np.isnan(values)
    _, person = np.unique(people[known], return_inverse=True)
    sums = np.bincount(person, values[known]).astype(np.float64)
    return ratio_bootstrap_interval(sums, np.bincount(person).astype(np.float64), rng=rng)


# --- sequences ------------------------------------------------------------------------------------------


def judge_sequences(folder: Path, name: str, way: Way, *, validation: bool) -> Judged:
    """The last item of each person (for validation the one before it) among all that they do not know yet.

    Learned from is everything before the judged item.
    """
    events = _sequences(folder / "sequences" / f"{name}.txt", left_out=int(validation))
    item_ids = np.unique(events.item_ids)
    facets = attributes_of(folder / "sequences" / f"{name}_item2attributes.json")
    catalog = catalog_of(item_ids, facets)
    is_last = events.times == NOW
    known = events.select(~is_last)
    context = way.context(known, catalog.at(_demand(known, item_ids)))
    ends = np.searchsorted(known.user_ids, events.user_ids[is_last], side="right")
    hits = np.zeros((len(ends), K), dtype=np.bool_)
    start = 0
    for row, (end, wanted) in enumerate(zip(ends.tolist(), events.item_ids[is_last].tolist(), strict=True)):
        request = RankingRequest.of(person_before(known.slice(start, end)), context, NOW)
        top = ranked_pool(request).item_ids[:K]
        hits[row, : len(top)] = top == wanted
        start = end
    found: Doubles = np.asarray(hits.any(axis=1), dtype=np.float64)
    ndcg: Doubles = np.asarray(hits @ (1 / np.log2(np.arange(K) + 2.0)))
    return Judged(events.user_ids[is_last], {"HR@10": found, "NDCG@10": ndcg})


def _sequences(path: Path, *, left_out: int) -> Events:
    """Everybody's items as likes, sorted by person and order; the last `left_out` of each are missing."""
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
    lengths = np.array([len(line) - 1 - left_out for line in lines])
    items = np.array([item for line in lines for item in line[1 : len(line) - left_out]], dtype=np.int64)
    from_end = np.concatenate([np.arange(length)[::-1] for length in lengths])
    return _events(
        users=np.repeat(np.arange(len(lines)), lengths),
        items=items,
        weights=np.full(len(items), TYPES["like"].training),
        times=NOW - from_end,
    )


def _events(users: Ints, items: Ints, weights: Doubles, times: Doubles) -> Events:
    return Events(
        user_ids=users.astype(np.int64),
        item_ids=items.astype(np.int64),
        weights=weights.astype(np.float32),
        times=times.astype(np.float64),
        relevant=weights > 0,
    )


# --- lists that were shown ------------------------------------------------------------------------------


def judge_shown_lists(folder: Path, name: str, way: Way, *, validation: bool) -> Judged:
    """The order of the 24 films of each later list with a click, from what people had clicked before it."""
    slots = pd.read_csv(folder / name / "sessions.csv", parse_dates=["shown_at", "acted_at"])
    slots = slots.sort_values(["shown_at", "session", "rank"], kind="stable")
    lists = slots["session"].drop_duplicates()
    if validation:
        lists = lists.iloc[: int(LEARNED * len(lists))]
        slots = slots[slots["session"].isin(lists)]
    learned = slots["session"].isin(lists.iloc[: int(LEARNED * len(lists))])
    slots = slots.assign(user=pd.factorize(slots["user"])[0], clicked=slots["action"].notna())
    clicks = slots[slots["clicked"]].sort_values(["user", "acted_at"], kind="stable")
    events = _events(
        users=clicks["user"].to_numpy(),
        items=clicks["item"].to_numpy(),
        weights=np.full(len(clicks), TYPES["click"].training),
        times=_seconds(clicks["acted_at"].fillna(clicks["shown_at"])),
    )
    past = events.select(learned[clicks.index].to_numpy())
    item_ids = np.unique(slots["item"].to_numpy(np.int64))
    catalog = catalog_of(item_ids, facets_of_lists(folder))
    context = way.context(past, catalog.at(_demand(past, item_ids)))
    people, figures = [], []
    for _, one in slots[~learned].groupby("session", sort=False):
        if not one["clicked"].any():
            continue
        user, moment = int(one["user"].iloc[0]), float(_seconds(one["shown_at"].iloc[:1])[0])
        request = RankingRequest.of(person_before(_history(events, user, moment)), context, moment)
        scores = score_items(request, one["item"].to_numpy(np.int64)).base
        people.append(user)
        figures.append(expected_ndcg(scores, one["clicked"].to_numpy(np.float64), k=K))
    return Judged(np.array(people, dtype=np.int64), {"NDCG@10": np.array(figures)})


def _seconds(moments: "pd.Series[Any]") -> Doubles:
    """Moments as seconds since 1970."""
    since = moments - pd.Timestamp(0, tz="UTC")
    return np.asarray(since.dt.total_seconds(), dtype=np.float64)


def _history(events: Events, user: int, before: float) -> Events:
    """One person's events before a moment, of events sorted by person and time."""
    first, last = np.searchsorted(events.user_ids, [user, user + 1])
    return events.slice(int(first), int(first + np.searchsorted(events.times[first:last], before)))


def expected_ndcg(scores: Doubles, gains: Doubles, *, k: int) -> float:
    """NDCG@k of the order by scores (n,), highest first: the mean over all orders of what scores equally.

    gains  (n,) at least 0, one above 0
    """
    _, group = np.unique(-scores, return_inverse=True)
    means = np.bincount(group, gains) / np.bincount(group)
    discounts = 1 / np.log2(np.arange(min(k, len(scores))) + 2.0)
    found = means[np.sort(group)][:k] @ discounts
    return float(found / (-np.sort(-gains)[:k] @ discounts))


# --- likes and hates ------------------------------------------------------------------------------------


def judge_likes_and_hates(folder: Path, name: str, way: Way, *, validation: bool) -> Judged:
    """The share of each person's pairs of a later liked and a later hated video with the liked one above."""
    rows = pd.read_csv(folder / name / "feedback.csv").sort_values("time_ms", kind="stable")
    if validation:
        rows = rows.iloc[: int(LEARNED * len(rows))]
    like, hate = TYPES["like"].training, TYPES["dislike"].training
    events = _events(
        users=pd.factorize(rows["user"])[0],
        items=rows["video"].to_numpy(),
        weights=np.where(rows["label"] == 1, like, hate),
        times=rows["time_ms"].to_numpy() / 1000,
    )
    cut = int(LEARNED * len(events))
    past, later = events.slice(0, cut), events.slice(cut, len(events))
    past = way.past(past)
    by_person = past.select(np.argsort(past.user_ids, kind="stable"))
    item_ids = np.unique(events.item_ids)
    durations = rows.groupby("video")["duration_ms"].first()
    catalog = catalog_of(item_ids, runtimes=durations.reindex(item_ids).to_numpy(np.float64))
    context = way.context(past, catalog.at(_demand(past, item_ids)))
    people = np.unique(later.user_ids)
    figures = np.full(len(people), np.nan)
    for row, user in enumerate(people.tolist()):
        own = later.select(later.user_ids == user)
        if own.relevant.all() or not own.relevant.any():
            continue
        history = _history(by_person, user, np.inf)
        request = RankingRequest.of(person_before(history), context, float(later.times[0]))
        scores = score_items(request, own.item_ids).base
        figures[row] = liked_over_disliked(scores[own.relevant], scores[~own.relevant])
    both = ~np.isnan(figures)
    return Judged(people[both], {"AUC": figures[both]})


# --- MovieLens by time ----------------------------------------------------------------------------------


def judge_movielens(folder: Path, name: str, way: Way, *, validation: bool) -> Judged:
    """The people of the last tenth of the ratings, or of the four before, by the product's evaluation."""
    events = read_events(folder / name)
    rated = events.times[~events.relevant & (events.weights > 0)]
    cuts = [*time_cuts(rated, VALIDATION_CUTS), float(np.nextafter(events.times.max(), np.inf))]
    windows = list(pairwise(cuts))
    facets = tuple(facets_of_movielens(folder))
    judged = [
        _judge_window(events, facets, way, *pair) for pair in (windows[:-1] if validation else windows[-1:])
    ]
    figures = {
        figure: np.concatenate([window.figures[figure] for window in judged]) for figure in judged[0].figures
    }
    return Judged(np.concatenate([window.people for window in judged]), figures)


def _judge_window(events: Events, facets: tuple[Facet, ...], way: Way, start: float, end: float) -> Judged:
    upto = Events.join([way.past(events.before(start)), events.between(start, end)])
    data = evaluation_set(
        events=upto,
        lists=no_lists(),
        catalog=_catalog_by_first_event(upto, facets),
        start=start,
        seed=way.seed,
    )
    context = way.context(upto.before(start), data.catalog)
    found = evaluate_people(data, context, np.random.default_rng(way.seed), K, QUIET).figures
    figures = {
        "NDCG@10": found["ndcg"],
        "ΔNDCG@10": found["ndcg_gap"],
        "HR@10": found["hit_rate"],
        "disliked share@10": found["disliked_share"],
        "AUC": found["order"],
    }
    return Judged(
        found["ndcg"].user_ids,
        {name: of_people.values for name, of_people in figures.items()},  # noqa: PD011
    )


def _catalog_by_first_event(events: Events, facets: tuple[Facet, ...]) -> CatalogSnapshot:
    """Items that came out when somebody first met them: none is in the catalog of a moment before."""
    item_ids, item_of_event = np.unique(events.item_ids, return_inverse=True)
    first = np.full(len(item_ids), np.inf)
    np.minimum.at(first, item_of_event, events.times)
    catalog = catalog_of(item_ids, iter(facets))
    # An event at the very moment of a cut is not known yet.
    content = replace(catalog.content, published=np.nextafter(first, np.inf))
    return CatalogSnapshot.build(content, catalog.demand, catalog.facet_ids)


# --- what they share ------------------------------------------------------------------------------------


def _demand(events: Events, item_ids: Ints) -> ItemDemand:
    in_order = events.select(np.argsort(events.times, kind="stable"))
    return demand_of(in_order, item_ids, half_life_days=settings.POPULARITY_HALF_LIFE_DAYS)


Protocol = Callable[..., Judged]

SETS: Mapping[str, Protocol] = {
    "Beauty": judge_sequences,
    "LastFM": judge_sequences,
    "shown-lists": judge_shown_lists,
    "likes-hates": judge_likes_and_hates,
    "ml-latest-small": judge_movielens,
}
"""Every set by its name, with its protocol: (folder, name, way, validation=…) → Judged."""
