"""Reads of what was shown."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import FloatField, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.utils import timezone

from core.errors import NotFound
from recommendations.models import RecommendationSession

NO_SUCH_SESSION = "There is no such recommendation session with this item."
PUSHED_OUT_DAYS = 30
# What a person passed over is told by so many of their last lists, of so many days.
RECENT_LISTS = 5
RECENT_DAYS = 14
# The method of a list that a search found.
SEARCH_METHOD = "search"


@dataclass(frozen=True, slots=True)
class Slot:
    """One position of a list that was served, as the server recorded it."""

    session_id: UUID
    item_id: int
    rank: int
    score: float
    method: str
    source: str


def find_slots(*, user_id: int, wanted: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Slot]:
    """The slots in which this person was shown these items, by (session id, item id), in one query.

    Raises NotFound, in the same words, when a session does not exist, is another person's, is too old
    or did not hold the item: the answer tells nothing about other people's sessions.
    """
    if not wanted:
        return {}
    oldest = timezone.now() - timedelta(days=settings.RECOMMENDATION_SESSION_DAYS)
    sessions = RecommendationSession.objects.filter(
        pk__in={session_id for session_id, _ in wanted}, user_id=user_id, created_at__gte=oldest
    ).values_list("pk", "recommendations_shown")
    slots = {
        (session_id, entry["item_id"]): Slot(
            session_id=session_id,
            item_id=entry["item_id"],
            rank=entry["rank"],
            score=entry["score"],
            method=entry["method"],
            source=entry["source"],
        )
        for session_id, shown in sessions
        for entry in shown
    }
    if not slots.keys() >= set(wanted):
        raise NotFound(NO_SUCH_SESSION)
    return slots


def lists_seen(
    *, user_id: int, use_case: str, now: datetime
) -> QuerySet[RecommendationSession, tuple[int, str, float, datetime]]:
    """Rows of the last lists of a use case that a person saw anything of, for a union with other reads.

    The deepest rank seen, the entries as JSON text, 0.0 and when it was shown; at most RECENT_LISTS, not
    older than RECENT_DAYS. What a search found is not among them: the person asked for it.
    """
    mine = RecommendationSession.objects.filter(
        user_id=user_id, use_case=use_case, seen_rank__gt=0, created_at__gt=now - timedelta(days=RECENT_DAYS)
    ).exclude(method=SEARCH_METHOD)
    # A part of a union may not be cut by itself on SQLite.
    last = RecommendationSession.objects.filter(
        pk__in=mine.order_by("-created_at").values("pk")[:RECENT_LISTS]
    )
    return last.order_by().values_list(
        "seen_rank",
        Cast("recommendations_shown", TextField()),
        Value(0.0, output_field=FloatField()),
        "created_at",
    )


def count_passed_over(lists: Iterable[tuple[int, str]], acted_on: Collection[int]) -> dict[int, int]:
    """The times each item was seen in `lists` (deepest rank seen, entries as JSON), of those not acted on."""
    seen: Counter[int] = Counter()
    for seen_rank, shown in lists:
        seen.update({entry["item_id"] for entry in json.loads(shown) if entry["rank"] <= seen_rank})
    return {item_id: times for item_id, times in seen.items() if item_id not in acted_on}


def items_shown(*, user_id: int, item_ids: Collection[int]) -> set[int]:
    """Those of the items that a list showed to this person, within RECOMMENDATION_SESSION_DAYS; one query."""
    oldest = timezone.now() - timedelta(days=settings.RECOMMENDATION_SESSION_DAYS)
    lists = RecommendationSession.objects.filter(user_id=user_id, created_at__gte=oldest)
    found: set[int] = set()
    for shown in lists.order_by("-created_at").values_list("recommendations_shown", flat=True).iterator():
        found |= {entry["item_id"] for entry in shown}.intersection(item_ids)
        if len(found) == len(item_ids):
            break
    return found


def count_pushed_out(*, user_id: int, days: int = PUSHED_OUT_DAYS, now: datetime | None = None) -> int:
    """The number of different items that a person's dislikes pushed out of their lists in the last `days`."""
    since = (now or timezone.now()) - timedelta(days=days)
    lists = (
        RecommendationSession.objects.filter(user_id=user_id, created_at__gt=since)
        .exclude(pushed_out=[])
        .order_by()
        .values_list("pushed_out", flat=True)
    )
    return len({item_id for pushed_out in lists.iterator() for item_id in pushed_out})
