"""Imports that keep nobody waiting: one transaction, or on SQLite many short ones, taken back together.

PostgreSQL lets others write beside a long transaction, and an import there is one. SQLite has one writer at a
time, so there each slice of an import is a transaction of its own, and others write between two of them.
While an import runs, triggers that only its connection has note of each row that it writes how to take that
back. The notes are written along with the rows. A run that fails goes by them, last note first; those of a
run that was killed are found by the next import, or by `prune`. What others wrote meanwhile stays: a value
that they changed, and a row that something of theirs belongs to.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model
from django.utils import timezone
from filelock import FileLock, Timeout

from core.errors import Conflict, LockHeld
from core.sql import table_name
from imports.staging import execute

# An import holds the lock of SQLite for so long altogether before it gives way. Who waits for it asks again
# every tenth of a second.
HELD_SECONDS = 0.1
PAUSE_SECONDS = 0.11
NOTES_AT_ONCE = 500
# Whose tables an import writes.
_APPS = ("accounts", "catalog", "recommendations", "interactions", "feedback")
_NOTES, _DONE = "heed_import_notes", "heed_import_done"
_INSERTED, _UPDATED, _DELETED = "inserted", "updated", "deleted"
# Dated anew when a row is taken back, so that who keeps it in memory notices.
_DATED = "changed_at"
_OF_SOMETHING_GONE = "FOREIGN KEY"
_GONE_MEANWHILE = (
    "Somebody or something that the file names was erased while it was imported, so nothing was imported. "
    "Run it again."
)


@dataclass(slots=True)
class Slices:
    """The slices of an import. `is_whole`: they are parts of one transaction, and may have any size."""

    is_whole: bool = True
    _held: float = 0.0

    @contextmanager
    def one(self) -> Iterator[None]:
        """A slice; whoever waits to write comes next."""
        with transaction.atomic():
            began = monotonic()
            yield
        if self.is_whole:
            return
        self._held += monotonic() - began
        if self._held >= HELD_SECONDS:
            sleep(PAUSE_SECONDS)
            self._held = 0.0


# Of what its caller has within a transaction.
WHOLE = Slices()


@contextmanager
def in_slices() -> Iterator[Slices]:
    """A block whose writes all stay, or are all taken back where it raises."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        try:
            with transaction.atomic():
                yield WHOLE
        except IntegrityError as error:
            _refuse_if_gone(error)
            raise
        return
    with _file_lock(blocking=True):
        _take_back()
        execute(f"CREATE TABLE {_NOTES} (place integer PRIMARY KEY, tab text, act text, id, said text)")
        try:
            for model in models_written():
                for trigger in _triggers(model):
                    execute(trigger)
            yield Slices(is_whole=False)
        except BaseException as error:
            _drop_triggers()
            # A lost database keeps its notes for the next run, and what lost it is the error to show.
            with suppress(DatabaseError):
                _take_back()
            if isinstance(error, IntegrityError):
                _refuse_if_gone(error)
            raise
        _drop_triggers()
        # From here on nothing is taken back.
        execute(f"ALTER TABLE {_NOTES} RENAME TO {_DONE}")
        _forget_done()


def _refuse_if_gone(error: IntegrityError) -> None:
    """Raises Conflict where the error is that something is gone to which rows belong."""
    if _OF_SOMETHING_GONE in str(error).upper():
        raise Conflict(_GONE_MEANWHILE) from error


def take_back_killed_import() -> bool:
    """Takes back what an import wrote that was killed; True where there was one.

    One that runs is left alone.
    """
    if connection.vendor != "sqlite" or not (_exists(_NOTES) or _exists(_DONE)):
        return False
    try:
        with _file_lock(blocking=False):
            return _take_back()
    except LockHeld:
        return False


@contextmanager
def _file_lock(*, blocking: bool) -> Iterator[None]:
    """One import at a time; the kernel gives back the lock of a killed one."""
    folder = Path(settings.LOCK_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "import.lock")
    try:
        lock.acquire(blocking=blocking)
    except Timeout:
        raise LockHeld("Another import runs. Wait for it to end.") from None
    try:
        yield
    finally:
        lock.release()


def models_written() -> list[type[Model]]:
    """Those whose rows are noted."""
    return [
        model
        for app in _APPS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        if not _meta(model).proxy and _meta(model).managed
    ]


def _triggers(model: type[Model]) -> Iterator[str]:
    """The triggers that note what is written to a table."""
    table, key = _names(model)
    columns = _columns(model)
    changed = " || ".join(
        f"CASE WHEN OLD.{name} IS NEW.{name} THEN '' ELSE ', {name} = CASE WHEN {name} IS ' || "
        f"quote(NEW.{name}) || ' THEN ' || quote(OLD.{name}) || ' ELSE {name} END' END"
        for name in columns
        if name != connection.ops.quote_name(_DATED)
    )
    whole = " || ', ' || ".join(f"quote(OLD.{name})" for name in columns)
    for act, event, row, said in (
        (_INSERTED, "INSERT", "NEW", "NULL"),
        (_UPDATED, "UPDATE", "OLD", changed),
        (_DELETED, "DELETE", "OLD", whole),
    ):
        yield (
            f"CREATE TEMPORARY TRIGGER {_trigger_name(model, act)} AFTER {event} ON main.{table} "  # noqa: S608
            f"BEGIN INSERT INTO {_NOTES} (tab, act, id, said) "
            f"VALUES ('{_meta(model).label}', '{act}', {row}.{key}, {said}); END"
        )


def _drop_triggers() -> None:
    for model in models_written():
        for act in (_INSERTED, _UPDATED, _DELETED):
            execute(f"DROP TRIGGER IF EXISTS temp.{_trigger_name(model, act)}")


def _trigger_name(model: type[Model], act: str) -> str:
    return f"heed_{_meta(model).label_lower.replace('.', '_')}_{act}"


def _take_back() -> bool:
    """Takes back what is noted, in slices, and forgets the notes; True where there were any."""
    _forget_done()
    if not _exists(_NOTES):
        return False
    slices = Slices(is_whole=False)
    while notes := _last_notes():
        with slices.one():
            for _, label, act, key, said in notes:
                statement, parameters = _undo(apps.get_model(label), act, key, said)
                _execute_as_it_is(statement, parameters)
            execute(f"DELETE FROM {_NOTES} WHERE place >= %s", [notes[-1][0]])  # noqa: S608
    execute(f"DROP TABLE {_NOTES}")
    return True


def _last_notes() -> list[tuple[Any, ...]]:
    return execute(
        f"SELECT place, tab, act, id, said FROM {_NOTES} ORDER BY place DESC LIMIT %s",  # noqa: S608
        [NOTES_AT_ONCE],
    )


def _undo(model: type[Model], act: str, key: object, said: str) -> tuple[str, list[Any]]:
    """The statement that takes back what a note is about."""
    table, name = _names(model)
    if act == _INSERTED:
        return f"DELETE FROM {table} WHERE {name} = ? {_unless_needed(model)}", [key]  # noqa: S608
    if act == _UPDATED:
        dated, now = "", []
        if any(field.column == _DATED for field in _meta(model).local_concrete_fields):
            dated, now = f", {_DATED} = ?", [connection.ops.adapt_datetimefield_value(timezone.now())]
        return f"UPDATE {table} SET {name} = {name}{said}{dated} WHERE {name} = ?", [*now, key]  # noqa: S608
    columns = ", ".join(_columns(model))
    statement = (
        f"WITH was ({columns}) AS (VALUES ({said})) INSERT OR IGNORE INTO {table} ({columns}) "  # noqa: S608
        f"SELECT {columns} FROM was WHERE {_where_it_belongs(model)}"
    )
    return statement, []


@cache
def _unless_needed(model: type[Model]) -> str:
    """The condition that nothing belongs to the row."""
    table, _ = _names(model)
    conditions = []
    for other in apps.get_models(include_auto_created=True):
        for field in _meta(other).local_concrete_fields:
            if field.is_relation and field.related_model is model and _meta(other).managed:
                column, target = map(connection.ops.quote_name, (field.column, field.target_field.column))
                conditions.append(
                    f"AND NOT EXISTS (SELECT 1 FROM {table_name(other)} AS needs "  # noqa: S608
                    f"WHERE needs.{column} = {table}.{target})"
                )
    return " ".join(conditions)


@cache
def _where_it_belongs(model: type[Model]) -> str:
    """The condition that what the row `was` belongs to is there."""
    conditions = ["1"]
    for field in _meta(model).local_concrete_fields:
        if field.is_relation:
            column, target = map(connection.ops.quote_name, (field.column, field.target_field.column))
            conditions.append(
                f"(was.{column} IS NULL OR EXISTS (SELECT 1 FROM {table_name(field.related_model)} AS parent "  # noqa: S608
                f"WHERE parent.{target} = was.{column}))"
            )
    return " AND ".join(conditions)


def _names(model: type[Model]) -> tuple[str, str]:
    """The table, and the column of its key."""
    return table_name(model), connection.ops.quote_name(_meta(model).pk.column)


def _meta(model: type[Model]) -> Any:
    return model._meta  # noqa: SLF001  documented, whatever its name


def _columns(model: type[Model]) -> list[str]:
    return [connection.ops.quote_name(field.column) for field in _meta(model).local_concrete_fields]


def _exists(table: str) -> bool:
    return bool(execute("SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = %s", [table]))


def _forget_done() -> None:
    """Drops the notes of an import that ended well, emptied before: a large table is not dropped at once."""
    if not _exists(_DONE):
        return
    slices = Slices(is_whole=False)
    deleted = 1
    while deleted:
        with slices.one(), connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {_DONE} WHERE place IN (SELECT place FROM {_DONE} LIMIT %s)",  # noqa: S608
                [NOTES_AT_ONCE * 20],
            )
            deleted = cursor.rowcount
    execute(f"DROP TABLE {_DONE}")


def _execute_as_it_is(statement: str, parameters: Sequence[Any]) -> None:
    """Executes a statement that may hold percent signs, which Django would take for its own."""
    connection.ensure_connection()
    connection.connection.execute(statement, parameters)
