"""Figures on people: a list is made for each from what was known, and compared with what they did next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from core.arrays import Bools, Doubles, Ints
from core.progress import Progress
from ranking.context import ScoringContext
from ranking.evaluation.contenders import contender_scores
from ranking.evaluation.evaluation_set import EvaluationSet
from ranking.evaluation.found_again import FoundAgain
from ranking.evaluation.results import NOWHERE, PersonFigures, SourceFigures
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import (
    disliked_share_at_k,
    hit_rate_at_k,
    liked_over_disliked,
    ndcg_at_k,
    novelty_at_k,
    recall_at_k,
    reciprocal_rank_at_k,
)
from ranking.statistics.resampling import coverage_interval
from ranking.statistics.split import Holdout


@dataclass(frozen=True, slots=True, eq=False)
class PeopleReport:
    """The figures by name, and the share of the catalog in anybody's first k.

    by_models  ids of those for whom a model made a list with anything in it
    of_items   by one of ITEM_SEGMENTS, recall and candidate_recall of what they liked of its items
    by_source  candidate recall by source
    """

    figures: dict[str, PersonFigures]
    coverage: Interval
    by_models: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    of_items: Mapping[str, Mapping[str, PersonFigures]] = field(default_factory=dict)
    by_source: Mapping[str, SourceFigures] = field(default_factory=dict)


def evaluate_people(
    data: EvaluationSet,
    context: ScoringContext,
    rng: np.random.Generator,
    k: int,
    progress: Progress,
    *,
    boosted: bool = False,
) -> PeopleReport:
    """Makes everybody's list with the models of `context` as of the start of what was held out.

    `boosted`: with boosts by their taste, as in serving.
    """
    if data.people is None:
        return PeopleReport({}, NOWHERE)
    tops: list[Ints] = []
    found = FoundAgain(data, context.policy.sources, k)
    orders = np.full(len(data.people), np.nan)
    by_models = np.zeros(len(data.people), dtype=np.bool_)
    not_there = data.not_there_at(data.start)
    progress.begin(len(data.people), "people")
    for row, person in enumerate(data.people.people()):
        liked, disliked = person.relevant_items, person.disliked_items
        # Only an order of both says anything; without dislikes nothing needs a score.
        items = np.concatenate([liked, disliked]) if len(disliked) else disliked
        answer = contender_scores(
            items,
            person.history,
            context,
            data.start,
            retrieve=True,
            taste=data.taste_of(person),
            not_there=not_there,
            seen=data.seen.before(person.user_id, data.start),
            boosted=boosted,
        )
        tops.append(answer.retrieved[:k])
        found.add(liked, answer)
        by_models[row] = answer.by_models and len(answer.retrieved) > 0
        if len(disliked):
            orders[row] = _order(answer.scores, len(liked))
        progress.advance()
    report = _report(data, data.people, _padded(tops, k), rng)
    report.figures["order"] = PersonFigures(data.people.user_ids, orders)
    report.figures["candidate_recall"] = found.candidate_recall
    return replace(
        report,
        by_models=data.people.user_ids[by_models],
        of_items=found.of_items,
        by_source=found.by_source,
    )


def evaluate_random_lists(data: EvaluationSet, rng: np.random.Generator, k: int) -> PeopleReport:
    """A list by chance for everybody, from what they do not know yet."""
    if data.people is None:
        return PeopleReport({}, NOWHERE)
    items = data.catalog.item_ids[data.catalog.there_at(data.start)]
    tops = [
        rng.permutation(np.setdiff1d(items, person.history.item_ids))[:k] for person in data.people.people()
    ]
    report = _report(data, data.people, _padded(tops, k), rng)
    disliked = np.array([len(person.disliked_items) for person in data.people.people()])
    chance = np.where(disliked > 0, 0.5, np.nan)
    report.figures["order"] = PersonFigures(data.people.user_ids, chance)
    return report


def _order(scores: Doubles, liked_count: int) -> float:
    liked, disliked = scores[:liked_count], scores[liked_count:]
    return liked_over_disliked(liked[~np.isnan(liked)], disliked[~np.isnan(disliked)])


def _padded(tops: list[Ints], k: int) -> Ints:
    """(p, k), -1 where a list is shorter."""
    padded = np.full((len(tops), k), -1, dtype=np.int64)
    for row, items in enumerate(tops):
        padded[row, : len(items)] = items
    return padded


def _report(data: EvaluationSet, people: Holdout, top: Ints, rng: np.random.Generator) -> PeopleReport:
    """The figures that follow from everybody's first k, (p, k)."""
    k = top.shape[1]
    everybody = list(people.people())
    relevant = np.array([len(person.relevant_items) for person in everybody])
    disliked = np.array([len(person.disliked_items) for person in everybody])
    hits = _found(top, [person.relevant_items for person in everybody])
    misses = _found(top, [person.disliked_items for person in everybody])
    ndcg, of_disliked = _binary_ndcg(hits, relevant), _binary_ndcg(misses, disliked)
    figures = {
        "ndcg": ndcg,
        "ndcg_gap": ndcg - of_disliked,
        "recall": recall_at_k(hits, relevant, k=k),
        "hit_rate": hit_rate_at_k(hits, relevant, k=k),
        "mrr": reciprocal_rank_at_k(hits, relevant, k=k),
        "novelty": novelty_at_k(_popularity_shares(data, top), k=k),
        "disliked_share": disliked_share_at_k(misses, disliked, k=k),
    }
    return PeopleReport(
        {name: PersonFigures(people.user_ids, values) for name, values in figures.items()},
        coverage_interval(top, int(data.catalog.there_at(data.start).sum()), rng=rng),
    )


def _binary_ndcg(hits: Bools, wanted: Ints) -> Doubles:
    """NDCG (p,) with gain 1 for what was wanted, `wanted` (p,) items; NaN without any."""
    k = hits.shape[1]
    ideal = (np.arange(k) < wanted[:, None]).astype(np.float64)
    return ndcg_at_k(hits.astype(np.float64), ideal, k=k)


def _found(top: Ints, wanted: list[Ints]) -> Bools:
    """(p, k): which places hold one of the person's items."""
    found: Bools = np.array([np.isin(items, ids) for items, ids in zip(top, wanted, strict=True)])
    return found.reshape(top.shape)


def _popularity_shares(data: EvaluationSet, top: Ints) -> Doubles:
    """For each place of each list the share of people who chose that item before `start`, NaN where empty."""
    training = data.events.before(data.start)
    chosen = training.select(training.weights > 0)
    catalog = data.catalog
    rows = catalog.rows_of(chosen.item_ids)
    pairs = np.unique(np.column_stack([chosen.user_ids, rows])[rows >= 0], axis=0)
    # One more person who chose everything, so that no share is 0.
    people = len(np.unique(chosen.user_ids)) + 1
    shares = (np.bincount(pairs[:, 1], minlength=len(catalog.item_ids)) + 1) / people
    result = np.full(top.shape, np.nan)
    listed = top >= 0
    result[listed] = shares[catalog.rows_of(top[listed])]
    return result
