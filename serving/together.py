"""One list for two people: what both would like, and nothing that either of them leaves out.

Who asks for it brings an invitation of the other, who so agrees: a text that we signed, good for a day, or
until the account of the other gets a new password.
"""

import time
from datetime import datetime

import numpy as np
from django.core import signing
from django.utils import timezone

from accounts.models import User
from core.arrays import Doubles, Ints
from core.domain import UseCase
from core.errors import InvalidInput
from ranking.boosting import personalize
from ranking.candidates import Candidates
from ranking.scoring import exclude, rank, retrieve
from serving.curating import brought_by_pins
from serving.live import get_state
from serving.opening import open_request
from serving.pipeline import ServedList, finish
from serving.wishes import NO_WISHES, Wishes

_SALT = "heed.together"
INVITATION_SECONDS = 24 * 3600
_MARK_LENGTH = 16
OWN = "This link is your own. Give it to who sits beside you."
NO_LONGER = "This link is no longer good. Ask for a new one."


def invite(person: User) -> str:
    """An invitation of a person to a list with them. Nothing is stored."""
    return signing.dumps([person.pk, _mark_of(person)], salt=_SALT)


def read_invitation(text: str, person: User) -> User:
    """Whoever made an invitation that `person` was given.

    Raises InvalidInput for their own, and for one that is too old, from before a new password, of nobody, or
    of somebody gone.
    """
    try:
        user_id, mark = signing.loads(text, salt=_SALT, max_age=INVITATION_SECONDS)
    except (signing.BadSignature, TypeError):
        # Of an earlier release it is a number alone.
        raise InvalidInput(NO_LONGER) from None
    if user_id == person.pk:
        raise InvalidInput(OWN)
    found = User.objects.filter(pk=user_id, is_active=True).select_related("owner").first()
    if found is None or (found.owner is not None and not found.owner.is_active) or mark != _mark_of(found):
        raise InvalidInput(NO_LONGER)
    return found


def _mark_of(person: User) -> str:
    """A text that is another once the account of a person has a new password."""
    return (person.owner or person).get_session_auth_hash()[:_MARK_LENGTH]


def recommend_together(
    *,
    user_id: int,
    other_id: int,
    use_case: UseCase,
    limit: int,
    wishes: Wishes = NO_WISHES,
    now: datetime | None = None,
) -> ServedList:
    """The best `limit` items for two people now, recorded as a session of the first of them.

    Both pools are one, ordered by the geometric mean of the two scores: what one of them would hardly like
    stands low, and it does not matter on which scale either is known. Chance fills no place. Reasons are
    those of the first person. Of `wishes` conditions are heeded. Six queries once the process is warm.
    """
    began = time.perf_counter()
    now = now or timezone.now()
    state = get_state(use_case.name)
    ours, theirs = (open_request(one, state.for_person(one), now, wishes) for one in (user_id, other_id))
    pinned = brought_by_pins(ours)
    pool = [*retrieve(ours), *retrieve(theirs), *([] if pinned is None else [pinned])]
    mine, other = (personalize(rank(request, pool), request) for request in (ours, theirs))
    both = mine.with_asked(np.sqrt(_ratio(_scores_of(mine.item_ids, other), mine.scores)))
    allowed = exclude(exclude(both, ours.not_to_show), theirs.not_to_show)
    return finish(
        allowed, ours, limit, now=now, began=began, chance=None, note={**wishes.note, "together": True}
    )


def _scores_of(item_ids: Ints, candidates: Candidates) -> Doubles:
    """The scores of items among candidates that have all of them, (n,)."""
    order = np.argsort(candidates.item_ids)
    return candidates.scores[order][np.searchsorted(candidates.item_ids[order], item_ids)]


def _ratio(above: Doubles, below: Doubles) -> Doubles:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0.0)
