"""From rows to items: an upsert on (kind, external id), in batches.

What a row does not say stays as it is; the facets of a kind are replaced by a row that has that kind.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.utils import timezone

from catalog.models import Facet, Item, ItemFacet
from core.sql import column_names, insert_rows
from core.statistics import refresh_statistics
from imports.item_facets import KnownFacets, write_facets
from imports.item_rows import STORED_COLUMNS, VALUE_COLUMNS, ItemKey, ItemRow, Value
from imports.rows import Row
from imports.slices import WHOLE, Slices

BATCH_ROWS = 2_000
# In slices, for which others wait.
SLICE_ROWS = 100
BATCH_BYTES = 4_000_000
_STATISTICS_AFTER_BATCHES = 3

_KEY = ("kind", "external_id")
_COLUMNS = (*_KEY, *STORED_COLUMNS, "created_at", "changed_at")
_ON_CONFLICT = (
    f"ON CONFLICT ({column_names(Item, *_KEY)}) DO UPDATE SET "
    + ", ".join(
        f"{column} = EXCLUDED.{column}"
        for column in column_names(Item, *STORED_COLUMNS, "changed_at").split(", ")
    )
    + f" RETURNING {column_names(Item, 'id', *_KEY)}"
)
# Of an item that is new, where its row does not say otherwise.
_AT_FIRST: dict[str, Value] = {name: default for name, (_, default) in VALUE_COLUMNS.items()} | {
    "attributes": {}
}

Sized = TypeVar("Sized", Row, ItemRow)


class StoredItem(NamedTuple):
    """An item as it is stored: its id, and its values by column."""

    id: int
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class ItemCounts:
    """The outcome of the rows. `repeated`: a later row of the same batch spoke for the same item."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    skipped: int = 0

    def __add__(self, other: "ItemCounts") -> "ItemCounts":
        return ItemCounts(
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.repeated + other.repeated,
            self.skipped + other.skipped,
        )


def write_items(rows: Iterable[ItemRow], *, only_known: bool = False, slices: Slices = WHOLE) -> ItemCounts:
    """Creates or updates the items that `rows` speak of; call it within a transaction, or with slices.

    A new item must come with a title. With `only_known` rows of items that do not exist are skipped.
    """
    counts = ItemCounts()
    facets = KnownFacets()
    for number, batch in enumerate(batches(rows)):
        if number == _STATISTICS_AFTER_BATCHES:
            refresh_statistics(Item, Facet, ItemFacet)
        merged: dict[ItemKey, ItemRow] = {}
        for row in batch:
            merged[row.key] = merged[row.key].updated_by(row) if row.key in merged else row
        if not (slices.is_whole or only_known):
            # All of the batch at once, so that facets have the same ids whatever the size of a slice.
            facets.learn((row.facets for row in merged.values()), slices)
        size = BATCH_ROWS if slices.is_whole else SLICE_ROWS
        keys = list(merged)
        for start in range(0, len(keys), size):
            part = {key: merged[key] for key in keys[start : start + size]}
            with slices.one():
                facets.forget_if_others_wrote(slices)
                counts += _write_batch(part, facets, only_known=only_known)
        counts += ItemCounts(repeated=len(batch) - len(merged))
    return counts


def batches(rows: Iterable[Sized], most: int | None = None) -> Iterator[list[Sized]]:
    """Lists of at most `most` rows, else BATCH_ROWS; bounded in bytes too, so that memory is."""
    most = most or BATCH_ROWS
    batch: list[Sized] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size
        if len(batch) >= most or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _write_batch(rows: dict[ItemKey, ItemRow], facets: KnownFacets, *, only_known: bool) -> ItemCounts:
    known = known_items(rows)
    skipped = [key for key in rows if key not in known] if only_known else []
    for key in skipped:
        del rows[key]
    written = {key: row for key, row in rows.items() if _differs(row, known.get(key))}
    ids = {key: item.id for key, item in known.items()} | _save(written, known)
    created = len(written.keys() - known.keys())
    saved = {ids[key] for key in written}
    changed = saved | write_facets({ids[key]: row.facets for key, row in rows.items()}, facets, dated=saved)
    return ItemCounts(
        created=created,
        updated=len(changed) - created,
        unchanged=len(rows) - len(changed),
        skipped=len(skipped),
    )


def known_items(keys: Iterable[ItemKey]) -> dict[ItemKey, StoredItem]:
    """Those of the items that exist, in one order locked against other imports until this one ends."""
    by_kind: dict[str, list[str]] = {}
    for key in keys:
        by_kind.setdefault(key.kind, []).append(key.external_id)
    found: dict[ItemKey, StoredItem] = {}
    for kind in sorted(by_kind):
        items = Item.objects.select_for_update(no_key=True).filter(kind=kind, external_id__in=by_kind[kind])
        rows = items.order_by("external_id").values_list("external_id", "pk", *STORED_COLUMNS)
        for external_id, item_id, *values in rows:
            stored = dict(zip(STORED_COLUMNS, values, strict=True))
            found[ItemKey(kind, external_id)] = StoredItem(item_id, stored)
    return found


def _differs(row: ItemRow, item: StoredItem | None) -> bool:
    return item is None or any(
        item.values[name] != value or (isinstance(value, dict) and _is_other(item.values[name], value))
        for name, value in row.values.items()
    )


def _is_other(stored: Value, given: Value) -> bool:
    """True for attributes that are other ones although Python finds them equal: true is not 1."""
    return json.dumps(stored, sort_keys=True) != json.dumps(given, sort_keys=True)


def _save(rows: Mapping[ItemKey, ItemRow], known: Mapping[ItemKey, StoredItem]) -> dict[ItemKey, int]:
    """Writes the items; returns their ids."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    written = [
        _as_stored(key, {**(known[key].values if key in known else _AT_FIRST), **row.values}, now)
        for key, row in rows.items()
    ]
    found = insert_rows(Item, _COLUMNS, written, _ON_CONFLICT)
    return {ItemKey(kind, external_id): item_id for item_id, kind, external_id in found}


def _as_stored(key: ItemKey, values: dict[str, Any], now: Any) -> tuple[Any, ...]:
    """The values of `_COLUMNS` as the database takes them."""
    values["published_at"] = connection.ops.adapt_datetimefield_value(values["published_at"])
    values["attributes"] = json.dumps(values["attributes"])
    return (*key, *map(values.__getitem__, STORED_COLUMNS), now, now)
