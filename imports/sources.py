"""The bytes of import files: unpacked where they are gzip, and refused by name where they are no text."""

import gzip
import io
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from core.errors import InvalidInput

GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_UNPACK = "Unpack it, and name a file in it"
_CSV = "Save the sheet as CSV (UTF-8)"
# First bytes of other files, their names, and what to do.
_OTHERS = (
    (b"PK", "a zip archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", _CSV),
    (b"BZh", "packed by bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", "packed by xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed by zstd", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (_PARQUET, "a Parquet file", "Say --format parquet"),
    (b"SQLite format 3", "an SQLite database", "Save the table as CSV"),
    (b"%PDF", "a PDF document", "Save the table as CSV"),
)


class BrokenFile(InvalidInput):
    """The file as a whole cannot be imported; the message names the line and what to do."""


@contextmanager
def open_source(path: Path, *, is_parquet: bool = False) -> Iterator[BinaryIO]:
    """The bytes of a regular file, unpacked where it is gzip. Raises BrokenFile, also for damage found later.

    A Parquet file is refused unless it is one that is wanted, and then nothing else is taken. A pipe is
    refused: it could block for ever.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BrokenFile(f"{path} is not a file. Name a regular file, not a folder or a pipe.")
        stream = path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BrokenFile(f"{path} cannot be read: {reason}.") from error
    with stream:
        begin = stream.read(16)
        stream.seek(0)
        if is_parquet:
            if not begin.startswith(_PARQUET):
                raise BrokenFile(f"{path.name} is no Parquet file.")
            yield stream
            return
        _refuse_others(path, begin)
        if not begin.startswith(GZIP):
            yield stream
            return
        try:
            with gzip.open(stream) as packed:
                yield io.BufferedReader(cast("io.RawIOBase", packed))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise BrokenFile(f"{path.name} is a damaged gzip file ({error}). Copy it anew.") from error


def count_lines(path: Path) -> int | None:
    """The number of lines, for a progress bar; None where the file cannot be read."""
    try:
        with open_source(path) as stream:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(1 << 20), b""))
    except BrokenFile:
        return None


def other_than_text(begin: bytes, name: str) -> tuple[str, str] | None:
    """The sort of a file that is no text, by its beginning and its name, and what to do; else None."""
    ending = Path(name).suffix.lower()
    for magic, what, advice in (*_OTHERS, (GZIP, "packed by gzip", _UNPACK)):
        if begin.startswith(magic):
            is_sheet = magic != GZIP and ending in (".xlsx", ".xlsm", ".ods")
            return ("a spreadsheet", _CSV) if is_sheet else (what, advice)
    return None


def _refuse_others(path: Path, begin: bytes) -> None:
    other = None if begin.startswith(GZIP) else other_than_text(begin, path.name)
    if other:
        what, advice = other
        raise BrokenFile(f"{path.name} is {what}, not text. {advice}.")
