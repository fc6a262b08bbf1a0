"""Bursts of new accounts: items of which many of them speak at once, and what staff do about it.

Such accounts are bounded whatever they say (`interactions.new_accounts`). Discounted ones count nothing for
others, whatever their age, until they are counted again; their own lists go on as before.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet, Sum

from accounts.models import User
from accounts.selectors import is_new_account
from interactions.models import UserInteraction
from interactions.new_accounts import STRONGEST_NO, STRONGEST_YES, most_of_new, share_left
from interactions.selectors import TEACHES, active_interactions

# The two directions, and the interactions that speak in each.
_DIRECTIONS = {True: Q(weight__gt=0.0), False: Q(weight__lt=0.0)}
_STRONGEST = {True: STRONGEST_YES, False: STRONGEST_NO}


@dataclass(frozen=True, slots=True)
class Burst:
    """One item of which new accounts speak, all for it or all against it.

    accounts  how many do
    first     when the first of what they said was said; `last` when the last was
    share     the share of it that counts
    """

    item_id: int
    speaks_for: bool
    accounts: int
    first: datetime
    last: datetime
    share: float


@dataclass(frozen=True, slots=True)
class DiscountedGroup:
    """The accounts that were discounted at one moment."""

    at: datetime
    accounts: int


def find_bursts(now: datetime) -> list[Burst]:
    """The bursts of now, most accounts first, in two queries.

    One is where more than NEW_ACCOUNT_PEOPLE new accounts speak, or where not all that they say counts. The
    most that counts goes by what everybody else says of items of the same kind.
    """
    theirs = list(_sums(_log(now).filter(is_new_account(now, "user__"))))
    if not theirs:
        return []
    most = _most_by_kind(now, {row["item__kind"] for row in theirs})
    bursts = []
    for row in theirs:
        for speaks_for in _DIRECTIONS:
            accounts, worth, first, last = (row[f"{name}_{speaks_for}"] for name in _FIGURES)
            share = share_left(worth, most[row["item__kind"], speaks_for])
            if accounts > settings.NEW_ACCOUNT_PEOPLE or (accounts and share < 1.0):
                bursts.append(Burst(row["item_id"], speaks_for, accounts, first, last, share))
    return sorted(bursts, key=lambda one: (-one.accounts, one.item_id, not one.speaks_for))


def accounts_of(burst: Burst, now: datetime) -> QuerySet[User]:
    """The accounts of a burst."""
    said = _log(now).filter(
        is_new_account(now, "user__"), _DIRECTIONS[burst.speaks_for], item_id=burst.item_id
    )
    return User.objects.filter(pk__in=said.order_by().values("user_id"))


def discount(burst: Burst, now: datetime) -> int:
    """Discounts the accounts of a burst from now on; returns how many it were."""
    return accounts_of(burst, now).filter(discounted_at=None).update(discounted_at=now)


def discounted_groups() -> list[DiscountedGroup]:
    """The accounts that are discounted, by the moment at which they were; the latest first."""
    groups = (
        User.objects.exclude(discounted_at=None)
        .order_by()
        .values_list("discounted_at")
        .annotate(accounts=Count("pk"))
        .order_by("-discounted_at")
    )
    return [DiscountedGroup(at, accounts) for at, accounts in groups if at is not None]


def count_again(group: DiscountedGroup) -> int:
    """Has what a group of accounts said count again; returns how many it were."""
    return User.objects.filter(discounted_at=group.at).update(discounted_at=None)


_FIGURES = ("accounts", "worth", "first", "last")


def _log(now: datetime) -> QuerySet[UserInteraction]:
    return active_interactions().filter(TEACHES, occurred_at__lte=now).exclude(weight=0.0)


def _sums(log: QuerySet[UserInteraction]) -> Iterator[dict[str, Any]]:
    """The figures of each item, each in both directions."""
    figures: dict[str, Any] = {}
    for speaks_for, says in _DIRECTIONS.items():
        sign = 1.0 if speaks_for else -1.0
        figures |= {
            f"accounts_{speaks_for}": Count("user", distinct=True, filter=says),
            f"worth_{speaks_for}": sign * Sum("weight", filter=says, default=0.0),
            f"first_{speaks_for}": Min("occurred_at", filter=says),
            f"last_{speaks_for}": Max("occurred_at", filter=says),
        }
    # The types know of no annotations that are named at run time.
    rows: Any = log.order_by().values("item_id", "item__kind").annotate(**figures)
    yield from rows.iterator(chunk_size=5000)


def _most_by_kind(now: datetime, kinds: set[str]) -> dict[tuple[str, bool], float]:
    """The most that all new accounts are worth to an item of each of these kinds, in each direction."""
    others = (
        _log(now)
        .exclude(is_new_account(now, "user__"))
        .filter(item__kind__in=kinds)
        .order_by()
        .values_list("item_id", "item__kind")
        .annotate(
            wanted=Sum("weight", filter=_DIRECTIONS[True], default=0.0),
            refused=Sum("weight", filter=_DIRECTIONS[False], default=0.0),
        )
    )
    highest: defaultdict[tuple[str, bool], float] = defaultdict(float)
    for _, kind, wanted, refused in others.iterator(chunk_size=5000):
        highest[kind, True] = max(highest[kind, True], wanted)
        highest[kind, False] = max(highest[kind, False], -refused)
    return {
        (kind, speaks_for): most_of_new([highest[kind, speaks_for]], _STRONGEST[speaks_for])
        for kind in kinds
        for speaks_for in _DIRECTIONS
    }
