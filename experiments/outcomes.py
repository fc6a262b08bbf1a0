"""Outcomes of the people of an experiment, read from the log: a row for each, in the order of arrival.

A person's outcome is what came of their lists in the days that count, which begin with their first list in
the experiment. Once these days are over it does not change any more, whatever they do or take back later:
a test that is repeated needs that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db.models import Count, Min, QuerySet

from accounts.selectors import counts_for_others
from core.arrays import Bools, Doubles, Ints, Rows
from core.arrow import pa
from core.domain import USE_CASES
from feedback.models import Dislike
from interactions.models import UserInteraction
from interactions.successes import successes_of
from ranking.datasets.labels import relevance_of, slots_of
from ranking.datasets.ranker_rows import DISLIKED, PASSED_OVER
from ranking.datasets.session_log import SessionChunk, as_text, read_sessions
from ranking.models import Arm, Experiment
from ranking.statistics.lists import evaluate_lists
from recommendations.models import RecommendationSession

NDCG_K = 10


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """p people in the order of their first list in the experiment.

    user_ids  (p,)
    arms      (p,) from 0, in the order of the experiment's arms
    first     (p,) when that list was served, seconds since 1970
    lists     (p,) served to them in the experiment until now

    In the days that count:

    seen      (p,) slots seen
    engaged   (p,) of these the slots with an interaction that is a success in the use case
    disliked  (p,) of these the disliked ones
    ndcg      (p,) mean NDCG@10 of their lists as shown; NaN where nothing seen was engaged with
    """

    user_ids: Ints
    arms: Ints
    first: Doubles
    lists: Ints
    seen: Ints
    engaged: Ints
    disliked: Ints
    ndcg: Doubles

    def __len__(self) -> int:
        return len(self.user_ids)

    def rows_of(self, user_ids: Ints) -> tuple[Rows, Bools]:
        """The row of each of these people, and whether they have one; there is at least one person."""
        order = np.argsort(self.user_ids)
        places = np.searchsorted(self.user_ids, user_ids, sorter=order)
        rows = order[np.minimum(places, len(order) - 1)]
        return rows, self.user_ids[rows] == user_ids


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """Interactions with n slots: relevance as in the ranker's dataset, success or not, any or none."""

    relevance: Ints
    engaged: Bools
    acted: Bools


def read_people(experiment: Experiment, arms: Sequence[Arm]) -> People:
    """Everybody whose lists went through the experiment: two queries, and two for each chunk of lists.

    What is held is a few numbers per person, whatever the number of lists.
    """
    sessions = sessions_of(experiment, arms)
    people = _arrivals(sessions, arms)
    ndcg_sums, ndcg_lists = np.zeros(len(people)), np.zeros(len(people))
    positive = _successes(experiment)
    for chunk in read_sessions(sessions) if len(people) else ():
        person, known = people.rows_of(chunk.user_ids)
        # Who came while this was being read is left for the next report.
        ends = np.where(known, people.first[person] + seconds_that_count(experiment), -np.inf)
        done = _read_done(chunk, ends, positive)
        seen = _slots_seen(chunk, done.acted) & (chunk.times < ends)[chunk.list_of_slot]
        person_of_slot = person[chunk.list_of_slot]
        np.add.at(people.seen, person_of_slot, seen)
        np.add.at(people.engaged, person_of_slot, seen & done.engaged)
        np.add.at(people.disliked, person_of_slot, seen & (done.relevance == DISLIKED))
        ndcg = _ndcg_as_shown(chunk, seen, done.relevance)
        known = ~np.isnan(ndcg)
        np.add.at(ndcg_sums, person[known], ndcg[known])
        np.add.at(ndcg_lists, person[known], 1.0)
    np.divide(ndcg_sums, ndcg_lists, out=people.ndcg, where=ndcg_lists > 0)
    return people


def _successes(experiment: Experiment) -> tuple[str, ...]:
    """The types that count as a success: those of the use case, and what its history went by at the start.

    A site that has only clicks is compared by its clicks. The start decides: so an outcome never changes.
    """
    use_case = USE_CASES[experiment.use_case]
    by_history = successes_of(use_case, experiment.started_at or experiment.created_at)
    return tuple(dict.fromkeys((*use_case.positive_interactions, *by_history)))


def seconds_that_count(experiment: Experiment) -> float:
    """From a person's first list on."""
    return timedelta(days=experiment.outcome_days).total_seconds()


def sessions_of(experiment: Experiment, arms: Sequence[Arm]) -> QuerySet[RecommendationSession]:
    """The lists that were made as one of these arms says for accounts, since the experiment began."""
    return RecommendationSession.objects.filter(
        counts_for_others(),
        use_case=experiment.use_case,
        created_at__gte=experiment.started_at or experiment.created_at,
        experiment_arm__in=[arm.label for arm in arms],
    )


def _arrivals(sessions: QuerySet[RecommendationSession], arms: Sequence[Arm]) -> People:
    """The people with arm and time of arrival, and with nothing known of what they did."""
    numbers = {arm.label: number for number, arm in enumerate(arms)}
    rows = (
        sessions.order_by()
        .values_list("user_id")
        .annotate(first=Min("created_at"), arm=Min("experiment_arm"), lists=Count("pk"))
        .order_by("first", "user_id")
    )
    columns = np.array(
        [(user_id, numbers[label], moment.timestamp(), lists) for user_id, moment, label, lists in rows],
        dtype=[("user_id", "i8"), ("arm", "i8"), ("first", "f8"), ("lists", "i8")],
    )
    return People(
        user_ids=columns["user_id"],
        arms=columns["arm"],
        first=columns["first"],
        lists=columns["lists"],
        seen=np.zeros(len(columns), dtype=np.int64),
        engaged=np.zeros(len(columns), dtype=np.int64),
        disliked=np.zeros(len(columns), dtype=np.int64),
        ndcg=np.full(len(columns), np.nan),
    )


def _read_done(chunk: SessionChunk, ends: Doubles, positive: Sequence[str]) -> _Done:
    """Reads the interactions with a chunk's slots that stood when their person's days ended, in one query.

    ends  (g,) of each list, seconds since 1970

    Dislikes that staff took for abuse count as not made.
    """
    n = len(chunk.item_ids)
    done = _Done(np.full(n, PASSED_OVER), np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_))
    rows = list(
        UserInteraction.objects.filter(recommendation_session_id__in=chunk.session_ids)
        .exclude(dislike__review_state=Dislike.ReviewState.EXCLUDED)
        .order_by("pk")
        .values_list(
            as_text("recommendation_session_id"), "item_id", "type", "weight", "occurred_at", "withdrawn_at"
        )
    )
    if not rows or not n:
        return done
    keys, item_ids, names, weights, made, withdrawn = zip(*rows, strict=True)
    slots = slots_of(chunk, pa.array(keys), np.array(item_ids))
    end = ends[chunk.list_of_slot[slots]]
    since = np.array([moment.timestamp() for moment in made])
    until = np.array([np.inf if moment is None else moment.timestamp() for moment in withdrawn])
    stood = (slots >= 0) & (since < end) & (until >= end)
    relevance = relevance_of(pa.array(names).dictionary_encode(), np.array(weights))
    done.acted[slots[stood]] = True
    success = np.isin(names, positive) & (np.array(weights) > 0.0)
    done.engaged[slots[stood & success]] = True
    np.maximum.at(done.relevance, slots[stood], relevance[stood])
    done.relevance[slots[stood & (relevance == DISLIKED)]] = DISLIKED
    return done


def _slots_seen(chunk: SessionChunk, acted: Bools) -> Bools:
    """(n,): the slots down to the deepest that the page reported, or that something was done with."""
    deepest = chunk.seen_ranks.copy()
    np.maximum.at(deepest, chunk.list_of_slot[acted], chunk.ranks[acted])
    seen: Bools = chunk.ranks <= deepest[chunk.list_of_slot]
    return seen


def _ndcg_as_shown(chunk: SessionChunk, seen: Bools, relevance: Ints) -> Doubles:
    """(g,): NDCG@10 of what was seen of each list in the order shown; NaN where that says nothing."""
    lists: Rows = chunk.list_of_slot[seen]
    sizes = np.bincount(lists, minlength=len(chunk.sizes)).astype(np.int64)
    as_shown = -chunk.ranks[seen].astype(np.float64)
    return evaluate_lists(sizes, np.arange(len(sizes)), relevance[seen], as_shown, k=NDCG_K).ndcg
