"""Items as an app sends them: JSON objects by the rules of import files, written by the merge of an import.

Types are strict here: a number is no text, and a list of names is a list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog.attributes import parse_attributes
from catalog.models import Item
from core.errors import Conflict, InvalidInput, NotFound, RowError
from core.values import EXTERNAL_ID, FACET_NAMES, KIND, BadValue, named, shown
from feedback.models import Dislike
from imports.item_merge import ItemCounts, known_items, write_items
from imports.item_rows import FACET_COLUMNS, VALUE_COLUMNS, ItemKey, ItemRow, Value
from interactions.models import UserInteraction

MAX_ITEMS = 1_000
NO_SUCH_ITEM = "There is no such item."
# Django reads what it deletes with everything that hangs on it: so many rows at once are held in memory.
_SLICE = 2_000

FIELDS = frozenset({*VALUE_COLUMNS, "attributes", *FACET_COLUMNS})


@dataclass(frozen=True, slots=True)
class Upserted:
    """The outcome of many items: the counts of the good rows, and the bad rows."""

    counts: ItemCounts
    errors: tuple[RowError, ...]


def item_key(kind: object, external_id: object) -> ItemKey:
    """The item that an app names. Raises BadValue."""
    return ItemKey(named("kind", KIND, kind), named("external_id", EXTERNAL_ID, external_id))


def parse_fields(key: ItemKey, fields: object, *, whole: bool = False) -> ItemRow:
    """The checked fields of one item; `whole` gives those left out the values of an empty cell.

    Raises BadValue.
    """
    if not isinstance(fields, dict):
        raise BadValue(f"must be an object with the fields of an item, not {shown(fields)}")
    if unknown := sorted(fields.keys() - FIELDS):
        known = ", ".join(sorted(FIELDS))
        raise BadValue(f"there is no field {shown(unknown[0])}; there are {known}")
    if whole:
        empty = {name: default for name, (_, default) in VALUE_COLUMNS.items()}
        fields = {**empty, "attributes": None, **dict.fromkeys(FACET_COLUMNS), **fields}
    values: dict[str, Value] = {name: _value(name, fields[name]) for name in VALUE_COLUMNS if name in fields}
    if "attributes" in fields:
        values["attributes"] = named("attributes", _attributes, fields["attributes"])
    facets = {
        kind: () if fields[column] is None else named(column, FACET_NAMES, fields[column])
        for column, kind in FACET_COLUMNS.items()
        if column in fields
    }
    return ItemRow(key, values, facets, size=0)


def upsert_items(rows: Sequence[object]) -> Upserted:
    """Creates or changes the items of the good rows; what a row does not say stays as it is.

    A row has `kind`, `external_id` and fields. One of a new item needs a title.
    """
    good: dict[int, ItemRow] = {}
    errors: dict[int, str] = {}
    for place, row in enumerate(rows):
        try:
            good[place] = _parse_row(row)
        except BadValue as error:
            errors[place] = f"{error}."
    with transaction.atomic():
        titled = {row.key for row in good.values() if "title" in row.values}
        untitled = {row.key for row in good.values()} - titled
        new = untitled - known_items(untitled).keys() if untitled else set()
        for place in [place for place, row in good.items() if row.key in new]:
            del good[place]
            errors[place] = "title is missing, which a new item needs."
        counts = write_items(good.values())
    return Upserted(counts, tuple(RowError(place, errors[place]) for place in sorted(errors)))


def put_item(key: ItemKey, fields: object) -> bool:
    """Makes an item what `fields` say and no more; True where it is new. Raises InvalidInput."""
    row = _checked(key, fields, whole=True)
    with transaction.atomic():
        return write_items([row]).created == 1


def patch_item(key: ItemKey, fields: object) -> None:
    """Changes the fields of an item that are given. Raises InvalidInput and NotFound."""
    row = _checked(key, fields)
    with transaction.atomic():
        if write_items([row], only_known=True).skipped:
            raise NotFound(NO_SUCH_ITEM)


def delete_item(key: ItemKey, *, with_history: bool) -> None:
    """Deletes an item; with what people did with it only where that is said.

    Raises NotFound, and Conflict where people did something with it.
    """
    with transaction.atomic():
        item = Item.objects.select_for_update().filter(kind=key.kind, external_id=key.external_id).first()
        if item is None:
            raise NotFound(NO_SUCH_ITEM)
        done = UserInteraction.objects.filter(item=item)
        if not with_history and (done.exists() or Dislike.objects.filter(item=item).exists()):
            raise Conflict(
                'People did something with this item. Hide it with {"is_active": false}, or say '
                "history=delete to delete what they did as well."
            )
        while ids := list(done.values_list("pk", flat=True)[:_SLICE]):
            UserInteraction.objects.filter(pk__in=ids).delete()
        item.delete()


def _parse_row(row: object) -> ItemRow:
    if not isinstance(row, dict):
        raise BadValue(f"must be an object with kind, external_id and fields, not {shown(row)}")
    fields = dict(row)
    key = item_key(fields.pop("kind", None), fields.pop("external_id", None))
    return parse_fields(key, fields)


def _checked(key: ItemKey, fields: object, *, whole: bool = False) -> ItemRow:
    try:
        return parse_fields(key, fields, whole=whole)
    except BadValue as error:
        raise InvalidInput(f"{error}.") from error


def _value(name: str, value: object) -> Value:
    rule, default = VALUE_COLUMNS[name]
    if value is None and name != "title":
        return default
    if value is None:
        raise BadValue(f"{name} is empty")
    return named(name, rule, value)


def _attributes(value: object) -> Any:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise BadValue(f"must be an object, not {shown(value)}")
    return parse_attributes(value)
