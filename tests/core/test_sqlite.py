"""The lock of SQLite: writers ask for it every few milliseconds."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from accounts.models import User
from core.sqlite import base
from tests.factories import make_user
from tests.threads import threads_db

__all__ = ["threads_db"]

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite")


@pytest.fixture
def other(threads_db: None) -> Iterator[sqlite3.Connection]:
    """Another writer, who holds the lock."""
    make_user("ann")
    with sqlite3.connect(connections.settings["default"]["NAME"], isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other
    other.close()


def test_a_writer_has_the_lock_once_it_is_free(
    other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 40:
            other.execute("COMMIT")

    monkeypatch.setattr(base, "sleep", sleep)
    with transaction.atomic():
        User.objects.update(first_name="Ann")
    assert len(slept) == 40
    assert max(slept) <= 2 * base.ASKED_EVERY
    assert User.objects.get().first_name == "Ann"


def test_a_writer_gives_up_after_the_timeout(
    other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, 0.1, 19.0, 20.5])
    monkeypatch.setattr(base, "monotonic", lambda: next(moments, 99.0))
    monkeypatch.setattr(base, "sleep", lambda seconds: None)
    with pytest.raises(OperationalError, match="locked"), transaction.atomic():
        pass
    # A single statement waits as before.
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (20_000,)


def test_what_is_wrong_otherwise_is_said_at_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    wrapper: Any = connections["default"]
    monkeypatch.setattr(wrapper, "transaction_mode", "NONSENSE")
    with pytest.raises(OperationalError, match="syntax error"):
        wrapper._start_transaction_under_autocommit()
