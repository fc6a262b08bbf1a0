"""Progress on a terminal, in a log, and with --quiet."""

from io import StringIO

import pytest

from core import progress
from core.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_plain_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 1.0, 4.0, 5.0, 6.0, 10.0])
    monkeypatch.setattr("core.progress.time.monotonic", lambda: next(clock))
    stream = StringIO()
    with Progress("import_items", total=60_000, stream=stream) as counter:
        for _ in range(5):
            counter.advance(10_000)
    assert stream.getvalue().splitlines() == [
        "import_items: 30,000 of 60,000 rows, 6,000/s, 5 s left",
        "import_items: 50,000 of 60,000 rows, 5,000/s, 2 s left",
    ]


def test_a_terminal_gets_a_bar_with_what_is_left() -> None:
    stream = Terminal()
    with Progress("import_items", total=4, stream=stream) as counter:
        counter.advance(4)
    assert "import_items: 100%" in stream.getvalue()
    assert "4/4" in stream.getvalue()


def test_each_part_of_a_command_is_counted_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 10.0, 20.0, 1020.0, 1020.0, 21_020.0])
    monkeypatch.setattr("core.progress.time.monotonic", lambda: next(clock))
    stream = StringIO()
    with Progress("retrain", unit="steps", stream=stream) as counter:
        counter.advance(500)
        epochs = counter.counter("epochs")
        epochs(1, 12)
        epochs(2, 12)
    assert stream.getvalue().splitlines() == [
        "retrain: 500 steps, 50/s",
        "retrain: 1 of 12 epochs, 17 min each, 3 h 3 min left",
        "retrain: 2 of 12 epochs, 2 h 55 min each, 29 h 10 min left",
    ]


def test_a_new_part_starts_the_bar_anew() -> None:
    stream = Terminal()
    with Progress("train_als", total=100, stream=stream) as counter:
        counter.advance(60)
        iterations = counter.counter("iterations")
        for done in (1, 2, 3):
            iterations(done, 3)
    last = stream.getvalue().split("\r")[-1]
    assert "3/3" in last
    assert "iterations" in last


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 s"), (119.4, "119 s"), (120.0, "2 min"), (7170.0, "2 h 0 min"), (12_000.0, "3 h 20 min")],
)
def test_a_remaining_time_is_as_short_as_it_is_useful(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text


def test_quiet_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    for stream in (StringIO(), Terminal()):
        with Progress("import_items", stream=stream, quiet=True) as counter:
            counter.advance()
        assert stream.getvalue() == ""
        assert counter.count == 1
