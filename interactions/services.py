"""Writes of what people did.

Every write runs under the person's lock, so that "is it there already?" and the insert are one step:
twenty clicks at once leave one row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.selectors import check_may_do
from accounts.services import lock_person, note_first_act
from catalog.models import Item
from core.domain import TYPES
from core.domain.roles import TYPES_WITH_A_ROLE
from core.errors import InvalidInput, NotFound
from core.values import HAPPENED, RATING, TYPE, BadValue, check_rated, named
from interactions.history import LOOKS
from interactions.ledger import REPLACES, Ledger
from interactions.models import RECOMMENDATION, UserInteraction
from interactions.ratings import weigh_ratings
from interactions.selectors import active_interactions
from recommendations.selectors import Slot, find_slots


@dataclass(frozen=True, slots=True)
class Wanted:
    """An interaction to be recorded.

    session_id   the list it came from, if one is named
    rating       0 to 10, only of a type that is rated
    occurred_at  now, if left out
    strength     0 to 1, scales the training weight, for what is only half meant
    """

    item_id: int
    type_name: str
    session_id: UUID | None = None
    rating: float | None = None
    occurred_at: datetime | None = None
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result of a write: the interaction, and whether it is new or was there before."""

    interaction: UserInteraction
    created: bool


def record_interaction(
    *,
    user_id: int,
    item_id: int,
    type_name: str,
    session_id: UUID | None = None,
    rating: float | None = None,
    occurred_at: datetime | None = None,
    strength: float = 1.0,
) -> Recorded:
    """Records that a person did something with an item, as `record_interactions` does for many."""
    wanted = Wanted(item_id, type_name, session_id, rating, occurred_at, strength)
    return record_interactions(user_id=user_id, wanted=[wanted])[0]


def record_interactions(*, user_id: int, wanted: Sequence[Wanted]) -> list[Recorded]:
    """Records what a person did, all of it or nothing, each with the slot it came from where one is named.

    A state that stands already (a like) is not recorded again; a new rating replaces the older one, and one
    that arrives late is kept beside the newer one, withdrawn; a like and a dislike end each other; a view
    that follows another within VIEW_REPEAT_MINUTES is the same view.
    The number of queries does not depend on how many there are.
    Raises InvalidInput for values out of range, NotFound for a session that does not hold the item, and
    RoleNeeded for what only people of another role do. The items must exist.
    """
    now = timezone.now()
    for one in wanted:
        _check(one)
    in_sessions = {(one.session_id, one.item_id) for one in wanted if one.session_id is not None}
    slots = find_slots(user_id=user_id, wanted=in_sessions)
    with transaction.atomic():
        person = lock_person(user_id=user_id)
        _check_roles(person, wanted)
        note_first_act(person, now)
        ledger = Ledger.read(user_id, {one.item_id for one in wanted})
        rows = []
        for one in wanted:
            slot = None if one.session_id is None else slots[one.session_id, one.item_id]
            rows.append(new_interaction(user_id, one, slot, now))
        return write_new(rows, ledger, now)


def write_new(rows: Iterable[UserInteraction], ledger: Ledger, now: datetime) -> list[Recorded]:
    """Writes those of the rows that the ledger, which has all of their people and items, does not know yet.

    Needs a transaction and the locks of the people.
    """
    recorded = []
    for new in rows:
        known = ledger.find_same(new)
        if known is None:
            ledger.add(new, now)
        recorded.append(Recorded(known or new, created=known is None))
    ledger.write()
    _weigh(ledger)
    return recorded


def withdraw_state(*, user_id: int, item_id: int, type_name: str) -> UserInteraction:
    """Takes a state (a like, a place on the watchlist) back; the row stays, marked as withdrawn.

    What the state had ended when it came (a like, where it is a dislike) stands again, so that on and off
    leaves what was before. Where heed.toml names an `undo` for the type, that is recorded too.
    Raises NotFound where there is nothing to take back.
    """
    if type_name not in TYPES or not TYPES[type_name].is_state:
        states = sorted(row.name for row in TYPES.values() if row.is_state)
        raise InvalidInput(f"{type_name}: only {', '.join(states)} can be taken back.")
    now = timezone.now()
    with transaction.atomic():
        lock_person(user_id=user_id)
        state = active_interactions().filter(user_id=user_id, item_id=item_id, type=type_name).first()
        if state is None:
            raise NotFound(f"There is no {type_name.replace('_', ' ')} of this item to take back.")
        state.withdrawn_at = now
        state.save(update_fields=["withdrawn_at"])
        _bring_back(state)
        if state.rating is not None:
            weigh_ratings([user_id])
        if undo := TYPES[type_name].undo:
            weight = TYPES[undo].training
            UserInteraction.objects.create(
                user_id=user_id, item_id=item_id, type=undo, weight=weight, occurred_at=now
            )
        return state


def forget_looks(*, user_id: int, item_id: int) -> None:
    """Takes back that a person looked at an item, however often; the rows stay, marked as withdrawn.

    Raises NotFound where there is nothing to take back.
    """
    with transaction.atomic():
        lock_person(user_id=user_id)
        looks = active_interactions().filter(user_id=user_id, item_id=item_id, type__in=LOOKS)
        if not looks.update(withdrawn_at=timezone.now()):
            raise NotFound("There is no look at this item to take back.")


def _bring_back(state: UserInteraction) -> None:
    """Makes the states stand again that `state`, which is withdrawn now, had ended."""
    ended = UserInteraction.objects.filter(
        user_id=state.user_id,
        item_id=state.item_id,
        type__in=[name for name in REPLACES[state.type] if name != state.type],
        is_state=True,
        occurred_at__lte=state.occurred_at,
        withdrawn_at__gte=state.occurred_at,
    )
    latest = {row.type: row.pk for row in ended.order_by("occurred_at", "pk")}
    standing = active_interactions().filter(user_id=state.user_id, item_id=state.item_id)
    taken = set(standing.filter(type__in=latest).values_list("type", flat=True)) if latest else set()
    wanted = [pk for name, pk in latest.items() if name not in taken]
    if wanted:
        UserInteraction.objects.filter(pk__in=wanted).update(withdrawn_at=None)


def _weigh(ledger: Ledger) -> None:
    """Weighs the ratings of people anew of whom any was added or withdrawn; a query in that case."""
    changed = (*ledger.added, *ledger.withdrawn)
    if people := sorted({row.user_id for row in changed if row.rating is not None}):
        weights = weigh_ratings(people)
        for row in ledger.added:
            row.weight = weights.get(row.pk, row.weight)


def _check(one: Wanted) -> None:
    """Raises InvalidInput for a type that does not exist, or a rating or time out of range."""
    try:
        named("type", TYPE, one.type_name)
        if one.occurred_at is not None:
            named("occurred_at", HAPPENED, one.occurred_at)
        if one.rating is not None:
            named("rating", RATING, one.rating)
            check_rated(one.type_name)
    except BadValue as error:
        raise InvalidInput(f"{error}.") from error


def _check_roles(person: User, wanted: Sequence[Wanted]) -> None:
    """Raises RoleNeeded for what the roles of the person do not let them do."""
    done = [(one.item_id, one.type_name) for one in wanted if one.type_name in TYPES_WITH_A_ROLE]
    if done:
        items = Item.objects.filter(pk__in={item_id for item_id, _ in done})
        kinds = dict(items.values_list("pk", "kind"))
        for kind, type_name in sorted({(kinds[item_id], type_name) for item_id, type_name in done}):
            check_may_do(person, kind, type_name)


def new_interaction(user_id: int, one: Wanted, slot: Slot | None, now: datetime) -> UserInteraction:
    """The row, not saved yet; what it says of the list is the server's own record."""
    interaction = UserInteraction(
        user_id=user_id,
        item_id=one.item_id,
        type=one.type_name,
        weight=TYPES[one.type_name].training_weight(one.rating) * one.strength,
        rating=one.rating,
        occurred_at=one.occurred_at or now,
    )
    if slot is not None:
        interaction.recommendation_session_id = slot.session_id
        interaction.recommendation_source = RECOMMENDATION
        interaction.recommendation_rank = slot.rank
        interaction.recommendation_score = slot.score
        interaction.recommendation_method = slot.method
    return interaction
