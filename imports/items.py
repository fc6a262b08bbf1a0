"""Import of items: an upsert on (kind, external id), in batches, all of which stay or none.

The rows wait in a temporary file until all were found to be good. So nothing is locked while they are read.

What a file does not say stays as it is: a missing column leaves the stored values alone, and the facets of
a kind are replaced only by a file that has that kind's column.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

from catalog.attributes import Attributes, parse_attributes
from catalog.models import Facet, Item, ItemFacet
from core.domain import DEFAULT_KIND, FACETS, KINDS, KINDS_BY_WORD
from core.errors import InvalidInput
from core.progress import Progress
from core.statistics import refresh_statistics
from core.values import (
    ADDRESS,
    DESCRIPTION,
    EXTERNAL_ID,
    KIND,
    OTHER_TITLE,
    PUBLISHED_AT,
    TITLE,
    TRUTH,
    YEAR,
    BadValue,
    Rule,
    named,
)
from imports.cells import is_empty, optional, required
from imports.lists import parse_names, separators
from imports.reading import read_rows
from imports.rows import AS_IT_SHOWS, BadRow, BadRows, Columns, Notation, Row
from imports.slices import WHOLE, Slices, in_slices

BATCH_ROWS = 500
# In slices, for which others wait.
SLICE_ROWS = 100
BATCH_BYTES = 4_000_000
_IN_LIST = 5_000
_STATISTICS_AFTER_BATCHES = 10

Entry = TypeVar("Entry")
Sized = TypeVar("Sized", Row, "ItemRow")
Value: TypeAlias = str | int | bool | datetime | Attributes | None

FACET_COLUMNS = {facet.column: facet.name for facet in FACETS.values()}
# Each with its rule and what an empty cell means; a title may not be empty.
VALUE_COLUMNS: dict[str, tuple[Rule[Value], Value]] = {
    "title": (TITLE, None),
    "original_title": (OTHER_TITLE, ""),
    "year": (YEAR, None),
    "description": (DESCRIPTION, ""),
    "published_at": (PUBLISHED_AT, None),
    "url": (ADDRESS, ""),
    "image_url": (ADDRESS, ""),
    "is_active": (TRUTH, True),
    "is_synthetic": (TRUTH, False),
}
STORED_COLUMNS = (*VALUE_COLUMNS, "attributes")
# One column of a CSV file for each attribute: attributes.runtime, attributes.country.
ATTRIBUTE_PREFIX = "attributes."
ITEM_COLUMNS = Columns(
    known=frozenset({"external_id", "kind", *STORED_COLUMNS, *FACET_COLUMNS}),
    required=frozenset({"external_id", "title"}),
    csv_prefix=ATTRIBUTE_PREFIX,
)


class ItemKey(NamedTuple):
    """The identity of an item outside this database."""

    kind: str
    external_id: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """The row of a file for one item: only the columns and the kinds of facet that it speaks of."""

    key: ItemKey
    values: Mapping[str, Value]
    facets: Mapping[str, tuple[str, ...]]
    size: int

    def updated_by(self, later: "ItemRow") -> "ItemRow":
        """Both rows as one; where they disagree the later one is right."""
        return ItemRow(self.key, {**self.values, **later.values}, {**self.facets, **later.facets}, later.size)

    def as_line(self) -> str:
        """The row as a line of JSON, without its end."""
        return json.dumps([self.key, self.values, self.facets, self.size], default=datetime.isoformat)

    @classmethod
    def of_line(cls, line: str) -> "ItemRow":
        """The row that `as_line` wrote."""
        key, values, facets, size = json.loads(line)
        if values.get("published_at") is not None:
            values["published_at"] = datetime.fromisoformat(values["published_at"])
        return cls(ItemKey(*key), values, {kind: tuple(names) for kind, names in facets.items()}, size)


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


@dataclass(frozen=True, slots=True)
class ItemSummary:
    """The outcome of `import_items`."""

    rows: int
    created: int
    updated: int
    unchanged: int
    repeated: int
    bad_rows: int
    reports: tuple[BadRow, ...]


def import_items(
    *,
    path: Path,
    kind: str = DEFAULT_KIND,
    notation: Notation = AS_IT_SHOWS,
    max_errors: int = 0,
    list_separator: str | None = None,
    progress: Progress | None = None,
) -> ItemSummary:
    """Imports a CSV, JSON Lines or Parquet file of items; `kind` is that of rows that name none.

    `list_separator` is what separates names in all columns of facets; without it each column shows its own.

    All or nothing, and the same file again changes nothing. Raises BrokenFile, ImportRefused when more than
    `max_errors` rows are bad, and InvalidInput for a kind or format that does not exist.
    """
    kind = kind_named(kind)
    bad_rows = BadRows(allowed=max_errors)
    rows = read_rows(path, columns=ITEM_COLUMNS, bad_rows=bad_rows, notation=notation)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as waiting:
        good = 0
        for row in _parsed(rows, kind, list_separator, bad_rows, progress or Progress(quiet=True)):
            waiting.write(f"{row.as_line()}\n")
            good += 1
        bad_rows.check(good=good)
        waiting.seek(0)
        with in_slices() as slices:
            counts = write_items(map(ItemRow.of_line, waiting), slices=slices)
    return ItemSummary(
        rows=good + bad_rows.count,
        created=counts.created,
        updated=counts.updated,
        unchanged=counts.unchanged,
        repeated=counts.repeated,
        bad_rows=bad_rows.count,
        reports=tuple(bad_rows.reports),
    )


def kind_named(word: str) -> str:
    """The item kind that a name or plural means. Raises InvalidInput for one that does not exist."""
    if word not in KINDS_BY_WORD:
        raise InvalidInput(f"There is no kind {word!r}; known are {', '.join(KINDS)}.")
    return KINDS_BY_WORD[word].name


def parse_key(values: Mapping[str, Any], default_kind: str) -> ItemKey:
    """The item that a row is about: its `kind`, or the default, and its id. Raises BadValue."""
    kind = optional("kind", KIND, values.get("kind")) or default_kind
    return ItemKey(kind, required("external_id", EXTERNAL_ID, values.get("external_id")))


def parse_item(row: Row, default_kind: str, separators: Mapping[str, str | None]) -> ItemRow:
    """The checked values of one row, its lists split as `separators` says by column. Raises BadValue."""
    values = row.values
    return ItemRow(
        key=parse_key(values, default_kind),
        values={name: _value(name, values[name]) for name in VALUE_COLUMNS if name in values}
        | _attributes(values),
        facets={
            facet_kind: parse_names(column, values[column], separators[column])
            for column, facet_kind in FACET_COLUMNS.items()
            if column in values
        },
        size=row.size,
    )


def _value(name: str, value: object) -> Value:
    rule, default = VALUE_COLUMNS[name]
    if name == "title":
        return required(name, rule, value)
    found = optional(name, rule, value)
    return default if found is None else found


def _attributes(values: Mapping[str, Any]) -> dict[str, Value]:
    """The attributes, where a row speaks of any: the `attributes`, and over them a column for each.

    In the cell of a column a `|` separates texts. Raises BadValue.
    """
    cells = {
        name.removeprefix(ATTRIBUTE_PREFIX): cell.split("|") if "|" in cell else cell
        for name, cell in values.items()
        if name.startswith(ATTRIBUTE_PREFIX)
    }
    given = values.get("attributes")
    if not cells and "attributes" not in values:
        return {}
    attributes = {} if is_empty(given) else named("attributes", parse_attributes, given)
    return {"attributes": named("attributes", parse_attributes, attributes | cells)}


def _parsed(
    rows: Iterable[Row], kind: str, list_separator: str | None, bad_rows: BadRows, progress: Progress
) -> Iterator[ItemRow]:
    rows = iter(rows)
    sample = next(_batches(rows), [])
    marks = (
        dict.fromkeys(FACET_COLUMNS, list_separator)
        if list_separator
        else separators(FACET_COLUMNS, [row.values for row in sample])
    )
    for row in chain(sample, rows):
        progress.advance()
        try:
            yield parse_item(row, kind, marks)
        except BadValue as error:
            bad_rows.add(row.file, row.number, str(error))


def write_items(rows: Iterable[ItemRow], *, only_known: bool = False, slices: Slices = WHOLE) -> ItemCounts:
    """Creates or updates the items that `rows` speak of; call it within a transaction, or with slices.

    A new item must come with a title. With `only_known` rows of items that do not exist are skipped.
    """
    counts = ItemCounts()
    for number, batch in enumerate(_batches(rows)):
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


def _batches(rows: Iterable[Sized]) -> Iterator[list[Sized]]:
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
