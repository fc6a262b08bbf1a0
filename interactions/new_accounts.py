"""Bounds how much new accounts, which anybody makes in a minute, count for one item."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Sum

from accounts.selectors import is_new_account
from core.arrays import Bools, Doubles, Ints
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
    """The share that counts of what new accounts said for an item, and against it; else all of it."""

    speaking_for: dict[int, float]
    against: dict[int, float]

    def weights(self, item_ids: Ints, weights: Doubles, is_new: Bools) -> Doubles:
        """(n,) the weights of interactions as they count, of which new accounts did some."""
        counted = weights.copy()
        for shares, chosen in ((self.speaking_for, weights > 0.0), (self.against, weights <= 0.0)):
            bounded = np.flatnonzero(chosen & is_new & np.isin(item_ids, list(shares))) if shares else ()
            for place in bounded:
                counted[place] *= shares[int(item_ids[place])]
        return counted


def new_in(log: QuerySet[UserInteraction], now: datetime) -> Any:
    """The interactions, each with `is_new`: whether a new account did it.

    The types know of no annotation behind a function.
    """
    is_new = ExpressionWrapper(is_new_account(now, "user__"), output_field=BooleanField())
    return log.annotate(is_new=is_new)


def left_of_new(log: QuerySet[UserInteraction], now: datetime) -> LeftOfNew:
    """The share of each sum of weights in a log that `most_of_new` leaves to new accounts: one query."""
    sums = (
        new_in(log, now)
        .order_by()
        .values_list("item_id", "is_new")
        .annotate(
            wanted=Sum("weight", filter=Q(weight__gt=0.0), default=0.0),
            refused=Sum("weight", filter=Q(weight__lt=0.0), default=0.0),
        )
    )
    worth: dict[bool, tuple[dict[int, float], dict[int, float]]] = defaultdict(lambda: ({}, {}))
    for item_id, is_new, wanted, refused in sums.iterator(chunk_size=5000):
        wanting, refusing = worth[bool(is_new)]
        wanting[item_id], refusing[item_id] = wanted, -refused
    (wanting, refusing), (wanting_new, refusing_new) = worth[False], worth[True]
    return LeftOfNew(
        shares_left(wanting_new, most_of_new(wanting.values(), STRONGEST_YES)),
        shares_left(refusing_new, most_of_new(refusing.values(), STRONGEST_NO)),
    )


def shares_left(worth: dict[int, float], most: float) -> dict[int, float]:
    """The share of each item's `worth` that counts, of those of which not all does."""
    return {item_id: share_left(one, most) for item_id, one in worth.items() if one > most}
