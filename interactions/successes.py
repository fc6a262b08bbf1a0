"""The interaction types that count as a success, by what a history has."""

from collections.abc import Collection
from datetime import datetime

from core.domain import TYPES, UseCase
from interactions.selectors import active_interactions, said_in

# From this graded relevance on a type says that somebody liked the item, and not only looked at it.
_LIKED = 3


def successes_of(use_case: UseCase, until: datetime) -> tuple[str, ...]:
    """The types that count as a success in a use case by its history up to `until`: one query or two.

    Those that the use case names, where any of them is on record. A history without any is learned from and
    evaluated by what it has: ratings, or whatever else says that an item was liked, and without such a thing
    what speaks for an item at all, such as clicks. Only interactions that speak for their item count.
    """
    rows = active_interactions().filter(said_in(use_case), weight__gt=0.0, occurred_at__lte=until).order_by()
    # One row tells, where there is any; for the types of all the whole log is read.
    if rows.filter(type__in=use_case.positive_interactions).exists():
        return use_case.positive_interactions
    return successes_among(use_case, set(rows.values_list("type", flat=True).distinct()))


def successes_among(use_case: UseCase, found: Collection[str]) -> tuple[str, ...]:
    """The types that count as a success where `found` are those by which interactions spoke for an item."""
    speaking = [name for name in TYPES if name in found]
    if not speaking or any(name in found for name in use_case.positive_interactions):
        return use_case.positive_interactions
    liked = [name for name in speaking if TYPES[name].relevance >= _LIKED]
    return tuple(liked or speaking)
