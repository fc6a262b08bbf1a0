"""Locks of training: one run at a time, on however many machines. A killed run gives its lock back."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import Error, connection
from filelock import FileLock, Timeout

from core.errors import LockHeld

_ASK_AFTER = "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"


@contextmanager
def training_lock(name: str) -> Iterator[None]:
    """Holds the lock `name` while the block runs. Raises LockHeld at once when another run has it.

    PostgreSQL: an advisory lock in a session of its own, which stays idle, so that the server notices
    at once when this process is gone. It needs a session of its own on the server, so not a pooler that
    hands out sessions per transaction. SQLite: a lock on a file, which the kernel gives back.
    """
    lock = _advisory_lock(name) if connection.vendor == "postgresql" else _file_lock(name)
    with lock:
        yield


def training_lock_of(kind: str, use_case: str) -> AbstractContextManager[None]:
    """The lock of those who train one kind for one use case."""
    return training_lock(f"train-{kind}-{use_case}")


def _held(name: str) -> LockHeld:
    return LockHeld(f"Another run holds the lock {name!r}. Wait for it to end.")


@contextmanager
def _advisory_lock(name: str) -> Iterator[None]:
    key = int.from_bytes(hashlib.sha256(f"heed:{name}".encode()).digest()[:8], signed=True)
    session = connection.copy()
    try:
        with session.cursor() as cursor:
            # A machine that lost its power says no goodbye: the server asks after it within a minute.
            cursor.execute(_ASK_AFTER)
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
            if not cursor.fetchone()[0]:
                raise _held(name)
        try:
            yield
        finally:
            # The server notices a closed session only later, and the next run may come sooner. One that is
            # lost holds nothing.
            with suppress(Error), session.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
    finally:
        session.close()


@contextmanager
def _file_lock(name: str) -> Iterator[None]:
    folder = Path(settings.LOCK_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise _held(name) from None
    try:
        yield
    finally:
        lock.release()
