"""Reads of what people did."""

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Sum

from accounts.selectors import counts_for_others
from catalog.models import Item
from catalog.selectors import find_item
from core.domain import DISLIKE, KINDS, RATED, TYPES, UseCase
from core.domain.roles import types_of_other_roles, use_cases_of_other_roles
from core.errors import NotFound
from core.queries import Parameter, moment_as_text
from interactions.models import UserInteraction
from recommendations.selectors import items_shown

_STATES = [row.name for row in TYPES.values() if row.is_state]

# The types that record that a state was taken back, each with the states.
TAKING_BACK: dict[str, list[str]] = {
    undo: [row.name for row in TYPES.values() if row.undo == undo]
    for undo in dict.fromkeys(row.undo for row in TYPES.values() if row.undo)
}

# Of interactions that models and popularity may learn from: staff did not take them for abuse. What a person
# sees does not go by it, for a dislike holds for whoever made it. The name of the state is that of
# `feedback.models.Dislike.ReviewState`, an app above this one.
NOT_ABUSE = ~Q(dislike__review_state="excluded")
# Those of them that an account did itself, no profile of it, and none that staff discounted.
TEACHES = NOT_ABUSE & counts_for_others()

# item id, interaction type, sum of training weights
HistoryRow = tuple[int, str, float]


def active_interactions() -> QuerySet[UserInteraction]:
    """Every interaction that counts: withdrawn ones left out."""
    return UserInteraction.objects.filter(withdrawn_at=None)


def telling_interactions() -> QuerySet[UserInteraction]:
    """Every interaction that counts and says something: what only took a state back left out.

    With the state it is as if neither had been; counted by itself it would weigh against the item.
    """
    took_back = Q()
    for undo, states in TAKING_BACK.items():
        ended = UserInteraction.objects.filter(
            user=OuterRef("user"),
            item=OuterRef("item"),
            type__in=states,
            withdrawn_at=OuterRef("occurred_at"),
        )
        took_back |= Q(Exists(ended), type=undo)
    return active_interactions().filter(~took_back) if took_back else active_interactions()


def kinds_to_speak_of(
    *, user_id: int, item_ids: Collection[int], as_of_then: Collection[int] = ()
) -> dict[int, str]:
    """The kinds, by id, of those of the items of which this person may say something.

    These are the active ones, and of the hidden ones those that they met or that they speak of as of then:
    what happened is not judged by the catalog of today.
    """
    rows = Item.objects.filter(pk__in=item_ids, kind__in=list(KINDS)).values_list("pk", "kind", "is_active")
    kinds, hidden = {}, set()
    for item_id, kind, is_active in rows:
        kinds[item_id] = kind
        if not is_active and item_id not in as_of_then:
            hidden.add(item_id)
    if hidden:
        done = UserInteraction.objects.filter(user_id=user_id, item_id__in=hidden)
        hidden -= set(done.values_list("item_id", flat=True))
    if hidden:
        hidden -= items_shown(user_id=user_id, item_ids=hidden)
    return {item_id: kind for item_id, kind in kinds.items() if item_id not in hidden}


def check_may_speak(*, user_id: int, kind: str, item_id: int, session_id: UUID | None = None) -> None:
    """Raises NotFound where this person cannot say anything of an item of `kind`.

    One that they say to come from a list may be hidden by now; whether the list held it, its slots tell.
    """
    then = () if session_id is None else (item_id,)
    if kinds_to_speak_of(user_id=user_id, item_ids=[item_id], as_of_then=then).get(item_id) != kind:
        raise NotFound("There is no such item.")


def find_item_to_speak_of(
    *, user_id: int, item_id: int | None, title: str, kind: str | None = None, id_field: str, title_field: str
) -> Item:
    """`find_item`, which also finds by its id what is hidden by now and this person has met."""
    if item_id is not None:
        found = kinds_to_speak_of(user_id=user_id, item_ids=[item_id]).get(item_id)
        if found is not None and kind in (None, found):
            return Item.objects.get(pk=item_id)
    return find_item(item_id=item_id, title=title, kind=kind, id_field=id_field, title_field=title_field)


def said_in(use_case: UseCase) -> Q:
    """The filter of interactions that count in a use case: those with items of its kind, without a role.

    Of one for a role: its successes, wherever the item was met, and never those of other roles. A view, a
    click or a dislike has no role of its own; it has that of its list, and without a list it counts for all.
    """
    return Q(item__kind=use_case.kind) & said_of_any_kind(use_case)


def said_of_any_kind(use_case: UseCase) -> Q:
    """`said_in` without the kind of the item, for who knows the kinds of the items."""
    lists = use_cases_of_other_roles(use_case)
    if not lists:
        return Q()
    elsewhere = Q(recommendation_session__use_case__in=lists) | Q(type__in=types_of_other_roles(use_case))
    return Q(type__in=use_case.positive_interactions) | ~elsewhere


def history_rows(
    *, user_id: int | Parameter, use_case: UseCase
) -> QuerySet[UserInteraction, tuple[int, str, float, str]]:
    """The acts of one person that count in a use case: item id, type, summed weight, last time as text.

    A dislike is one in every role: whatever list it came from, the item is not shown to the person again.
    Items of other kinds are among them: to ask for the kind of each, PostgreSQL reads the whole catalog.
    """
    said = said_of_any_kind(use_case)
    if use_case.role is not None:
        said |= Q(type=DISLIKE)
    return (
        active_interactions()
        .filter(said, user_id=user_id)
        .order_by()
        .values_list("item_id", "type")
        .annotate(weight_sum=Sum("weight"), last_at=moment_as_text(Max("occurred_at")))
    )


def refused_rows(*, user_id: int) -> QuerySet[UserInteraction, tuple[int, str]]:
    """The items that a person disliked or rated below their middle, each with what they did."""
    rows = active_interactions().filter(Q(type=DISLIKE) | Q(weight__lt=0.0), user_id=user_id)
    return rows.order_by().values_list("item_id", "type")


def get_states(*, user_id: int, item_ids: Iterable[int]) -> dict[int, set[str]]:
    """The active states (like, watched, …) between a person and each of these items, in one query."""
    rows = active_interactions().filter(user_id=user_id, item_id__in=list(item_ids), type__in=_STATES)
    states: dict[int, set[str]] = {}
    for item_id, name in rows.values_list("item_id", "type"):
        states.setdefault(item_id, set()).add(name)
    return states


def items_acted_on(*, user_id: int, item_ids: Collection[int]) -> set[int]:
    """Those of the items with which the person did anything that stands."""
    acts = active_interactions().filter(user_id=user_id, item_id__in=item_ids)
    return set(acts.order_by().values_list("item_id", flat=True).distinct())


def get_rating(*, user_id: int, item_id: int) -> float | None:
    """The rating (0 to 10) that a person gave an item, or None."""
    return (
        active_interactions()
        .filter(user_id=user_id, item_id=item_id, type__in=RATED)
        .values_list("rating", flat=True)
        .first()
    )
