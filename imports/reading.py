"""Import files as rows: CSV, JSON Lines, Parquet and JSON arrays, read strictly and in flat memory.

There are two kinds of trouble. A file that cannot be trusted as a whole (a NUL byte, another encoding than
UTF-8, a quote that is never closed, the wrong columns) raises BrokenFile at once. A row whose values cannot
be used is noted in BadRows while reading goes on, so that one run reports all of them.
"""

import codecs
import csv
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

# By name: left to itself ijson takes whichever backend it finds, and they differ. Its wheels have this one.
from ijson.backends.yajl2_c import basic_parse
from ijson.common import JSONError, ObjectBuilder

from core.errors import InvalidInput
from core.parsers import MAX_DEPTH
from core.strict_json import unique_keys
from core.values import BadValue
from imports.sources import BrokenFile, open_source

MAX_ROW_BYTES = 1_000_000
MAX_FIELD_CHARACTERS = 100_000
MAX_REPORTS = 1_000
# Of a file with ten thousand bad rows twenty tell what is wrong.
LISTED = 20
PARQUET = "parquet"
FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": PARQUET,
    ".pq": PARQUET,
}

# A comma first: it is what a header without any known column is read by.
DELIMITERS = (",", ";", "\t", "|")

_CHUNK_BYTES = 1 << 16
_MAX_REASON = 200
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


class ImportRefused(InvalidInput):
    """More rows were bad than allowed; the message lists them. Nothing was stored."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a file may have, and those that it must have.

    In a CSV file every column that begins with `csv_prefix` is known, too. Of a Parquet file those
    `passed_over` are left out: an export writes them for other programs.
    """

    known: frozenset[str]
    required: frozenset[str]
    csv_prefix: str | None = None
    passed_over: frozenset[str] = frozenset()

    @classmethod
    def exactly(cls, *names: str) -> "Columns":
        return cls(frozenset(names), frozenset(names))

    def unknown_in(self, header: Iterable[str]) -> list[str]:
        """The columns of a CSV file's header that nothing is known of."""
        prefix = self.csv_prefix
        return [
            name for name in header if name not in self.known and not (prefix and name.startswith(prefix))
        ]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: `number` is the line on which it begins (in a JSON array: its place), `size` its bytes."""

    file: str
    number: int
    values: Mapping[str, Any]
    size: int


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used, and why."""

    file: str
    number: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.reason}"


@dataclass(slots=True)
class BadRows:
    """All bad rows of a run: every one is counted, the first MAX_REPORTS are kept word for word."""

    allowed: int = 0
    count: int = 0
    reports: list[BadRow] = field(default_factory=list)

    def add(self, file: str, number: int, reason: str) -> None:
        self.count += 1
        if len(self.reports) < MAX_REPORTS:
            self.reports.append(BadRow(file, number, reason))

    def check(self, *, good: int) -> None:
        """Raises ImportRefused when there are more bad rows than allowed, or bad ones beside no good one.

        It lists the first LISTED of them.
        """
        if self.count <= self.allowed and (good or not self.count):
            return
        first = sorted(self.reports, key=lambda row: (row.file, row.number))[:LISTED]
        lines = [str(report) for report in first]
        if self.count > len(lines):
            lines.append(f"… and {self.count - len(lines):,} more")
        found = "1 row is bad" if self.count == 1 else f"{self.count:,} rows are bad"
        why = f"--max-errors is {self.allowed}" if self.count > self.allowed else "none is good"
        raise ImportRefused(f"{found} and {why}, so nothing was imported.\n" + "\n".join(lines))


@dataclass(frozen=True, slots=True)
class Notation:
    """The way in which a file writes its rows, where it does not show it.

    file_format  `csv`, `jsonl` or `parquet`; else by the ending
    delimiter    what separates cells of CSV; else the one by which the header has the most known columns
    renamed      our names of the file's columns; an empty one leaves the column out
    header       the columns of CSV that names none itself and knows no quotes
    is_old       a line that is no UTF-8 is ISO 8859-1
    """

    file_format: str | None = None
    delimiter: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    is_old: bool = False


AS_IT_SHOWS = Notation()


def format_of(path: Path, named: str | None = None) -> str:
    """`csv`, `jsonl` or `parquet`: as `named`, or by the ending. Raises InvalidInput where neither says."""
    endings = [ending.lower() for ending in path.suffixes if ending.lower() != ".gz"]
    chosen = named or FORMATS.get(endings[-1] if endings else "")
    if chosen is None or chosen not in FORMATS.values():
        # Of a workbook or an archive the truth is that it is one.
        with open_source(path):
            raise InvalidInput(f"{path.name}: name the format with --format csv, jsonl or parquet.")
    return chosen


def read_rows(
    path: Path, *, columns: Columns, bad_rows: BadRows, notation: Notation = AS_IT_SHOWS
) -> Iterator[Row]:
    """The rows of a CSV file with a header, of a JSON Lines or of a Parquet file, one at a time.

    CSV values are strings; the others' values are what they are. Lines that are no JSON object, or hold
    unknown keys, go to `bad_rows`. Raises BrokenFile, and InvalidInput where `notation` names what does not
    exist.
    """
    _check_notation(notation, columns)
    file_format = format_of(path, notation.file_format)
    if file_format == PARQUET:
        with open_source(path, is_parquet=True) as stream:
            yield from _read_parquet(stream, path.name, columns, notation, bad_rows)
        return
    with open_source(path) as stream:
        lines = _Lines(stream, path.name, is_old=notation.is_old)
        if file_format == "csv":
            yield from _read_csv(lines, columns, notation)
        else:
            yield from _read_json_lines(lines, columns, notation, bad_rows)
        if not lines.has_text:
            raise BrokenFile(f"{path.name} is empty.")


def _check_notation(notation: Notation, columns: Columns) -> None:
    for theirs, ours in notation.renamed.items():
        if ours and columns.unknown_in([ours]):
            known = ", ".join(sorted(columns.known))
            raise InvalidInput(f"--map {theirs}={ours}: there is no column {ours!r}; known are {known}.")
    mark = notation.delimiter
    if mark is not None and (not mark.strip(" ") or len(mark) > 5 or set(mark) & set('"\r\n\0')):
        raise InvalidInput("--delimiter must be 1 to 5 characters, such as ; or tab, without quotes.")


class _Lines:
    """The lines of a stream as text. `number` is that of the line last read; `size` grows until reset."""

    def __init__(self, stream: BinaryIO, file: str, *, is_old: bool) -> None:
        self.file = file
        self.number = 0
        self.size = 0
        self.has_text = False
        self._stream = stream
        self._is_old = is_old
        self._first: str | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def peek(self) -> str:
        """The first line, which is read again after; empty where there is none."""
        self._first = next(self, None)
        self.number = self.size = 0
        return self._first or ""

    def __next__(self) -> str:
        if self._first is not None:
            line, self._first = self._first, None
            self.number += 1
            return line
        raw = self._stream.readline(MAX_ROW_BYTES + 1)
        if not raw:
            raise StopIteration
        self.number += 1
        self.size += len(raw)
        if self.number == 1:
            if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise self.broken("the file is UTF-16. Save it as UTF-8")
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if self.size > MAX_ROW_BYTES:
            raise self.broken(f"this row is longer than {MAX_ROW_BYTES:,} bytes. Is a quote never closed?")
        if b"\0" in raw:
            raise self.broken("there is a NUL byte. The file is damaged, or not UTF-8 text")
        try:
            return self._noticed(raw.decode())
        except UnicodeDecodeError as error:
            if self._is_old:
                return self._noticed(raw.decode("iso-8859-1"))
            byte = raw[error.start]
            raise self.broken(f"byte 0x{byte:02x} is not valid UTF-8. Save the file as UTF-8") from error

    def _noticed(self, line: str) -> str:
        self.has_text = self.has_text or not (line.isspace() or not line)
        return line

    def broken(self, reason: str, number: int | None = None) -> BrokenFile:
        ending = "" if reason.endswith("?") else "."
        return BrokenFile(f"{self.file}, line {number or self.number}: {reason}{ending}")


def _read_csv(lines: _Lines, columns: Columns, notation: Notation) -> Iterator[Row]:
    if notation.header:
        for number, cells in _plain_records(lines, notation.delimiter or ","):
            _check_width(lines, cells, len(notation.header), number)
            yield Row(lines.file, number, dict(zip(notation.header, cells, strict=True)), lines.size)
        return
    delimiter = notation.delimiter or _sniff(lines.peek(), columns, notation)
    records = _csv_records(lines, delimiter) if len(delimiter) == 1 else _plain_records(lines, delimiter)
    first = next(records, None)
    if first is None:
        return
    header = [notation.renamed.get(name, name) for name in first[1]]
    kept = [place for place, name in enumerate(header) if name or first[1][place] not in notation.renamed]
    names = [header[place] for place in kept]
    _check_header(lines, names, columns)
    is_whole = len(kept) == len(header)
    for number, cells in records:
        _check_width(lines, cells, len(header), number)
        values = cells if is_whole else [cells[place] for place in kept]
        yield Row(lines.file, number, dict(zip(names, values, strict=True)), lines.size)


def _check_width(lines: _Lines, cells: list[str], width: int, number: int) -> None:
    if len(cells) != width:
        raise lines.broken(f"{len(cells)} cells where the header has {width}", number)


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


def _plain_records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The number of each line and its cells, between which stand several characters; without quotes."""
    for line in lines:
        if not line.isspace():
            yield lines.number, line.rstrip("\r\n").split(delimiter)
        lines.size = 0


def _csv_records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]]]:
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


def _check_header(lines: _Lines, header: list[str], columns: Columns) -> None:
    if len(set(header)) != len(header):
        raise lines.broken("a column is named twice")
    if unknown := columns.unknown_in(header):
        raise lines.broken(_unknown(unknown, columns))
    if missing := columns.required - set(header):
        raise lines.broken(f"missing column {', '.join(sorted(missing))}")


def _unknown(names: Collection[str], columns: Columns) -> str:
    shown = ", ".join(repr(name[:40]) for name in list(names)[:5])
    known = ", ".join(sorted(columns.known))
    return f"unknown column {shown}; known are {known} (--map says which is which)"


def _read_json_lines(lines: _Lines, columns: Columns, notation: Notation, bad_rows: BadRows) -> Iterator[Row]:
    for line in lines:
        size, lines.size = lines.size, 0
        if not line.strip():
            continue
        try:
            values = _parse_object(line, columns, notation.renamed)
        except BadValue as error:
            bad_rows.add(lines.file, lines.number, str(error))
        else:
            yield Row(lines.file, lines.number, values, size)


def _parse_object(text: str, columns: Columns, renamed: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        values: object = json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise BadValue(f"not valid JSON ({error})") from error
    if not isinstance(values, dict):
        raise BadValue("not a JSON object")
    return _known_only(values, columns, renamed)


def _known_only(values: Mapping[str, Any], columns: Columns, renamed: Mapping[str, str]) -> Mapping[str, Any]:
    if renamed:
        values = _rename(values, renamed)
    if unknown := [name for name in values if name not in columns.known]:
        raise BadValue(_unknown(unknown, columns))
    if missing := columns.required - set(values):
        raise BadValue(f"missing key {', '.join(sorted(missing))}")
    return values


def _read_parquet(
    stream: BinaryIO, file: str, columns: Columns, notation: Notation, bad_rows: BadRows
) -> Iterator[Row]:
    # Arrow takes a tenth of a second to load, and most files are text.
    from imports.parquet import parquet_rows

    number = 0
    for number, found in enumerate(parquet_rows(stream, file), 1):
        values = {name: found[name] for name in found if name not in columns.passed_over}
        size = sum(len(value) if isinstance(value, str) else 8 for value in values.values())
        try:
            row = Row(file, number, _known_only(values, columns, notation.renamed), size)
        except BadValue as error:
            bad_rows.add(file, number, str(error))
            continue
        if size > MAX_ROW_BYTES:
            raise BrokenFile(f"{file}, row {number}: it is longer than {MAX_ROW_BYTES:,} characters.")
        yield row
    if not number:
        raise BrokenFile(f"{file} is empty.")


def _rename(values: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    pairs = [(renamed.get(name, name), value) for name, value in values.items()]
    try:
        result: dict[str, Any] = unique_keys([pair for pair in pairs if pair[0]])
    except ValueError as error:
        raise BadValue(str(error)) from error
    return result


def read_json_array(path: Path) -> Iterator[Row]:
    """The objects of a file that is one JSON array, one at a time. Raises BrokenFile."""
    with open_source(path) as stream:
        if stream.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
            stream.seek(0)
        source = _EntrySource(stream)
        entry, number, depth = ObjectBuilder(map_type=_UniqueKeys), 0, 0
        try:
            for event, value in basic_parse(source, buf_size=_CHUNK_BYTES, use_float=True):
                before, depth = depth, depth + _STEPS.get(event, 0)
                if before == 0 and event != "start_array":
                    raise BrokenFile(f"{path.name}: the file is not a JSON array.")
                if before == 0 or depth == 0:
                    continue
                if before == 1:
                    entry, number = ObjectBuilder(map_type=_UniqueKeys), number + 1
                    if event != "start_map":
                        raise BrokenFile(f"{path.name}: entry {number} is not a JSON object.")
                _check_depth(depth)
                entry.event(event, value)
                if depth == 1:
                    yield Row(path.name, number, entry.value, source.take())
        except (JSONError, ValueError) as error:
            raise BrokenFile(f"{path.name}{_array_trouble(error, number, depth)}.") from error


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")


def _array_trouble(error: Exception, number: int, depth: int) -> str:
    """The place and cause of a broken file, with `depth` brackets open in or after entry `number`."""
    if isinstance(error, UnicodeDecodeError):
        return " is not valid UTF-8. Save the file as UTF-8"
    reason = str(error).split("\n", 1)[0].strip()[:_MAX_REASON]
    if depth > 1:
        return f": entry {number} is not valid JSON ({reason})"
    if number:
        return f": after entry {number} neither a comma nor the closing bracket follows ({reason})"
    return f": the file is not a JSON array ({reason})"


class _UniqueKeys(dict[str, Any]):
    """An object as it is read; a key that comes twice raises ValueError."""

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self:
            raise ValueError("an object holds the same key twice")
        super().__setitem__(key, value)


class _EntrySource:
    """A UTF-8 stream that refuses to be read further than one entry may be long. Raises ValueError."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def read(self, size: int) -> bytes:
        if self._size > MAX_ROW_BYTES:
            raise ValueError(f"it is longer than {MAX_ROW_BYTES:,} bytes")
        data = self._stream.read(size)
        self._decoder.decode(data, final=not data)
        self._size += len(data)
        return data

    def take(self) -> int:
        """The bytes that were read since the last entry."""
        size, self._size = self._size, 0
        return size
