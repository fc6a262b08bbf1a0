"""Progress of long commands: a bar on a terminal, plain lines in cron's mail, nothing with --quiet."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts `unit`s while its block runs and says so on `stream`.

    On a terminal it is a tqdm bar with rate and, where `total` is known, remaining time. Elsewhere it is a
    line such as `import_items: 20,000 of 60,000 rows, 8,100/s, 5 s left` at most every
    SECONDS_BETWEEN_LINES, so that a log of a night's run stays short. `quiet` says nothing at all.
    A command of several parts says with `begin` what each of them counts.
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
        self.is_quiet = quiet
        self._bar: tqdm[NoReturn] | None = None
        self._started = self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        if not self.is_quiet and self._stream.isatty():
            from tqdm import tqdm

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

    def begin(self, total: int | None, unit: str) -> None:
        """Says that another part begins, of `total` units where that is known; count and rate start anew."""
        self.total, self.unit, self.count = total, unit, 0
        self._started = time.monotonic()
        if self._bar is not None:
            self._bar.unit = f" {unit}"
            self._bar.reset(total)

    def counter(self, unit: str) -> Callable[[int, int], None]:
        """The function to call with (done, total) after each unit of a part that begins now."""
        now = time.monotonic()

        def count(done: int, total: int) -> None:
            if done == 1:
                self.begin(total, unit)
                self._started = now
            self.advance()

        return count

    def advance(self, count: int = 1) -> None:
        """Says that `count` more units are done. Cheap enough to call for every row."""
        self.count += count
        if self._bar is not None:
            self._bar.update(count)
        elif not self.is_quiet:
            now = time.monotonic()
            if now - self._last_line >= SECONDS_BETWEEN_LINES:
                self._last_line = now
                self._write_line(now)

    def _write_line(self, now: float) -> None:
        rate = self.count / max(now - self._started, 1e-9)
        of_total = f" of {self.total:,}" if self.total else ""
        # A rate below one says little, and how long each takes says more.
        speed = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s"
        if 0 < rate < 1:
            speed = f"{duration(1 / rate)} each"
        left = f", {duration((self.total - self.count) / rate)} left" if self.total and rate else ""
        self._stream.write(f"{self.label}: {self.count:,}{of_total} {self.unit}, {speed}{left}\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """A time as short as it is useful: `45 s`, `12 min`, `3 h 20 min`."""
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
