"""Progress of long commands: a bar on a terminal, plain lines in cron's mail, nothing with --quiet."""

import sys
import time
from types import TracebackType
from typing import NoReturn, Self, TextIO

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts `unit`s while its block runs and says so on `stream`.

    On a terminal it is a tqdm bar with rate and, where `total` is known, remaining time. Elsewhere it is a
    line such as `import_items: 20,000 rows, 8,100/s` at most every SECONDS_BETWEEN_LINES, so that a log of
    a night's run stays short. `quiet` says nothing at all.
    """

    def __init__(
        self,
        label: str = "",
        *,
        total: int | None = None,
        unit: str = "rows",
        stream: TextIO | None = None,
        quiet: bool = False,
    ) -> None:
        self.label = label
        self.total = total
        self.unit = unit
        self.count = 0
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._bar: tqdm[NoReturn] | None = None
        self._started = self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        if not self._quiet and self._stream.isatty():
            self._bar = tqdm(
                desc=self.label, total=self.total, unit=f" {self.unit}", file=self._stream, dynamic_ncols=True
            )
        self._started = self._last_line = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def advance(self, count: int = 1) -> None:
        """Says that `count` more units are done. Cheap enough to call for every row."""
        self.count += count
        if self._bar is not None:
            self._bar.update(count)
        elif not self._quiet:
            now = time.monotonic()
            if now - self._last_line >= SECONDS_BETWEEN_LINES:
                self._last_line = now
                self._write_line(now)

    def _write_line(self, now: float) -> None:
        rate = self.count / max(now - self._started, 1e-9)
        of_total = f" of {self.total:,}" if self.total else ""
        self._stream.write(f"{self.label}: {self.count:,}{of_total} {self.unit}, {rate:,.0f}/s\n")
        self._stream.flush()
