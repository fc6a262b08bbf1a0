"""Reads of what was shown."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from config.errors import NotFound
from recommendations.models import RecommendationSession

NO_SUCH_SESSION = "There is no such recommendation session with this item."


@dataclass(frozen=True, slots=True)
class Slot:
    """One position of a list that was served, as the server recorded it."""

    session_id: UUID
    item_id: int
    rank: int
    score: float
    method: str
    source: str


def find_slot(*, user_id: int, session_id: UUID, item_id: int) -> Slot:
    """The slot in which this person was shown this item.

    Raises NotFound, in the same words, when the session does not exist, is another person's, is too old
    or did not hold the item: the answer tells nothing about other people's sessions.
    """
    oldest = timezone.now() - timedelta(days=settings.RECOMMENDATION_SESSION_DAYS)
    shown = (
        RecommendationSession.objects.filter(pk=session_id, user_id=user_id, created_at__gte=oldest)
        .values_list("recommendations_shown", flat=True)
        .first()
    )
    for entry in shown or ():
        if entry["item_id"] == item_id:
            return Slot(
                session_id=session_id,
                item_id=item_id,
                rank=entry["rank"],
                score=entry["score"],
                method=entry["method"],
                source=entry["source"],
            )
    raise NotFound(NO_SUCH_SESSION)
