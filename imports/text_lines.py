"""The lines of a text file, read strictly: UTF-8 without NUL, and none longer than a row may be."""

import codecs
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from imports.rows import MAX_ROW_BYTES
from imports.sources import BrokenFile

BLOCK_BYTES = 1 << 20


class Lines:
    """The lines of a stream as text. `number` is that of the line last read; `size` grows until reset."""

    def __init__(self, stream: BinaryIO, file: str, *, is_old: bool) -> None:
        self.file = file
        self.number = 0
        self.size = 0
        self.has_text = False
        self._stream = stream
        self._is_old = is_old
        self._first: str | None = None
        self._ahead = BytesIO()

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
        raw = self._read_line(MAX_ROW_BYTES + 1)
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

    def take(self) -> bytes:
        """The bytes of some tens of thousands of lines, whole but for a very long one; empty at the end."""
        raw = self._stream.read(BLOCK_BYTES)
        return raw if raw.endswith(b"\n") else raw + self._stream.readline(MAX_ROW_BYTES)

    def count(self, lines: int) -> None:
        """Says that so many lines were taken and are not read again."""
        self.number += lines
        self.has_text = True

    def put_back(self, raw: bytes) -> None:
        """Says that what was taken last is to be read line by line."""
        self._ahead = BytesIO(raw)

    @property
    def is_ahead(self) -> bool:
        """True while lines that were put back are left."""
        return self._ahead.tell() < len(self._ahead.getbuffer())

    def _read_line(self, limit: int) -> bytes:
        raw = self._ahead.readline(limit)
        is_whole = raw.endswith(b"\n") or len(raw) == limit
        return raw if is_whole else raw + self._stream.readline(limit - len(raw))

    def _noticed(self, line: str) -> str:
        self.has_text = self.has_text or not (line.isspace() or not line)
        return line

    def broken(self, reason: str, number: int | None = None) -> BrokenFile:
        ending = "" if reason.endswith("?") else "."
        return BrokenFile(f"{self.file}, line {number or self.number}: {reason}{ending}")
