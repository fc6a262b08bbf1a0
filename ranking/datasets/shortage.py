"""The reasons for having nothing to learn from, in words that name the true one."""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.db.models import Count, Q, QuerySet

from accounts.selectors import counts_for_others, is_account
from catalog.models import Item
from core.domain import KINDS, TYPES, UseCase
from core.domain.words import listed
from interactions.models import UserInteraction
from interactions.selectors import NOT_ABUSE, said_in

_YET = "There is nothing to learn from yet"


def why_nothing_to_learn(use_case: UseCase, until: datetime) -> str:
    """The sentence why nothing up to `until` speaks for an item; "" where something does.

    One query where something does. Otherwise each ground on which an interaction does not count is asked for,
    and the one that leaves none is told.
    """
    rows = UserInteraction.objects.filter(item__kind=use_case.kind)
    kept, asked = Q(), []
    for ground, why in _grounds(use_case, until):
        asked.append((kept, why))
        kept &= ground
    if rows.filter(kept).exists():
        return ""
    items = KINDS[use_case.kind].label.lower()
    total = rows.count()
    if not total:
        if not Item.objects.filter(kind=use_case.kind).exists():
            return f"{_YET}: the catalog has no {items}. Import them first, with import_items."
        return f"{_YET}: nobody did anything with {items}. A history comes in with import_interactions."
    for number, (before, why) in enumerate(asked):
        if number + 1 == len(asked) or not rows.filter(asked[number + 1][0]).exists():
            left = rows.filter(before)
            count = left.count()
            which = f"{count:,} interactions" if count != 1 else "1 interaction"
            otherwise = "" if count == total else " that would count otherwise"
            said = f" ({_by_type(left)})" if number + 1 == len(asked) else ""
            return f"{_YET}: of {which} with {items}{otherwise} {why}{said}."
    return ""  # pragma: no cover  the last ground is always told


def _grounds(use_case: UseCase, until: datetime) -> Iterator[tuple[Q, str]]:
    """The grounds on which an interaction counts, and what is said where none is left by one."""
    yield Q(withdrawn_at=None), "all were taken back"
    yield NOT_ABUSE, "staff excluded all as abuse"
    yield is_account(), "profiles did all, and only what accounts do counts"
    yield counts_for_others(), "staff discounted the accounts that did all"
    yield Q(occurred_at__lte=until), f"all are dated after {moment_text(until.timestamp())}"
    yield said_in(use_case), f"all are another role's, and none counts in {use_case.name}"
    yield Q(weight__gt=0.0), "none speaks for an item"


def _by_type(rows: QuerySet[UserInteraction]) -> str:
    counts = rows.order_by().values_list("type").annotate(count=Count("pk")).order_by("type")
    return listed([f"{count:,} × {TYPES[name].done.lower()}" for name, count in counts])


def no_active_items(use_case: UseCase) -> str:
    """The sentence where no item of a use case may be shown."""
    items = KINDS[use_case.kind].label.lower()
    if Item.objects.filter(kind=use_case.kind).exists():
        return f"None of the {items} in the catalog is active, so no list could hold one. Make some active."
    return f"The catalog has no {items}. Import them first, with import_items."


def moment_text(moment: float) -> str:
    """A moment in seconds since 1970 as it stands in a sentence."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"
