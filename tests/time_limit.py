"""The option `--seconds` of `make quick`: no test starts later, and one that runs GRACE longer is cut off."""

import signal
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

GRACE = 6.0
AGAIN = 0.02
_STARTED = time.monotonic()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seconds", type=float, default=0.0, help="start no test after so many seconds; 0: all")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    limit: float = item.config.getoption("--seconds")
    if limit and time.monotonic() - _STARTED > limit:
        item.add_marker(pytest.mark.skip(reason="not within the time of make quick, left to make test"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _cut_off(item.config.getoption("--seconds")):
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _cut_off(item.config.getoption("--seconds")):
        yield


@contextmanager
def _cut_off(limit: float) -> Iterator[None]:
    """Counts what still runs GRACE seconds after the limit as left out; 0 is no limit."""
    if not limit:
        yield
        return
    signal.signal(signal.SIGALRM, _leave_out)
    signal.setitimer(signal.ITIMER_REAL, max(_STARTED + limit + GRACE - time.monotonic(), 0.01))
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
