"""Import of a file of items, all of which stay or none.

The rows wait in a temporary file until all were found to be good. So nothing is locked while they are read.
"""

import marshal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from core.domain import DEFAULT_KIND
from core.progress import Progress
from core.values import BadValue
from imports.item_merge import batches, write_items
from imports.item_rows import FACET_COLUMNS, ITEM_COLUMNS, ItemParser, ItemRow, kind_named
from imports.lists import separators
from imports.reading import read_rows
from imports.rows import AS_IT_SHOWS, BadRow, BadRows, Notation, Row
from imports.slices import in_slices

# By so many rows the separators of lists are told.
SAMPLE_ROWS = 500
_SIZE = Struct("<Q")


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
    with tempfile.TemporaryFile() as waiting:
        good = 0
        for batch in batches(_parsed(rows, kind, list_separator, bad_rows, progress or Progress(quiet=True))):
            put_rows(waiting, batch)
            good += len(batch)
        bad_rows.check(good=good)
        waiting.seek(0)
        with in_slices() as slices:
            counts = write_items(take_rows(waiting), slices=slices)
    return ItemSummary(
        rows=good + bad_rows.count,
        created=counts.created,
        updated=counts.updated,
        unchanged=counts.unchanged,
        repeated=counts.repeated,
        bad_rows=bad_rows.count,
        reports=tuple(bad_rows.reports),
    )


def put_rows(waiting: BinaryIO, rows: Sequence[ItemRow]) -> None:
    """Adds rows to a file of rows that wait, as the number of their bytes and these."""
    # Of what Python has the quickest for plain values, and nobody else sees the file.
    content = marshal.dumps([row.as_plain() for row in rows])
    waiting.write(_SIZE.pack(len(content)) + content)


def take_rows(waiting: BinaryIO) -> Iterator[ItemRow]:
    """The rows of a file of `put_rows`, from where it stands on."""
    while size := waiting.read(_SIZE.size):
        yield from map(ItemRow.of_plain, marshal.loads(waiting.read(*_SIZE.unpack(size))))  # noqa: S302  our own


def _parsed(
    rows: Iterable[Row], kind: str, list_separator: str | None, bad_rows: BadRows, progress: Progress
) -> Iterator[ItemRow]:
    rows = iter(rows)
    sample = next(batches(rows, SAMPLE_ROWS), [])
    marks = (
        dict.fromkeys(FACET_COLUMNS, list_separator)
        if list_separator
        else separators(FACET_COLUMNS, [row.values for row in sample])
    )
    parser = ItemParser(kind, marks)
    for row in chain(sample, rows):
        progress.advance()
        try:
            yield parser.parse(row)
        except BadValue as error:
            bad_rows.add(row.file, row.number, str(error))
