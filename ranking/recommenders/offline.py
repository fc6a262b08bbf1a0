"""Evaluate rankers on people held out by time: one report per ranker, comparable person by person."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from core.arrays import Doubles, Floats, Ints, Rows, positions, top_k
from ranking.recommenders.als.model import AlsModel, confidence_matrix, fold_in, score_all
from ranking.statistics.events import Events
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import (
    bootstrap_interval,
    coverage,
    disliked_share_at_k,
    hit_rate_at_k,
    ndcg_at_k,
    recall_at_k,
)
from ranking.statistics.split import Holdout

Recommender = Callable[[Events, int], Ints]
"""A person's history and k, to at most k item ids, best first, none twice, none of the history."""


@dataclass(frozen=True, slots=True, eq=False)
class RankingReport:
    """Figures of one ranker on a holdout; metrics at k with 95 % intervals over people.

    people      how many were evaluated
    catalog_coverage  share of the catalog recommended to anyone
    user_ids and per_person_*: (p,) in one order, so that two reports on one holdout can be paired;
    NaN in `per_person_disliked_share` for people who disliked nothing later
    """

    k: int
    people: int
    ndcg: Interval
    recall: Interval
    hit_rate: Interval
    disliked_share: Interval
    catalog_coverage: float
    user_ids: Ints
    per_person_ndcg: Doubles
    per_person_recall: Doubles
    per_person_hit_rate: Doubles
    per_person_disliked_share: Doubles


def evaluate_rankings(
    holdout: Holdout,
    recommend: Recommender,
    *,
    catalog_size: int,
    rng: np.random.Generator,
    k: int = 10,
) -> RankingReport:
    """Ask for a list for every person of the holdout and compare it with what they did next.

    Raises ValueError if a list is longer than k, repeats an item, or holds one of the person's history.
    """
    people = len(holdout)
    recommended = np.full((people, k), -1, dtype=np.int64)
    hits = np.zeros((people, k), dtype=np.bool_)
    disliked_hits = np.zeros((people, k), dtype=np.bool_)
    relevant_counts = np.zeros(people, dtype=np.int64)
    disliked_counts = np.zeros(people, dtype=np.int64)
    for row, person in enumerate(holdout.people()):
        items = recommend(person.history, k)
        _check_list(items, person.history, k)
        recommended[row, : len(items)] = items
        hits[row, : len(items)] = np.isin(items, person.relevant_items)
        disliked_hits[row, : len(items)] = np.isin(items, person.disliked_items)
        relevant_counts[row] = len(person.relevant_items)
        disliked_counts[row] = len(person.disliked_items)

    ndcg = ndcg_at_k(hits.astype(np.float64), _binary_ideal(relevant_counts, k), k=k)
    recall = recall_at_k(hits, relevant_counts, k=k)
    hit_rate = hit_rate_at_k(hits, relevant_counts, k=k)
    disliked_share = disliked_share_at_k(disliked_hits, disliked_counts, k=k)
    interval = partial(bootstrap_interval, rng=rng)
    return RankingReport(
        k=k,
        people=people,
        ndcg=interval(ndcg),
        recall=interval(recall),
        hit_rate=interval(hit_rate),
        disliked_share=interval(disliked_share),
        catalog_coverage=coverage(recommended, catalog_size),
        user_ids=holdout.user_ids,
        per_person_ndcg=ndcg,
        per_person_recall=recall,
        per_person_hit_rate=hit_rate,
        per_person_disliked_share=disliked_share,
    )


def _check_list(items: Ints, history: Events, k: int) -> None:
    if len(items) > k or len(np.unique(items)) != len(items):
        raise ValueError(f"A recommender must give at most {k} different items.")
    if np.isin(items, history.item_ids).any():
        raise ValueError("A recommender gave an item of the person's own history.")


def _binary_ideal(relevant_counts: Ints, k: int) -> Doubles:
    """The best list there could be, (p, k): ones for the relevant items, then zeros."""
    return (np.arange(k) < relevant_counts[:, None]).astype(np.float64)


def als_recommender(model: AlsModel) -> Recommender:
    """Fold the history in, score every item of the model, take the best that are not in the history."""

    def recommend(history: Events, k: int) -> Ints:
        scores = score_all(model, fold_in_history(model, history))
        return model.item_ids[top_k(scores, k, _known_rows(history, model.item_ids))]

    return recommend


def fold_in_history(model: AlsModel, history: Events) -> Floats:
    """The user factor (f,) for one person's events; items that the model does not know are left out."""
    weights = confidence_matrix(
        history, user_ids=np.unique(history.user_ids), item_ids=model.item_ids, negatives="keep"
    )
    return fold_in(model, weights.indices.astype(np.intp), weights.data)


def score_recommender(item_ids: Ints, scores: Doubles) -> Recommender:
    """The same order for everyone, such as popularity; `item_ids` sorted, `scores` beside them."""

    def recommend(history: Events, k: int) -> Ints:
        return item_ids[top_k(scores, k, _known_rows(history, item_ids))]

    return recommend


def random_recommender(item_ids: Ints, rng: np.random.Generator) -> Recommender:
    """A new random order for each list; `item_ids` sorted."""

    def recommend(history: Events, k: int) -> Ints:
        return item_ids[top_k(rng.random(len(item_ids)), k, _known_rows(history, item_ids))]

    return recommend


def _known_rows(history: Events, item_ids: Ints) -> Rows:
    rows = positions(history.item_ids, item_ids)
    return rows[rows >= 0]
