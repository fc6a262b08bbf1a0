"""CSV files as rows, and as blocks of many rows where these are as most are."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imports.rows import Columns, Notation, Row
from imports.text_lines import Lines

if TYPE_CHECKING:
    from imports.blocks import Block

MAX_FIELD_CHARACTERS = 100_000
# A comma first: it is what a header without any known column is read by.
DELIMITERS = (",", ";", "\t", "|")

_Record = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file whose header was read.

    records  the line on which each row begins, and its cells
    names    our names of its columns, each with a place among the cells in `places`; the rest is left out
    """

    lines: Lines
    delimiter: str
    records: Iterator[_Record]
    names: list[str]
    places: list[int]
    width: int

    def rows(self) -> Iterator[Row]:
        return map(self._row, self.records)

    def parts(self) -> Iterator["Block | Row"]:
        """The rows, many at once where that can be."""
        # Arrow takes a tenth of a second to load.
        from imports.blocks import Shape, read_block

        shape = Shape(self.lines.file, self.delimiter, tuple(self.places), tuple(self.names), self.width)
        while raw := self.lines.take():
            block = read_block(raw, shape, first=self.lines.number + 1)
            if block is not None:
                self.lines.count(block.size)
                yield block
                continue
            self.lines.put_back(raw)
            while self.lines.is_ahead and (record := next(self.records, None)) is not None:
                yield self._row(record)

    def _row(self, record: _Record) -> Row:
        number, cells = record
        if len(cells) != self.width:
            reason = f"{len(cells)} cells where the header has {self.width}"
            raise self.lines.broken(reason, number)
        if len(self.places) < self.width:
            cells = [cells[place] for place in self.places]
        return Row(self.lines.file, number, dict(zip(self.names, cells, strict=True)), self.lines.size)


def open_csv(lines: Lines, columns: Columns, notation: Notation) -> CsvFile | None:
    """The file whose first line comes next; None where there is none. Raises BrokenFile."""
    if notation.header:
        delimiter, names = notation.delimiter or ",", list(notation.header)
        records = _plain_records(lines, delimiter)
        return CsvFile(lines, delimiter, records, names, list(range(len(names))), len(names))
    delimiter = notation.delimiter or _sniff(lines.peek(), columns, notation)
    records = _csv_records(lines, delimiter) if len(delimiter) == 1 else _plain_records(lines, delimiter)
    first = next(records, None)
    if first is None:
        return None
    header = [notation.renamed.get(name, name) for name in first[1]]
    places = [place for place, name in enumerate(header) if name or first[1][place] not in notation.renamed]
    names = [header[place] for place in places]
    _check_header(lines, names, columns)
    return CsvFile(lines, delimiter, records, names, places, len(header))


def _sniff(line: str, columns: Columns, notation: Notation) -> str:
    """The delimiter by which the header has the most known columns; where none has any, the most columns."""

    def known(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return 0, 0
        names = [notation.renamed.get(name, name) for name in cells]
        return len(names) - len(columns.unknown_in(names)), len(names)

    return max(DELIMITERS, key=known)


def _plain_records(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number of each line and its cells, between which stand several characters; without quotes."""
    for line in lines:
        if not line.isspace():
            yield lines.number, line.rstrip("\r\n").split(delimiter)
        lines.size = 0


def _csv_records(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The line on which each record begins, and its cells; blank lines are left out."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.size = 0
        begin = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise lines.broken(_csv_reason(str(error)), begin) from error
        if any(len(cell) > MAX_FIELD_CHARACTERS for cell in cells):
            raise lines.broken(_csv_reason("field larger"), begin)
        if cells:
            yield begin, cells


def _csv_reason(error: str) -> str:
    """The meaning of an error of Python's csv module, in words for the person who has to mend the file."""
    if "unexpected end" in error:
        return "a quote is opened in this row and never closed"
    if "field larger" in error:
        return f"a cell is longer than {MAX_FIELD_CHARACTERS:,} characters. Is a quote never closed?"
    if "expected after" in error:
        return 'after a closing quote something else than the delimiter follows. Write " inside quotes as ""'
    return f"this row is not valid CSV ({error})"


def _check_header(lines: Lines, header: list[str], columns: Columns) -> None:
    if len(set(header)) != len(header):
        raise lines.broken("a column is named twice")
    if unknown := columns.unknown_in(header):
        raise lines.broken(columns.refusal(unknown))
    if missing := columns.required - set(header):
        raise lines.broken(f"missing column {', '.join(sorted(missing))}")
