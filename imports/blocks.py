"""Many rows of a CSV file at once, as columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow.compute as pc
from pyarrow import csv

from core.arrow import pa
from imports.rows import Row

# Longer cells are looked at one by one.
_MAX_CELL = 10_000


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of the rows of a file: `width` cells, of which those at `places` have `names`."""

    file: str
    delimiter: str
    places: tuple[int, ...]
    names: tuple[str, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Block:
    """`size` rows of a file from the line `first` on, one a line; `cells` has a column for each name."""

    file: str
    first: int
    size: int
    cells: Mapping[str, pa.StringArray]

    def row(self, place: int) -> Row:
        """The row at a place, from 0, as if it had been read alone."""
        values = {name: column[place].as_py() for name, column in self.cells.items()}
        return Row(self.file, self.first + place, values, sum(map(len, values.values())))


def read_block(raw: bytes, shape: Shape, *, first: int) -> Block | None:
    """The rows of some lines. None where any is unusual, or wrong, which is to be looked for line by line."""
    if not _is_plain(raw) or len(shape.delimiter) != 1 or not shape.delimiter.isascii():
        return None
    names = [str(place) for place in range(shape.width)]
    try:
        table = csv.read_csv(
            pa.BufferReader(raw),
            csv.ReadOptions(use_threads=False, block_size=len(raw) + 1, column_names=names),
            csv.ParseOptions(delimiter=shape.delimiter, quote_char=False),
            csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    columns = [table.column(place).combine_chunks() for place in shape.places]
    if any((pc.max(pc.binary_length(column)).as_py() or 0) > _MAX_CELL for column in columns):
        return None
    return Block(shape.file, first, table.num_rows, dict(zip(shape.names, columns, strict=True)))


def _is_plain(raw: bytes) -> bool:
    """True where each line end ends a row and each delimiter a cell, as in nearly all files of numbers."""
    if b'"' in raw or b"\0" in raw:
        return False
    lines = raw.replace(b"\r\n", b"\n") if b"\r" in raw else raw
    return b"\r" not in lines and b"\n\n" not in lines and not lines.startswith(b"\n")
