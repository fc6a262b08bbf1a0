"""Rows of import files, the bad ones among them, and what a file says of its columns."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import InvalidInput

MAX_ROW_BYTES = 1_000_000
MAX_REPORTS = 1_000
# Of a file with ten thousand bad rows twenty tell what is wrong.
LISTED = 20


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

    def refusal(self, unknown: Collection[str]) -> str:
        """The sentence about columns that nothing is known of."""
        shown = ", ".join(repr(name[:40]) for name in list(unknown)[:5])
        return (
            f"unknown column {shown}; known are {', '.join(sorted(self.known))} (--map says which is which)"
        )

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
