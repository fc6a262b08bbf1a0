"""Progress on a terminal, in a log, and with --quiet."""

from io import StringIO

import pytest

from config import progress
from config.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_plain_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 1.0, 4.0, 5.0, 6.0, 10.0])
    monkeypatch.setattr("config.progress.time.monotonic", lambda: next(clock))
    stream = StringIO()
    with Progress("import_items", total=60_000, stream=stream) as counter:
        for _ in range(5):
            counter.advance(10_000)
    assert stream.getvalue().splitlines() == [
        "import_items: 30,000 of 60,000 rows, 6,000/s",
        "import_items: 50,000 of 60,000 rows, 5,000/s",
    ]


def test_a_terminal_gets_a_bar_with_what_is_left() -> None:
    stream = Terminal()
    with Progress("import_items", total=4, stream=stream) as counter:
        counter.advance(4)
    assert "import_items: 100%" in stream.getvalue()
    assert "4/4" in stream.getvalue()


def test_quiet_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    for stream in (StringIO(), Terminal()):
        with Progress("import_items", stream=stream, quiet=True) as counter:
            counter.advance()
        assert stream.getvalue() == ""
        assert counter.count == 1
