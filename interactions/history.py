"""The acts of one person as they read them: what stands, newest first, page by page."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Max, Q, QuerySet

from core.domain import TYPES
from core.errors import InvalidInput
from interactions.models import UserInteraction
from interactions.selectors import active_interactions

STATES = tuple(row.name for row in TYPES.values() if row.is_state)
"""The types of act that stand until they are taken back, as heed.toml lists them."""

LOOKS = tuple(row.name for row in TYPES.values() if row.is_look)
"""The types of act that recur and that a reason may name: looks and clicks."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"-?[0-9]{1,18}\.[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """One page of acts, and the cursor of the next one; "" at the end."""

    acts: list[UserInteraction]
    next: str


@dataclass(frozen=True, slots=True)
class Looked:
    """An item, hidden ones too, how often a person looked at it, and when last."""

    item_id: int
    title: str
    year: int | None
    is_active: bool
    times: int
    last: datetime


def read_looks(*, user_id: int, text: str, most: int) -> list[Looked]:
    """The items that a person looked at last, `text` in their title, newest first: one query."""
    rows = (
        _with_title(active_interactions().filter(user_id=user_id, type__in=LOOKS), text)
        .values_list("item_id", "item__title", "item__year", "item__is_active")
        .annotate(times=Count("pk"), last=Max("occurred_at"))
        .order_by("-last", "-item_id")[:most]
    )
    return [Looked(*row) for row in rows]


def read_history(
    *, user_id: int, types: Collection[str], text: str, cursor: str, length: int, rated: bool = False
) -> HistoryPage:
    """The acts of these types that stand, with their items, hidden ones too: one query.

    A page goes on behind the act that the cursor names, so nothing is left out or repeated where
    something was done meanwhile. `text` is in the title or the original one. Raises InvalidInput for what is
    no cursor.
    """
    acts = active_interactions().filter(user_id=user_id, type__in=types)
    if rated:
        acts = acts.filter(rating__isnull=False)
    acts = _with_title(acts, text)
    if cursor:
        acts = _behind(acts, cursor)
    rows = list(acts.select_related("item").order_by("-occurred_at", "-pk")[: length + 1])
    return HistoryPage(rows[:length], _cursor_at(rows[length - 1]) if len(rows) > length else "")


def find_act(*, user_id: int, act_id: int) -> UserInteraction | None:
    """A person's own act that stands, with its item; None where there is none."""
    acts = active_interactions().filter(user_id=user_id, type__in=STATES)
    return acts.select_related("item").filter(pk=act_id).first()


def _with_title(acts: QuerySet[UserInteraction], text: str) -> QuerySet[UserInteraction]:
    """Those with items that have a text in their title or the original one; all where it is empty."""
    if not text:
        return acts
    return acts.filter(Q(item__title__icontains=text) | Q(item__original_title__icontains=text))


def _cursor_at(act: UserInteraction) -> str:
    return f"{(act.occurred_at - _EPOCH) // timedelta(microseconds=1)}.{act.pk}"


def _behind(acts: QuerySet[UserInteraction], cursor: str) -> QuerySet[UserInteraction]:
    if not _CURSOR.fullmatch(cursor):
        raise InvalidInput("after is not the end of a page of yours.")
    moment, _, key = cursor.partition(".")
    try:
        at = _EPOCH + timedelta(microseconds=int(moment))
    except OverflowError:
        raise InvalidInput("after is not the end of a page of yours.") from None
    return acts.filter(Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=int(key)))
