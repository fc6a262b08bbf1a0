"""Reads of what was shown."""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import FloatField, Q, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from core.errors import NotFound
from core.queries import Parameter, moment_as_text
from recommendations.models import RecommendationSession

NO_SUCH_SESSION = "There is no such recommendation session with this item."
PUSHED_OUT_DAYS = 30
# What a person passed over is told by so many of their last lists, of so many days.
RECENT_LISTS = 5
RECENT_DAYS = 14
# The method of a list that a search found.
SEARCH_METHOD = "search"
# The method of a list past its use, of which only the row is left, for what was done from it.
PRUNED_METHOD = "pruned"
# In `asked_for` of a list that was asked for by the API: one name for all that were asked for alike.
ASKED_ALIKE = "list"


@dataclass(frozen=True, slots=True)
class Slot:
    """One position of a list that was served, as the server recorded it."""

    session_id: UUID
    item_id: int
    rank: int
    score: float
    method: str
    source: str


class SeenSlot(NamedTuple):
    """One position of a list that a person saw, and when it was shown."""

    item_id: int
    rank: int
    shown_at: datetime


def find_slots(*, user_id: int, wanted: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Slot]:
    """The slots in which this person was shown these items, by (session id, item id), in one query.

    Raises NotFound, in the same words, when a session does not exist, is another person's, is too old
    or did not hold the item: the answer tells nothing about other people's sessions.
    """
    found = read_slots([(user_id, session_id, item_id) for session_id, item_id in wanted])
    slots = {(session_id, item_id): slot for (_, session_id, item_id), slot in found.items()}
    if not slots.keys() >= set(wanted):
        raise NotFound(NO_SUCH_SESSION)
    return slots


def read_slots(wanted: Collection[tuple[int, UUID, int]]) -> dict[tuple[int, UUID, int], Slot]:
    """The slots of lists not too old by (user id, session id, item id), of those wanted that there are.

    One query, however many people are asked about; none for nothing.
    """
    if not wanted:
        return {}
    oldest = timezone.now() - timedelta(days=settings.RECOMMENDATION_SESSION_DAYS)
    sessions = RecommendationSession.objects.filter(
        pk__in={session_id for _, session_id, _ in wanted}, created_at__gte=oldest
    ).values_list("user_id", "pk", "recommendations_shown")
    asked = set(wanted)
    return {
        (user_id, session_id, entry["item_id"]): Slot(
            session_id=session_id,
            item_id=entry["item_id"],
            rank=entry["rank"],
            score=entry["score"],
            method=entry["method"],
            source=entry["source"],
        )
        for user_id, session_id, shown in sessions
        for entry in shown
        if (user_id, session_id, entry["item_id"]) in asked
    }


def lists_seen(
    *, user_id: int | Parameter, use_case: str, since: datetime | Parameter
) -> QuerySet[RecommendationSession, tuple[int, str, float, str]]:
    """Rows of the last lists of a use case that a person saw anything of, for a union with other reads.

    The deepest rank seen, the entries as JSON text, 0.0 and as text when it was shown; at most RECENT_LISTS,
    all shown after `since`. What a search found is not among them: the person asked for it.
    """
    mine = RecommendationSession.objects.filter(
        user_id=user_id, use_case=use_case, seen_rank__gt=0, created_at__gt=since
    ).exclude(method=SEARCH_METHOD)
    # A part of a union may not be cut by itself on SQLite.
    last = RecommendationSession.objects.filter(
        pk__in=mine.order_by("-created_at").values("pk")[:RECENT_LISTS]
    )
    return last.order_by().values_list(
        "seen_rank",
        Cast("recommendations_shown", TextField()),
        Value(0.0, output_field=FloatField()),
        moment_as_text("created_at"),
    )


def last_lists_seen(
    *, user_id: int, use_cases: Iterable[str], since: datetime
) -> QuerySet[RecommendationSession, tuple[int, str, datetime]]:
    """The lists of `lists_seen` of several use cases, in the form that `slots_seen` reads: one query."""
    seen = RecommendationSession.objects.filter(
        user_id=user_id, seen_rank__gt=0, created_at__gt=since
    ).exclude(method=SEARCH_METHOD)
    last = Q(pk=None)
    for name in use_cases:
        last |= Q(pk__in=seen.filter(use_case=name).order_by("-created_at").values("pk")[:RECENT_LISTS])
    shown = Cast("recommendations_shown", TextField())
    lists = RecommendationSession.objects.filter(last).order_by("-created_at")
    return lists.values_list("seen_rank", shown, "created_at")


def slots_seen(lists: Iterable[tuple[int, str, datetime]]) -> list[SeenSlot]:
    """The slots that were seen of `lists` (deepest rank seen, entries as JSON, when), list after list."""
    return [
        SeenSlot(entry["item_id"], entry["rank"], shown_at)
        for seen_rank, shown, shown_at in lists
        for entry in json.loads(shown)
        if entry["rank"] <= seen_rank
    ]


def count_passed_over(seen: Iterable[SeenSlot], acted_on: Collection[int]) -> dict[int, int]:
    """The lists in which each item was seen, of those not acted on."""
    lists = {(slot.item_id, slot.shown_at) for slot in seen}
    times = Counter(item_id for item_id, _ in lists)
    return {item_id: count for item_id, count in times.items() if item_id not in acted_on}


def items_shown(*, user_id: int, item_ids: Collection[int]) -> set[int]:
    """Those of the items that a list showed to this person, within RECOMMENDATION_SESSION_DAYS; one query."""
    shown = pairs_shown({(user_id, item_id) for item_id in item_ids})
    return {item_id for _, item_id in shown}


def pairs_shown(wanted: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of the (user id, item id) of which a list showed the item to the person, as `items_shown`."""
    oldest = timezone.now() - timedelta(days=settings.RECOMMENDATION_SESSION_DAYS)
    lists = RecommendationSession.objects.filter(
        user_id__in={user_id for user_id, _ in wanted}, created_at__gte=oldest
    ).order_by("-created_at")
    asked, found = set(wanted), set[tuple[int, int]]()
    for user_id, shown in lists.values_list("user_id", "recommendations_shown").iterator():
        found |= {(user_id, entry["item_id"]) for entry in shown} & asked
        if len(found) == len(asked):
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


def page_before(
    *, user_id: int | Parameter, use_case: str, session_id: UUID | Parameter, oldest: datetime | Parameter
) -> tuple[QuerySet[RecommendationSession, tuple[int, str, float, str]], ...]:
    """Rows of a person's own list of a use case, for a union with other reads; none where it is not theirs.

    The first are of the form of `lists_seen`; the second have in place of the entries what it was asked for.
    A list from before `oldest` is not theirs any more.
    """
    return _page_rows(
        RecommendationSession.objects.filter(
            pk=session_id, user_id=user_id, use_case=use_case, created_at__gte=oldest
        )
    )


def last_alike(
    *, user_id: int | Parameter, use_case: str, asked: str | Parameter, oldest: datetime | Parameter
) -> tuple[QuerySet[RecommendationSession, tuple[int, str, float, str]], ...]:
    """Rows as of `page_before`, of the person's last list since `oldest` that was asked for by this name."""
    # As a text: what is compared with a value of JSON must be JSON itself on SQLite.
    name = Cast(KeyTextTransform(ASKED_ALIKE, "asked_for"), TextField())
    alike = RecommendationSession.objects.alias(alike=name).filter(
        user_id=user_id, use_case=use_case, created_at__gte=oldest, alike=asked
    )
    return _page_rows(
        RecommendationSession.objects.filter(pk__in=alike.order_by("-created_at", "pk").values("pk")[:1])
    )


def _page_rows(
    page: QuerySet[RecommendationSession],
) -> tuple[QuerySet[RecommendationSession, tuple[int, str, float, str]], ...]:
    nothing = Value(0.0, output_field=FloatField())
    return tuple(
        page.order_by().values_list(
            "seen_rank",
            Coalesce(Cast(name, TextField()), Value("null"), output_field=TextField()),
            nothing,
            moment_as_text("created_at"),
        )
        for name in ("recommendations_shown", "asked_for")
    )
