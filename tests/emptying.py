"""The end of a test that commits: its rows go, and what every database has from its migrations stays."""

from contextlib import suppress
from functools import cache

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connection, transaction
from django.test import TransactionTestCase

# Made for the models and not by a test; to make them again would cost more than all else.
_KEPT = (ContentType, Permission)
_AGAIN = 3
_usual: list[int] = []
_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def empty(case: TransactionTestCase) -> None:
    """Deletes the rows of the tables that have some.

    Django truncates every table and makes permissions and types of contents again: 40 ms, and on PostgreSQL
    200 ms more, because each table gets a new file. Foreign keys are looked at when the transaction ends, so
    the order does not matter.
    """
    if _counts() != _usual:
        _flush(case)
        return
    # A page that is closed may have asked for a list, which is written between two deletions.
    for _ in range(_AGAIN):
        with suppress(IntegrityError):
            _delete()
            return
    _delete()


def _delete() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_question())
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608  a name of ours


def remember_what_stays() -> None:
    """Notes what a new database has."""
    _usual[:] = _counts()


def _counts() -> list[int]:
    return [model._default_manager.count() for model in _KEPT]


@cache
def _question() -> str:
    """A query for the names of the tables that have rows, of those that are emptied."""
    kept = {model._meta.db_table for model in _KEPT}
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})"  # noqa: S608
        for table in tables
        if table not in kept
    )
