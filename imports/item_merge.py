"""From rows to items and their facets: an upsert on (kind, external id), in batches.

What a row does not say stays as it is; the facets of a kind are replaced by a row that has that kind.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from catalog.models import Facet, Item, ItemFacet
from core.statistics import refresh_statistics
from imports.item_rows import STORED_COLUMNS, ItemKey, ItemRow, Value
from imports.rows import Row
from imports.slices import WHOLE, Slices

BATCH_ROWS = 500
# In slices, for which others wait.
SLICE_ROWS = 100
BATCH_BYTES = 4_000_000
_IN_LIST = 5_000
_STATISTICS_AFTER_BATCHES = 10

Entry = TypeVar("Entry")
Sized = TypeVar("Sized", Row, ItemRow)


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
    for number, batch in enumerate(batches(rows)):
        if number == _STATISTICS_AFTER_BATCHES:
            refresh_statistics(Item, Facet, ItemFacet)
        merged: dict[ItemKey, ItemRow] = {}
        for row in batch:
            merged[row.key] = merged[row.key].updated_by(row) if row.key in merged else row
        if not (slices.is_whole or only_known):
            # All of the batch at once, so that facets have the same ids whatever the size of a slice.
            with slices.one():
                _facet_ids(
                    {(row.key, kind): names for row in merged.values() for kind, names in row.facets.items()}
                )
        size = BATCH_ROWS if slices.is_whole else SLICE_ROWS
        keys = list(merged)
        for start in range(0, len(keys), size):
            part = {key: merged[key] for key in keys[start : start + size]}
            with slices.one():
                counts += _write_batch(part, only_known=only_known)
        counts += ItemCounts(repeated=len(batch) - len(merged))
    return counts


def batches(rows: Iterable[Sized]) -> Iterator[list[Sized]]:
    """Lists of rows that are bounded in number and in bytes, so that memory is."""
    batch: list[Sized] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += row.size
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _write_batch(rows: dict[ItemKey, ItemRow], *, only_known: bool) -> ItemCounts:
    known = known_items(rows)
    skipped = [key for key in rows if key not in known] if only_known else []
    for key in skipped:
        del rows[key]
    written = {key: row for key, row in rows.items() if _differs(row, known.get(key))}
    ids = {key: item.pk for key, item in known.items()} | _save(written, known)
    created = len(written.keys() - known.keys())
    with_new_facets = _write_facets({ids[key]: row.facets for key, row in rows.items()})
    changed = {ids[key] for key in written} | with_new_facets
    return ItemCounts(
        created=created,
        updated=len(changed) - created,
        unchanged=len(rows) - len(changed),
        skipped=len(skipped),
    )


def known_items(keys: Iterable[ItemKey]) -> dict[ItemKey, Item]:
    """Those of the items that exist, in one order locked against other imports until this one ends."""
    by_kind: dict[str, list[str]] = {}
    for key in keys:
        by_kind.setdefault(key.kind, []).append(key.external_id)
    found: dict[ItemKey, Item] = {}
    for kind in sorted(by_kind):
        items = Item.objects.select_for_update(no_key=True).filter(kind=kind, external_id__in=by_kind[kind])
        found.update({ItemKey(kind, item.external_id): item for item in items.order_by("external_id")})
    return found


def _differs(row: ItemRow, item: Item | None) -> bool:
    return item is None or any(
        _comparable(getattr(item, name)) != _comparable(value) for name, value in row.values.items()
    )


def _comparable(value: Value) -> Value:
    """Attributes as text in which true is not 1 and names have one order; all else as it is."""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else value


def _save(rows: Mapping[ItemKey, ItemRow], known: Mapping[ItemKey, Item]) -> dict[ItemKey, int]:
    """Writes the items; returns their ids."""
    items = []
    for key, row in rows.items():
        item = known.get(key) or Item(kind=key.kind, external_id=key.external_id)
        values = {name: getattr(item, name) for name in STORED_COLUMNS} | dict(row.values)
        items.append(Item(kind=key.kind, external_id=key.external_id, **values))
    written = Item.objects.bulk_create(
        items,
        update_conflicts=True,
        unique_fields=["kind", "external_id"],
        update_fields=list(STORED_COLUMNS),
    )
    return {ItemKey(item.kind, item.external_id): item.pk for item in written}


def _write_facets(wanted: Mapping[int, Mapping[str, tuple[str, ...]]]) -> set[int]:
    """Makes the facets of each item, by item id, what is wanted; returns the items that were changed."""
    current = _current_facets(wanted)
    stale: list[int] = []
    changed: dict[tuple[int, str], tuple[str, ...]] = {}
    for item_id, facets in wanted.items():
        for kind, names in facets.items():
            rows = current.get((item_id, kind), {})
            if tuple(rows) != names:
                stale += rows.values()
                changed[item_id, kind] = names
    for chunk in _chunks(stale):
        ItemFacet.objects.filter(pk__in=chunk).delete()
    facet_ids = _facet_ids(changed)
    links = (
        (item_id, facet_ids[kind, name], billing)
        for (item_id, kind), names in changed.items()
        for billing, name in enumerate(names)
    )
    for batch in _chunks(links):
        ItemFacet.objects.link(batch)
    return {item_id for item_id, _ in changed}


def _current_facets(
    wanted: Mapping[int, Mapping[str, tuple[str, ...]]],
) -> dict[tuple[int, str], dict[str, int]]:
    """Per item and kind: the facet names in billing order, each with the id of its link."""
    # All kinds: asked for some, SQLite would read every link of those kinds for each batch.
    rows = (
        ItemFacet.objects.filter(item_id__in=list(wanted))
        .order_by("item_id", "billing", "pk")
        .values_list("pk", "item_id", "facet__kind", "facet__name")
    )
    current: dict[tuple[int, str], dict[str, int]] = {}
    for link_id, item_id, kind, name in rows:
        current.setdefault((item_id, kind), {})[name] = link_id
    return current


def _facet_ids(
    changed: Mapping[tuple[int, str], tuple[str, ...]] | Mapping[tuple[ItemKey, str], tuple[str, ...]],
) -> dict[tuple[str, str], int]:
    """The id of every facet that is named; those that are new are created."""
    names_by_kind: dict[str, set[str]] = {}
    for (_, kind), names in changed.items():
        names_by_kind.setdefault(kind, set()).update(names)
    ids: dict[tuple[str, str], int] = {}
    for kind, wanted_names in sorted(names_by_kind.items()):
        for chunk in _chunks(sorted(wanted_names)):
            found = Facet.objects.filter(kind=kind, name__in=chunk)
            known = set(found.values_list("name", flat=True))
            new = [Facet(kind=kind, name=name) for name in chunk if name not in known]
            Facet.objects.bulk_create(new, ignore_conflicts=True)
            ids.update({(kind, name): pk for pk, name in found.values_list("pk", "name")})
    return ids


def _chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Lists of at most _IN_LIST entries: a statement takes only so many parameters."""
    chunk: list[Entry] = []
    for entry in entries:
        chunk.append(entry)
        if len(chunk) == _IN_LIST:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
