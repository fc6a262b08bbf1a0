"""A kept connection is checked without a query, and one that was cut is found all the same."""

import select

import psycopg2
import pytest
from django.db import connection
from django.db.backends.postgresql import base

from tests.core.test_errors import cut

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The checks that asked the server."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server to ask")
    asked: list[str] = []
    plain = base.DatabaseWrapper.is_usable

    def is_usable(database: base.DatabaseWrapper) -> bool:
        asked.append("SELECT 1")
        return plain(database)

    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", is_usable)
    connection.ensure_connection()
    return asked


def wait_for_news() -> None:
    """Waits for what the server sends, which comes within a moment."""
    assert select.select([connection.connection], [], [], 10.0)[0]


def test_a_connection_that_brought_nothing_is_not_asked(asked: list[str]) -> None:
    assert connection.is_usable()
    assert asked == []


def test_a_connection_that_was_cut_is_not_usable(asked: list[str]) -> None:
    cut()
    wait_for_news()
    assert not connection.is_usable()
    assert asked == ["SELECT 1"]
    connection.close()


def test_a_connection_that_was_closed_is_not_usable(asked: list[str]) -> None:
    connection.connection.close()
    assert not connection.is_usable()
    connection.close()


def test_a_connection_with_news_is_asked_and_used_on(asked: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("LISTEN heed_news")
    own = connection.connection.info
    other = psycopg2.connect(host=own.host, port=own.port, user=own.user, dbname=own.dbname)
    other.autocommit = True
    with other.cursor() as cursor:
        cursor.execute("NOTIFY heed_news")
    other.close()
    wait_for_news()
    assert connection.is_usable()
    assert asked == ["SELECT 1"]


def test_a_connection_after_an_error_is_asked(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "errors_occurred", True)
    assert connection.is_usable()
    assert asked == ["SELECT 1"]
