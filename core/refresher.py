"""A background thread that refreshes what a worker process holds in memory."""

import atexit
import os
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from django.db import close_old_connections, connections

from core.database import in_one_line, is_away

logger = structlog.stdlib.get_logger(__name__)

Key = TypeVar("Key", bound=Hashable)

_LONGEST_STOP = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class RefreshJob(Generic[Key]):
    """The work of a refresher.

    name     of its thread
    refresh  brings what is held under a key up to date; may raise anything
    failure  event for the log where it raises, beside the key
    every    seconds between two rounds; None: a key is refreshed only on request
    keys     refreshed in each round
    """

    name: str
    refresh: Callable[[Key], None]
    failure: str
    every: Callable[[], float] | None = None
    keys: Callable[[], Iterable[Key]] = tuple


class Refresher(Generic[Key]):
    """A daemon thread that refreshes keys, one after another. Safe to use from several threads.

    A refresh that raises is logged once, and again only after one of the same key that did not: what is held
    goes on serving meanwhile. Without rounds the thread ends when nothing is left to do, and its database
    connection with it. With rounds it keeps the connection, unless the database has ended it.
    """

    def __init__(self, job: RefreshJob[Key]) -> None:
        self._job = job
        self._failing: set[Key] = set()
        self._reset()
        os.register_at_fork(after_in_child=self._reset)
        # A thread that the interpreter ends within a library of C++ ends the process with SIGABRT.
        atexit.register(self.stop)

    def _reset(self) -> None:
        # A forked process has no copy of the thread, but one of the lock that it may have held.
        self._changed = threading.Condition()
        self._requested: dict[Key, None] = {}
        self._thread: threading.Thread | None = None

    def request(self, key: Key) -> None:
        """Has `key` refreshed soon. Requests that wait for the same key are one."""
        with self._changed:
            self._requested[key] = None
            self._changed.notify()
            self._start()

    def ensure(self) -> None:
        """Starts the thread where it does not run, as in a process that has just been forked."""
        if not self._is_running():
            with self._changed:
                self._start()

    def stop(self) -> None:
        """Drops what waits, ends the thread, and returns when it is done with what it is at."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._requested.clear()
            self._changed.notify()
        if thread is not None:
            thread.join(timeout=_LONGEST_STOP)

    def refresh(self, key: Key) -> None:
        """Refreshes `key` in the calling thread. Raises nothing: see the failure rule of the class."""
        try:
            self._job.refresh(key)
        except Exception as error:
            if key not in self._failing and is_away(error):
                logger.error(self._job.failure, key=key, error=in_one_line(error))
            elif key not in self._failing:
                logger.exception(self._job.failure, key=key)
            self._failing.add(key)
        else:
            self._failing.discard(key)

    def _is_running(self) -> bool:
        thread = self._thread
        return thread is not None and thread.is_alive()

    def _start(self) -> None:
        if not self._is_running():
            self._thread = threading.Thread(target=self._run, name=self._job.name, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            for key in self._due_keys():
                close_old_connections()
                self.refresh(key)
        finally:
            # They are this thread's own.
            connections.close_all()

    def _due_keys(self) -> Iterator[Key]:
        """The keys to refresh, as they become due, until the thread is to end."""
        while True:
            with self._changed:
                while self._is_current() and not self._requested:
                    self._await_round()
                if not self._is_current():
                    return
                key = next(iter(self._requested))
                del self._requested[key]
            yield key

    def _await_round(self) -> None:
        """Waits for the next round or a request; without rounds the thread is to end."""
        if self._job.every is None:
            self._thread = None
        elif not self._changed.wait(self._job.every()) and self._is_current():
            self._requested.update(dict.fromkeys(self._job.keys()))

    def _is_current(self) -> bool:
        return self._thread is threading.current_thread()
