"""Acts of many people, sent by an app in one batch: good rows are recorded, bad ones are reported.

Names become ids by one query for each sort of name, and every row is written as `record_interactions` writes
those of one person. The number of queries does not depend on how many rows or people there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.selectors import check_may_do
from accounts.services import create_people, lock_people_of_apps
from accounts.usernames import normal_username
from catalog.models import Item
from core.domain import DISLIKE, KINDS
from core.domain.roles import TYPES_WITH_A_ROLE
from core.errors import InvalidInput, RoleNeeded, RowError
from core.values import (
    EXTERNAL_ID,
    HAPPENED,
    ID,
    KIND,
    RATING,
    SESSION_ID,
    TAKEN,
    TYPE,
    BadValue,
    check_rated,
    named,
    shown,
)
from interactions.ledger import Ledger
from interactions.services import Wanted, new_interaction, write_new
from recommendations.selectors import NO_SUCH_SESSION, Slot, pairs_shown, read_slots

MAX_BATCH = 1_000
NOBODY = "names nobody for whom this token may act"

_FIELDS = (
    "user",
    "item_id",
    "kind",
    "external_id",
    "type",
    "occurred_at",
    "rating",
    "recommendation_session_id",
)

# An item by its id, or by its kind and the id that the app gives it.
_ItemName = int | tuple[str, str]
# Their ids and roles by user name.
_People = Mapping[str, tuple[int, list[str]]]


class _Item(NamedTuple):
    item_id: int
    kind: str
    is_active: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """The outcome of a batch. `dislikers`: the people whose new dislikes lack the row beside them."""

    recorded: int
    unchanged: int
    created_users: int
    errors: tuple[RowError, ...]
    dislikers: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row whose values are good, with the names that it gives to its person and its item."""

    username: str
    item: _ItemName
    type_name: str
    rating: float | None
    occurred_at: datetime | None
    session_id: UUID | None


@dataclass(frozen=True, slots=True)
class _Named:
    """A row whose item and person were found."""

    row: _Row
    user_id: int
    item_id: int
    is_hidden: bool


@dataclass(slots=True)
class _Rows:
    """The rows that are good so far, by their place, and the cause of each bad one."""

    good: dict[int, _Row] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def drop(self, place: int, cause: str) -> None:
        del self.good[place]
        self.errors[place] = cause


def record_batch(*, rows: Sequence[object], create_users: bool) -> Batch:
    """Records the good ones of the rows, which name their people by user name; reports the others.

    `create_users` creates the people of good rows that are not known yet. A row has `user`, the item as
    `item_id` or as `kind` and `external_id`, `type`, and perhaps `occurred_at`, `rating` and
    `recommendation_session_id`. Raises InvalidInput where no row is good; then nothing is stored.
    """
    batch = _parse(rows)
    items = _find_items({row.item for row in batch.good.values()})
    _check_items(batch, items)
    now = timezone.now()
    with transaction.atomic():
        people, created = _find_people(batch, items, create=create_users)
        named_rows = _name(batch, items, people)
        ledger = Ledger.read_pairs({(one.user_id, one.item_id) for one in named_rows.values()})
        _check_hidden(batch, named_rows, ledger)
        slots = _check_sessions(batch, named_rows)
        if not batch.good:
            place, cause = min(batch.errors.items())
            raise InvalidInput(f"Nothing was recorded. interactions[{place}]: {cause}")
        new = (
            new_interaction(
                one.user_id,
                Wanted(
                    one.item_id, one.row.type_name, one.row.session_id, one.row.rating, one.row.occurred_at
                ),
                slots.get(place),
                now,
            )
            for place, one in named_rows.items()
        )
        recorded = write_new(new, ledger, now)
    is_new = [one.interaction for one in recorded if one.created]
    return Batch(
        recorded=len(is_new),
        unchanged=len(recorded) - len(is_new),
        created_users=created,
        errors=tuple(RowError(place, cause) for place, cause in sorted(batch.errors.items())),
        dislikers=frozenset(row.user_id for row in is_new if row.type == DISLIKE),
    )


def _parse(rows: Sequence[object]) -> _Rows:
    batch = _Rows()
    for place, row in enumerate(rows):
        try:
            batch.good[place] = _parse_row(row)
        except BadValue as error:
            batch.errors[place] = f"{error}."
    return batch


def _parse_row(values: object) -> _Row:
    """The checked values of one row. Raises BadValue."""
    if not isinstance(values, dict):
        raise BadValue(f"must be an object, not {shown(values)}")
    if unknown := [name for name in values if name not in _FIELDS]:
        raise BadValue(f"there is no field {shown(unknown[0])}; there are {', '.join(_FIELDS)}")
    given = {name: value for name, value in values.items() if value is not None}
    for name in ("user", "type"):
        if name not in given:
            raise BadValue(f"{name} is missing")
    type_name = named("type", TYPE, given["type"])
    rating = named("rating", RATING, given["rating"]) if "rating" in given else None
    if rating is not None:
        check_rated(type_name)
    moment, session = given.get("occurred_at"), given.get("recommendation_session_id")
    return _Row(
        username=named("user", normal_username, given["user"]),
        item=_item_name(given),
        type_name=type_name,
        rating=rating,
        occurred_at=None if moment is None else named("occurred_at", HAPPENED, moment),
        session_id=None if session is None else named("recommendation_session_id", SESSION_ID, session),
    )


def _item_name(given: Mapping[str, object]) -> _ItemName:
    if ("item_id" in given) == ("external_id" in given) or ("kind" in given) != ("external_id" in given):
        raise BadValue("the item is named by item_id, or by kind and external_id")
    if "item_id" in given:
        return named("item_id", ID, given["item_id"])
    kind = named("kind", KIND, given["kind"])
    return kind, named("external_id", EXTERNAL_ID, given["external_id"])


def _find_items(names: set[_ItemName]) -> dict[_ItemName, _Item]:
    """The items of those names that there are: one query for the ids, and one for each kind."""
    by_kind: dict[str, list[str]] = {}
    for name in names:
        if isinstance(name, tuple):
            by_kind.setdefault(name[0], []).append(name[1])
    columns = Item.objects.values_list("external_id", "pk", "kind", "is_active")
    found: dict[_ItemName, _Item] = {}
    if ids := [name for name in names if isinstance(name, int)]:
        rows = columns.filter(pk__in=ids, kind__in=list(KINDS))
        found |= {item_id: _Item(item_id, kind, is_active) for _, item_id, kind, is_active in rows}
    for kind, external_ids in by_kind.items():
        rows = columns.filter(kind=kind, external_id__in=external_ids)
        found |= {(kind, name): _Item(item_id, kind, is_active) for name, item_id, _, is_active in rows}
    return found


def _check_items(batch: _Rows, items: Mapping[_ItemName, _Item]) -> None:
    for place, row in list(batch.good.items()):
        item = items.get(row.item)
        if item is None:
            named_by = f"id {row.item}" if isinstance(row.item, int) else f"external_id {shown(row.item[1])}"
            batch.drop(place, f"there is no such item: {named_by}.")
            continue
        try:
            named("type", TAKEN[item.kind], row.type_name)
        except BadValue as error:
            batch.drop(place, f"{error}.")


def _find_people(batch: _Rows, items: Mapping[_ItemName, _Item], *, create: bool) -> tuple[_People, int]:
    """The people of the good rows, locked, and how many of them are new.

    Somebody new has no roles and was shown no list, so a row that needs either creates nobody.
    """
    people = lock_people_of_apps({row.username for row in batch.good.values()})
    missing = set[str]()
    for place, row in list(batch.good.items()):
        if row.username not in people and (not create or row.session_id is not None):
            cause = NO_SUCH_SESSION if create else f"user {NOBODY}: {shown(row.username)}."
            batch.drop(place, cause)
            continue
        if row.type_name in TYPES_WITH_A_ROLE:
            roles = people[row.username][1] if row.username in people else []
            try:
                check_may_do(User(roles=roles), items[row.item].kind, row.type_name)
            except RoleNeeded as error:
                batch.drop(place, error.message)
                continue
        if row.username not in people:
            missing.add(row.username)
    if not missing:
        return people, 0
    create_people(sorted(missing))
    new = lock_people_of_apps(missing)
    return {**people, **new}, len(new)


def _name(batch: _Rows, items: Mapping[_ItemName, _Item], people: _People) -> dict[int, _Named]:
    """The good rows with the ids that they name. A name that staff or an app has is nobody's here."""
    found = {}
    for place, row in list(batch.good.items()):
        if row.username not in people:
            batch.drop(place, f"user {NOBODY}: {shown(row.username)}.")
            continue
        item = items[row.item]
        found[place] = _Named(row, people[row.username][0], item.item_id, is_hidden=not item.is_active)
    return found


def _check_hidden(batch: _Rows, rows: dict[int, _Named], ledger: Ledger) -> None:
    """Drops the rows about hidden items that their people have not met and do not speak of as of then."""
    strange = {
        place: (one.user_id, one.item_id)
        for place, one in rows.items()
        if one.is_hidden
        and one.row.occurred_at is None
        and one.row.session_id is None
        and not ledger.holds(one.user_id, one.item_id)
    }
    met = pairs_shown(set(strange.values())) if strange else set()
    for place, pair in strange.items():
        if pair not in met:
            batch.drop(place, "there is no such item any more.")
            del rows[place]


def _check_sessions(batch: _Rows, rows: dict[int, _Named]) -> dict[int, Slot]:
    """The slots that rows name, by the place of the row; drops those whose slot does not exist."""
    wanted = {
        place: (one.user_id, one.row.session_id, one.item_id)
        for place, one in rows.items()
        if one.row.session_id is not None
    }
    slots = read_slots(set(wanted.values()))
    for place, key in wanted.items():
        if key not in slots:
            batch.drop(place, NO_SUCH_SESSION)
            del rows[place]
    return {place: slots[key] for place, key in wanted.items() if key in slots}
