"""Bounds how much new accounts, which anybody makes in a minute, count for one item."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Sum

from accounts.models import User
from accounts.selectors import is_new_account
from core.arrays import Doubles, Ints
from core.domain import TYPES
from interactions.models import UserInteraction

STRONGEST_YES = max(row.training_weight(None) for row in TYPES.values() if row.polarity > 0)
STRONGEST_NO = max(-row.training_weight(None) for row in TYPES.values() if row.polarity < 0)


def most_of_new(of_others: Iterable[float], one_person: float) -> float:
    """The most that all new accounts together are worth to one item.

    NEW_ACCOUNT_SHARE of what the item that others want most is worth to them, and at least the word of
    NEW_ACCOUNT_PEOPLE, each of which is worth `one_person`. Where nobody else is, there is no bound: a site
    begins with new accounts.
    """
    highest = max(of_others, default=0.0)
    if highest <= 0.0:
        return float("inf")
    most: float = max(settings.NEW_ACCOUNT_SHARE * highest, settings.NEW_ACCOUNT_PEOPLE * one_person)
    return most


def share_left(worth: float, most: float) -> float:
    """The share of `worth` that counts where `most` is the bound."""
    return 1.0 if worth <= most else most / worth


@dataclass(frozen=True, slots=True)
class LeftOfNew:
    """The share that counts of what new accounts said for an item, and against it; else all of it.

    people  (p,) the ids of these accounts
    """

    people: Ints
    speaking_for: dict[int, float]
    against: dict[int, float]

    def weights(self, user_ids: Ints, item_ids: Ints, weights: Doubles) -> Doubles:
        """(n,) the weights of interactions as they count."""
        counted = weights.copy()
        if not self.speaking_for and not self.against:
            return counted
        for place in np.flatnonzero(np.isin(user_ids, self.people)):
            shares = self.speaking_for if weights[place] > 0.0 else self.against
            counted[place] *= shares.get(int(item_ids[place]), 1.0)
        return counted


def new_in(log: QuerySet[UserInteraction], now: datetime) -> Any:
    """The interactions, each with `is_new`: whether a new account did it.

    The types know of no annotation behind a function.
    """
    is_new = ExpressionWrapper(is_new_account(now, "user__"), output_field=BooleanField())
    return log.annotate(is_new=is_new)


def left_of_new(log: QuerySet[UserInteraction], now: datetime) -> LeftOfNew:
    """The share of each sum of weights in a log that `most_of_new` leaves to new accounts.

    Two queries, and a third, which adds up the log, where such accounts said anything.
    """
    new = User.objects.filter(is_new_account(now)).order_by().values("pk")
    wanting_new, refusing_new = _worth(log.filter(user__in=new))
    people = np.array(new.values_list("pk", flat=True), np.int64)
    if not wanting_new:
        return LeftOfNew(people, {}, {})
    wanting, refusing = _worth(log.exclude(user__in=new))
    return LeftOfNew(
        people,
        shares_left(wanting_new, most_of_new(wanting.values(), STRONGEST_YES)),
        shares_left(refusing_new, most_of_new(refusing.values(), STRONGEST_NO)),
    )


def _worth(log: QuerySet[UserInteraction]) -> tuple[dict[int, float], dict[int, float]]:
    """The sums of weights by item: of what speaks for it, and of what speaks against it."""
    sums = (
        log.order_by()
        .values_list("item_id")
        .annotate(
            wanted=Sum("weight", filter=Q(weight__gt=0.0), default=0.0),
            refused=Sum("weight", filter=Q(weight__lt=0.0), default=0.0),
        )
    )
    # No cursor, behind which PostgreSQL would not work in parallel: these are some numbers per item.
    rows = list(sums)
    return {row[0]: row[1] for row in rows}, {row[0]: -row[2] for row in rows}


def shares_left(worth: dict[int, float], most: float) -> dict[int, float]:
    """The share of each item's `worth` that counts, of those of which not all does."""
    return {item_id: share_left(one, most) for item_id, one in worth.items() if one > most}
