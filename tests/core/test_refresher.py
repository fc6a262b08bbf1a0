"""One thread refreshes what is held in memory; it outlives failures and is started anew after a fork."""

import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import Queue

import pytest
from django.db import connection, connections

from core.refresher import Refresher, RefreshJob
from tests.threads import threads_db  # noqa: F401  a fixture

WAIT = 30.0  # seconds
NAME = "refresher-under-test"


class Work:
    """A job that reports each refresh, and that fails or waits on demand."""

    def __init__(self) -> None:
        self.done: Queue[str] = Queue()
        self.failing: set[str] = set()
        self.gates: dict[str, threading.Event] = {}

    def refresh(self, key: str) -> None:
        self.done.put(key)
        if key in self.gates:
            assert self.gates[key].wait(WAIT)
        if key in self.failing:
            raise OSError("no answer")

    def next(self) -> str:
        return self.done.get(timeout=WAIT)

    def drain(self) -> list[str]:
        return [self.done.get() for _ in range(self.done.qsize())]


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def on_request(work: Work) -> Iterator[Refresher[str]]:
    refresher = Refresher(RefreshJob(NAME, work.refresh, "not refreshed"))
    yield refresher
    refresher.stop()


@pytest.fixture
def in_rounds(work: Work) -> Iterator[Refresher[str]]:
    refresher = Refresher(
        RefreshJob(NAME, work.refresh, "not refreshed", every=lambda: 0.001, keys=lambda: "ab")
    )
    yield refresher
    refresher.stop()


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def join() -> None:
    for thread in threads():
        thread.join(WAIT)


def test_what_is_requested_is_refreshed_in_its_order_and_the_thread_ends(
    on_request: Refresher[str], work: Work
) -> None:
    work.gates["a"] = threading.Event()
    for key in "abcb":
        on_request.request(key)
    work.gates["a"].set()
    join()
    assert work.drain() == ["a", "b", "c"]
    assert not threads()


def test_a_request_during_the_refresh_of_the_same_key_is_not_lost(
    on_request: Refresher[str], work: Work
) -> None:
    work.gates["a"] = threading.Event()
    on_request.request("a")
    assert work.next() == "a"
    on_request.request("a")
    work.gates["a"].set()
    assert work.next() == "a"


def test_a_request_after_the_thread_has_ended_starts_another(on_request: Refresher[str], work: Work) -> None:
    on_request.request("a")
    join()
    on_request.request("b")
    join()
    assert work.drain() == ["a", "b"]


def test_rounds_refresh_every_key_again_and_again(in_rounds: Refresher[str], work: Work) -> None:
    in_rounds.ensure()
    assert [work.next() for _ in range(6)] == ["a", "b"] * 3


def test_a_request_does_not_wait_for_the_next_round(work: Work) -> None:
    refresher = Refresher(
        RefreshJob(NAME, work.refresh, "not refreshed", every=lambda: 3600.0, keys=lambda: "ab")
    )
    refresher.ensure()
    refresher.request("b")
    assert work.next() == "b"
    refresher.stop()
    assert not threads()


def test_only_one_thread_runs_however_often_it_is_asked_for(in_rounds: Refresher[str], work: Work) -> None:
    for _ in range(20):
        in_rounds.ensure()
        in_rounds.request("a")
    assert len(threads()) == 1


def test_stopping_waits_for_what_is_at_work_and_drops_what_waits(
    on_request: Refresher[str], work: Work
) -> None:
    work.gates["a"] = threading.Event()
    on_request.request("a")
    on_request.request("b")
    assert work.next() == "a"
    threading.Timer(0.05, work.gates["a"].set).start()
    on_request.stop()
    assert not threads()
    assert work.drain() == []


def test_a_stopped_refresher_can_be_started_again(in_rounds: Refresher[str], work: Work) -> None:
    in_rounds.ensure()
    in_rounds.stop()
    assert not threads()
    work.drain()
    in_rounds.ensure()
    assert work.next() == "a"


def test_a_failure_is_logged_once_until_the_key_was_refreshed(
    on_request: Refresher[str], work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    def messages(key: str) -> list[str]:
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            on_request.refresh(key)
        return [message.splitlines()[0] for message in caplog.messages]

    work.failing = {"a", "b"}
    assert messages("a") == ["not refreshed key=a"]
    assert messages("a") == []
    assert messages("b") == ["not refreshed key=b"]
    work.failing = set()
    assert messages("a") == []
    work.failing = {"a"}
    assert messages("a") == ["not refreshed key=a"]
    assert "no answer" in caplog.text


def test_a_failure_ends_neither_the_thread_nor_the_other_keys(in_rounds: Refresher[str], work: Work) -> None:
    work.failing = {"a"}
    in_rounds.ensure()
    assert [work.next() for _ in range(4)] == ["a", "b"] * 2
    assert len(threads()) == 1


def test_a_forked_process_starts_a_thread_of_its_own() -> None:
    ready, told = os.pipe()

    def tell(key: str) -> None:
        os.write(told, key.encode())

    def read() -> bytes:
        assert select.select([ready], [], [], WAIT)[0]
        return os.read(ready, 1)

    refresher = Refresher(RefreshJob(NAME, tell, "not refreshed", every=lambda: 3600.0))
    refresher.request("p")
    assert read() == b"p"
    child = os.fork()
    if child == 0:  # pragma: no cover  another process
        refresher.request("c")
        threading.Event().wait(WAIT)
        os._exit(0)
    try:
        assert read() == b"c"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        refresher.stop()


@pytest.mark.django_db
def test_the_thread_replaces_a_connection_that_is_too_old_and_closes_its_own(threads_db: None) -> None:  # noqa: F811
    seen: Queue[object] = Queue()

    def refresh(key: str) -> None:
        connection.ensure_connection()
        seen.put(connection.connection)
        connection.close_at = 0.0  # as after CONN_MAX_AGE
        if key == "last":
            seen.put(connections["default"])

    refresher = Refresher(RefreshJob(NAME, refresh, "not refreshed"))
    for key in ("first", "last"):
        refresher.request(key)
    join()
    first, last, wrapper = (seen.get(timeout=WAIT) for _ in range(3))
    assert first is not last
    assert getattr(wrapper, "connection", "") is None


def test_a_process_that_ends_lets_a_refresh_come_to_its_end() -> None:
    """A thread that the interpreter cuts off within a library may take the whole process with it."""
    program = """
import sys, threading, time
from core.refresher import Refresher, RefreshJob
begun = threading.Event()
def refresh(key):
    begun.set()
    time.sleep(0.3)
    sys.stdout.write(f"{key} done")
    sys.stdout.flush()
Refresher(RefreshJob(name="slow", refresh=refresh, failure="it failed")).request("one")
begun.wait()
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "one done"), done.stderr
