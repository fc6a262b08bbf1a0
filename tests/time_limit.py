"""The option `--seconds` of `make quick`: no test starts later, and one that runs GRACE longer is cut off.

The time begins with the first process. Workers that a busy machine starts late get what is left of it.
Files keep the order in which they are named, so that the time goes to the nearest.
"""

import math
import signal
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

GRACE = 6.0
AGAIN = 0.02
_STARTED = time.monotonic()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seconds", type=float, default=0.0, help="start no test after so many seconds; 0: all")


def pytest_configure(config: pytest.Config) -> None:
    """Notes when the time is over, by the clock of the machine."""
    limit: float = config.getoption("--seconds")
    told: dict[str, float] = getattr(config, "workerinput", {})
    config.option.seconds_end = told.get("seconds_end", _STARTED + limit if limit else math.inf)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker, before it starts."""
    node.workerinput["seconds_end"] = node.config.option.seconds_end


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Puts the files in order again: pytest-django begins with all that use the database, however far."""
    named: dict[Path, int] = {}
    for item in items:
        named.setdefault(item.path, len(named))
    yield
    if config.getoption("--seconds"):
        items.sort(key=lambda item: named[item.path])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    if time.monotonic() > _end(item):
        item.add_marker(pytest.mark.skip(reason="not within the time of make quick, left to make test"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _cut_off(_end(item)):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _cut_off(_end(item)):
        yield


def _end(item: pytest.Item) -> float:
    end: float = item.config.option.seconds_end
    return end


@contextmanager
def _cut_off(end: float) -> Iterator[None]:
    """Counts what still runs GRACE seconds after the end as left out."""
    if end == math.inf:
        yield
        return
    signal.signal(signal.SIGALRM, _leave_out)
    signal.setitimer(signal.ITIMER_REAL, max(end + GRACE - time.monotonic(), 0.01))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _leave_out(number: int, frame: FrameType | None) -> None:
    if _in_a_finalizer(frame):
        # What is raised there never reaches the test: pytest would count it as a fault.
        signal.setitimer(signal.ITIMER_REAL, AGAIN)
        return
    pytest.skip("too long for make quick, left to make test")


def _in_a_finalizer(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_name == "__del__" or code.co_filename == weakref.__file__:
            return True
        frame = frame.f_back
    return False
