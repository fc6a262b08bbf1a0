"""Rows written as Parquet, CSV or JSON Lines to a file, or to any address that fsspec knows.

Rows come one after the other and are never held all at once. What is written appears when it is whole: a run
that fails leaves nothing under the name.
"""

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from core.arrow import pa
from core.errors import InvalidInput
from core.progress import Progress
from core.stores import file_system, is_refusal, refusal_of
from core.text import inert_cell

CSV, JSONL, PARQUET = "csv", "jsonl", "parquet"
FORMATS = (CSV, JSONL, PARQUET)
_ENDINGS = {f".{name}": name for name in FORMATS} | {".json": JSONL, ".ndjson": JSONL, ".pq": PARQUET}
_GZIP = ".gz"
# Rows that are turned into columns at once.
_GROUP = 10_000

Entry: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of an export: where it lies, in which format, and how much it is."""

    address: str
    format: str
    rows: int
    bytes: int


def format_of(address: str, named: str | None) -> str:
    """The format of an export: as `named`, or by the ending of its address. Raises InvalidInput."""
    endings = [ending.lower() for ending in Path(address).suffixes]
    is_packed = endings[-1:] == [_GZIP]
    chosen = named or _ENDINGS.get("".join(endings[:-1][-1:] if is_packed else endings[-1:]))
    if chosen is None:
        raise InvalidInput(f"{address}: name the format with --format {', '.join(FORMATS)}.")
    if is_packed and chosen == PARQUET:
        raise InvalidInput(f"{address}: a Parquet file is packed already; leave {_GZIP} out.")
    return chosen


def write_rows(
    *,
    rows: Iterable[Entry],
    schema: pa.Schema,
    address: str,
    file_format: str,
    progress: Progress,
    is_inert: bool = False,
) -> Written:
    """Writes rows with the columns of `schema` to an address. Raises InvalidInput where that cannot be.

    `is_inert`: no cell of CSV is a formula, and none is as it was, either.
    """
    counted = _counted(rows, progress)
    with _opened(address) as stream:
        if file_format == PARQUET:
            _write_parquet(counted, schema, stream)
        elif address.lower().endswith(_GZIP):
            with gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed:
                _write_text(counted, schema, cast("BinaryIO", packed), file_format, is_inert=is_inert)
        else:
            _write_text(counted, schema, stream, file_format, is_inert=is_inert)
        size = stream.tell()
    return Written(address, file_format, progress.count, size)


def as_json(entry: Entry) -> str:
    """A row as a line of JSON, without the end of the line."""
    return json.dumps(entry, ensure_ascii=False, default=_plain)


def _counted(rows: Iterable[Entry], progress: Progress) -> Iterator[Entry]:
    for row in rows:
        progress.advance()
        yield row


@contextmanager
def _opened(address: str) -> Iterator[BinaryIO]:
    """A stream to an address, under whose name nothing appears unless the block ends well."""
    try:
        with file_system(address) as (system, path):
            opened = _local_file(Path(path)) if isinstance(system, LocalFileSystem) else _remote(system, path)
            with opened as stream:
                yield stream
    except Exception as error:
        if not is_refusal(error):
            raise
        raise InvalidInput(f"{address} cannot be written: {refusal_of(error)}.") from error


@contextmanager
def _local_file(path: Path) -> Iterator[BinaryIO]:
    """A file beside, which takes the name at the end. Only its owner may read it: people are named in it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        part = Path(file.name)
        try:
            yield cast("BinaryIO", file)
            file.close()
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def _remote(system: Any, path: str) -> Iterator[BinaryIO]:
    with system.transaction, system.open(path, "wb") as stream:
        yield stream


def _write_parquet(rows: Iterable[Entry], schema: pa.Schema, stream: BinaryIO) -> None:
    rows = iter(rows)
    with pq.ParquetWriter(stream, schema, compression="zstd") as file:
        while group := list(islice(rows, _GROUP)):
            columns = [[_flat(row[name]) for row in group] for name in schema.names]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            file.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _write_text(
    rows: Iterable[Entry], schema: pa.Schema, stream: BinaryIO, file_format: str, *, is_inert: bool
) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
    if file_format == CSV:
        # Quoted, so that a spreadsheet that chooses another separator keeps a cell together.
        sheet = csv.writer(text, quoting=csv.QUOTE_ALL if is_inert else csv.QUOTE_MINIMAL)
        sheet.writerow(schema.names)
        cell_of = _inert if is_inert else _cell
        sheet.writerows([cell_of(row[name]) for name in schema.names] for row in rows)
    else:
        text.writelines(as_json({name: row[name] for name in schema.names}) + "\n" for row in rows)
    # Left to whoever opened the stream to close.
    text.detach()


def _flat(value: object) -> object:
    """A value as a column of Parquet holds it: attributes as JSON text."""
    return as_json(value) if isinstance(value, Mapping) else value


def _cell(value: object) -> object:
    """A value as a cell of CSV holds it, so that an import reads it back."""
    match value:
        case bool():
            return "true" if value else "false"
        case Mapping() | list() | tuple():
            return json.dumps(value, ensure_ascii=False) if value else ""
        case datetime():
            return value.isoformat()
        case _:
            return value


def _inert(value: object) -> object:
    """The same, and no formula in a spreadsheet."""
    cell = _cell(value)
    return inert_cell(cell) if isinstance(cell, str) else cell


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
