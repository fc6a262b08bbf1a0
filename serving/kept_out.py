"""The titles that each dislike and each wish of a person keeps out of their list now."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np
from django.utils import timezone

from catalog.selectors import ItemCard, get_cards
from core.arrays import Doubles, Ints
from core.domain import UseCase
from feedback.adjustments import apply_feature_adjustments
from feedback.rules import StandingRules
from ranking.boosting import personalize
from ranking.candidates import Candidates
from ranking.request import RankingRequest
from ranking.scoring import exclude, rank, retrieve
from serving.live import get_state
from serving.opening import open_request

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class _Pool:
    """All that a person could be shown if they had blocked nothing, best first, and where each stands."""

    candidates: Candidates
    request: RankingRequest
    blocked: Ints

    def scores(self, without: Collection[int]) -> Doubles:
        """The scores as they would be if these facets were neither held back nor blocked."""
        catalog = self.request.context.catalog
        ids = self.candidates.item_ids
        facets = catalog.content.facets[catalog.rows_of(ids)]
        left = {one: factor for one, factor in self.request.person.penalties.items() if one not in without}
        strength = self.request.context.policy.hold_back
        penalties = apply_feature_adjustments(facets, catalog.facet_ids, left, strength)
        penalties[np.isin(ids, self.request.person.allowed)] = 1.0
        scores: Doubles = self.candidates.boosted_scores * penalties
        freed = catalog.with_facets(without)
        scores[np.isin(ids, np.setdiff1d(self.blocked, freed))] = -1.0
        return scores


def titles_kept_out(
    *,
    user_id: int,
    use_case: UseCase,
    facets_of: Mapping[Key, Collection[int]],
    rules: StandingRules,
    limit: int,
    now: datetime | None = None,
) -> dict[Key, list[ItemCard]]:
    """The titles of a list of `limit` that would be in it if what each no speaks of were not held back.

    facets_of  the facets that each no holds back or blocks, by whatever it is known by

    Chance has no part in it. Three queries, however many there are.
    """
    if not facets_of:
        return {}
    pool = _pool_of(user_id, use_case, rules, now or timezone.now())
    ids = pool.candidates.item_ids
    shown = set(_best(ids, pool.scores(()), limit))
    found = {key: _best(ids, pool.scores(facets), limit) for key, facets in facets_of.items()}
    lost = {key: [one for one in best if one not in shown] for key, best in found.items()}
    cards = get_cards({one for ids in lost.values() for one in ids})
    return {key: [cards[one] for one in ids if one in cards] for key, ids in lost.items()}


def _best(ids: Ints, scores: Doubles, limit: int) -> list[int]:
    first = np.argsort(-scores, kind="stable")[:limit]
    best: list[int] = ids[first[scores[first] >= 0.0]].tolist()
    return best


def _pool_of(user_id: int, use_case: UseCase, rules: StandingRules, now: datetime) -> _Pool:
    request = open_request(user_id, get_state(use_case.name).for_person(user_id), now)
    person, catalog = request.person, request.context.catalog
    blocked = np.setdiff1d(catalog.with_facets(rules.never), np.array(sorted(rules.allowed), dtype=np.int64))
    if len(blocked):
        # What they did something with stays out for that.
        excluded = np.union1d(np.setdiff1d(person.excluded, blocked), person.item_ids)
        excluded = np.union1d(excluded, request.rules.blocked)
        person = replace(person, excluded=np.union1d(excluded, sorted(rules.left_out)).astype(np.int64))
        request = RankingRequest.of(
            person, request.context, request.now, barred=request.barred, rules=request.rules
        )
    candidates = exclude(personalize(rank(request, retrieve(request)), request), request.not_to_show)
    return _Pool(candidates, request, blocked)
