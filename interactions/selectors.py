"""Reads of what people did."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max, Q, QuerySet, Sum

from core.domain import DISLIKE, RATED, TYPES, UseCase
from core.domain.roles import types_of_other_roles, use_cases_of_other_roles
from interactions.models import UserInteraction

_STATES = [row.name for row in TYPES.values() if row.is_state]

# item id, interaction type, sum of training weights
HistoryRow = tuple[int, str, float]


def active_interactions() -> QuerySet[UserInteraction]:
    """Every interaction that counts: withdrawn ones left out."""
    return UserInteraction.objects.filter(withdrawn_at=None)


def said_in(use_case: UseCase) -> Q:
    """The filter of interactions that count in a use case: those with items of its kind, without a role.

    Of one for a role: its successes, wherever the item was met, and never those of other roles. A view, a
    click or a dislike has no role of its own; it has that of its list, and without a list it counts for all.
    """
    of_kind = Q(item__kind=use_case.kind)
    lists = use_cases_of_other_roles(use_case)
    if not lists:
        return of_kind
    elsewhere = Q(recommendation_session__use_case__in=lists) | Q(type__in=types_of_other_roles(use_case))
    return of_kind & (Q(type__in=use_case.positive_interactions) | ~elsewhere)


def history_rows(
    *, user_id: int, use_case: UseCase
) -> QuerySet[UserInteraction, tuple[int, str, float, datetime]]:
    """The acts of one person that count in a use case: item id, type, summed weight, time of the last.

    A dislike is one in every role: whatever list it came from, the item is not shown to the person again.
    """
    said = said_in(use_case)
    if use_case.role is not None:
        said |= Q(item__kind=use_case.kind, type=DISLIKE)
    return (
        active_interactions()
        .filter(said, user_id=user_id)
        .order_by()
        .values_list("item_id", "type")
        .annotate(weight_sum=Sum("weight"), last_at=Max("occurred_at"))
    )


def get_states(*, user_id: int, item_ids: Iterable[int]) -> dict[int, set[str]]:
    """The active states (like, watched, …) between a person and each of these items, in one query."""
    rows = active_interactions().filter(user_id=user_id, item_id__in=list(item_ids), type__in=_STATES)
    states: dict[int, set[str]] = {}
    for item_id, name in rows.values_list("item_id", "type"):
        states.setdefault(item_id, set()).add(name)
    return states


def get_rating(*, user_id: int, item_id: int) -> float | None:
    """The rating (0 to 10) that a person gave an item, or None."""
    return (
        active_interactions()
        .filter(user_id=user_id, item_id=item_id, type__in=RATED)
        .values_list("rating", flat=True)
        .first()
    )
