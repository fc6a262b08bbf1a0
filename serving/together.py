"""One list for two people: what both would like, and nothing that either of them leaves out."""

from datetime import datetime

import numpy as np
from django.utils import timezone

from core.arrays import Doubles, Ints
from core.domain import UseCase
from ranking.boosting import personalize
from ranking.candidates import Candidates
from ranking.scoring import exclude, rank, retrieve
from serving.live import get_state
from serving.pipeline import ServedList, finish, open_request


def recommend_together(
    *, user_id: int, other_id: int, use_case: UseCase, limit: int, now: datetime | None = None
) -> ServedList:
    """The best `limit` items for two people now, recorded as a session of the first of them.

    Both pools are one, ordered by the geometric mean of the two scores: what one of them would hardly like
    stands low, and it does not matter on which scale either is known. Chance fills no place. Reasons are
    those of the first person. Six queries once the process is warm.
    """
    now = now or timezone.now()
    state = get_state(use_case.name)
    ours, theirs = (open_request(one, state.for_person(one), now) for one in (user_id, other_id))
    pool = [*retrieve(ours), *retrieve(theirs)]
    mine, other = (personalize(rank(request, pool), request) for request in (ours, theirs))
    both = mine.with_asked(np.sqrt(_ratio(_scores_of(mine.item_ids, other), mine.scores)))
    allowed = exclude(exclude(both, ours.not_to_show), theirs.not_to_show)
    return finish(allowed, ours, limit, now=now, chance=None, note={"together": True})


def _scores_of(item_ids: Ints, candidates: Candidates) -> Doubles:
    """The scores of items among candidates that have all of them, (n,)."""
    order = np.argsort(candidates.item_ids)
    return candidates.scores[order][np.searchsorted(candidates.item_ids[order], item_ids)]


def _ratio(above: Doubles, below: Doubles) -> Doubles:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0.0)
