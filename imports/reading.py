"""Import files as rows: CSV, JSON Lines, Parquet and JSON arrays, read strictly and in flat memory.

There are two kinds of trouble. A file that cannot be trusted as a whole (a NUL byte, another encoding than
UTF-8, a quote that is never closed, the wrong columns) raises BrokenFile at once. A row whose values cannot
be used is noted in BadRows while reading goes on, so that one run reports all of them.
"""

import codecs
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

# By name: left to itself ijson takes whichever backend it finds, and they differ. Its wheels have this one.
from ijson.backends.yajl2_c import basic_parse
from ijson.common import JSONError, ObjectBuilder

from core.errors import InvalidInput
from core.parsers import MAX_DEPTH
from core.strict_json import unique_keys
from core.values import BadValue
from imports.csv_files import open_csv
from imports.rows import AS_IT_SHOWS, MAX_ROW_BYTES, BadRows, Columns, Notation, Row
from imports.sources import BrokenFile, open_source
from imports.text_lines import Lines

if TYPE_CHECKING:
    from imports.blocks import Block

PARQUET = "parquet"
FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": PARQUET,
    ".pq": PARQUET,
}

_CHUNK_BYTES = 1 << 16
_MAX_REASON = 200
_STEPS = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}


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
    with _open_text(path, notation) as lines:
        if file_format == "csv":
            file = open_csv(lines, columns, notation)
            yield from file.rows() if file is not None else ()
        else:
            yield from _read_json_lines(lines, columns, notation, bad_rows)


def read_parts(
    path: Path, *, columns: Columns, bad_rows: BadRows, notation: Notation = AS_IT_SHOWS
) -> Iterator["Block | Row"]:
    """The rows as `read_rows` has them, those of CSV in blocks where nothing about them is unusual."""
    _check_notation(notation, columns)
    if format_of(path, notation.file_format) != "csv":
        yield from read_rows(path, columns=columns, bad_rows=bad_rows, notation=notation)
        return
    with _open_text(path, notation) as lines:
        file = open_csv(lines, columns, notation)
        yield from file.parts() if file is not None else ()


@contextmanager
def _open_text(path: Path, notation: Notation) -> Iterator[Lines]:
    """The lines of a file. Raises BrokenFile where none had any text when the block ends."""
    with open_source(path) as stream:
        lines = Lines(stream, path.name, is_old=notation.is_old)
        yield lines
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


def _read_json_lines(lines: Lines, columns: Columns, notation: Notation, bad_rows: BadRows) -> Iterator[Row]:
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
        raise BadValue(columns.refusal(unknown))
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
