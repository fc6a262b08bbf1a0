"""Bounds how much new accounts, which anybody makes in a minute, count for one item."""

from collections.abc import Iterable

from django.conf import settings


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
