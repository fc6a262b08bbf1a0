"""A temporary table between a file and the log.

Rows are first staged as the file has them, which needs no lock and little memory. One transaction, or slices
of which all stay or none (`imports.slices`), then resolve the names, check every row against what is
recorded, and merge by a handful of statements, the same on SQLite and PostgreSQL. A killed run leaves
nothing here: a temporary table dies with its connection.
"""

import contextlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db import DatabaseError, connection, transaction
from django.db.models import DateTimeField, UUIDField
from django.db.models.expressions import Col

from core.copying import copy_rows
from core.sql import AnyField

if TYPE_CHECKING:
    # It takes a tenth of a second to load.
    from pyarrow import Array, Table

INSERT_ROWS = 5_000

_COPIED_BYTES = 1 << 18

Row = TypeVar("Row")

# Fields whose values the two databases take and return in other forms.
_ADAPTED = (DateTimeField, UUIDField)


@dataclass(frozen=True, slots=True)
class StagingTable(Generic[Row]):
    """A temporary table for rows of one class.

    columns  the attributes of a row that are staged, each with a model's field that says of which type it is
    """

    name: str
    columns: Mapping[str, AnyField]


class Staging(Generic[Row]):
    """An open staging table. `count` rows were added so far; the column `place` numbers them from 1."""

    def __init__(self, table: StagingTable[Row]) -> None:
        self.count = 0
        self._table = table
        self._values = attrgetter(*table.columns)
        self._adapters = _adapters(table.columns.values())
        self._pending: list[Sequence[Any]] = []
        self._derived: list[str] = []
        columns = [f"{name} {field.db_type(connection)}" for name, field in table.columns.items()]
        self._create(table.name, f"(place bigint, {', '.join(columns)})")

    def add(self, row: Row) -> None:
        self._append(self._values(row))

    def add_columns(self, columns: Mapping[str, "Array"]) -> None:
        """Adds many rows, of which some columns are given by their names; the others hold nothing."""
        from core.arrow import pa

        if connection.vendor == "postgresql":
            self.flush()
            count = len(next(iter(columns.values())))
            places = pa.array(range(self.count + 1, self.count + count + 1))
            self._copy_csv(pa.table({"place": places, **columns}))
            self.count += count
            return
        nothing = pa.nulls(len(next(iter(columns.values()))))
        values = [columns.get(name, nothing).to_pylist() for name in self._table.columns]
        for row in zip(*values, strict=True):
            self._append(row)

    def _append(self, values: Iterable[Any]) -> None:
        self.count += 1
        row = [self.count, *values]
        for place, adapt in self._adapters:
            row[place] = adapt(row[place])
        self._pending.append(row)
        if len(self._pending) == INSERT_ROWS:
            self.flush()

    def _copy_csv(self, rows: "Table") -> None:
        from pyarrow import BufferOutputStream, csv

        text = BufferOutputStream()
        csv.write_csv(_without_zones(rows), text, csv.WriteOptions(include_header=False))
        copy = f"COPY {self._table.name} ({', '.join(rows.column_names)}) FROM STDIN WITH (FORMAT csv)"
        with connection.cursor() as cursor:
            cursor.copy_expert(copy, io.BytesIO(text.getvalue()), _COPIED_BYTES)

    def flush(self) -> None:
        """Writes what was added and is not in the table yet."""
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                copy_rows(self._table.name, self._pending)
            else:
                places = ", ".join(["%s"] * (len(self._table.columns) + 1))
                cursor.executemany(f"INSERT INTO {self._table.name} VALUES ({places})", self._pending)  # noqa: S608  our own names
        self._pending.clear()

    def analyze(self) -> None:
        """Writes what is pending, and tells the planner how the table looks now."""
        self.flush()
        execute(f"ANALYZE {self._table.name}")

    def index(self, *columns: str) -> None:
        """Prepares the table for being joined on `columns`, once everything was added."""
        self.flush()
        _index(self._table.name, columns)

    def derive(self, name: str, select: str, *, index: Sequence[str]) -> None:
        """Makes another temporary table of what `select` reads, which is dropped with this one."""
        self._derived.append(name)
        self._create(name, f"AS {select}")
        _index(name, index)

    def read(self, rest: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The values, in the order of the columns, of the rows `staged` that `rest` joins and picks."""
        names = ", ".join(f"staged.{name}" for name in self._table.columns)
        found = execute(f"SELECT {names} FROM {self._table.name} AS staged {rest}", parameters)  # noqa: S608  as above
        converters = _converters(self._table.columns.values())
        rows = [list(row) for row in found]
        for place, convert in converters:
            for row in rows:
                row[place] = convert(row[place])
        return [tuple(row) for row in rows]

    def delete(self, column: str, values: Iterable[object]) -> None:
        """Deletes the rows that have one of `values` in `column`."""
        prepare = self._table.columns[column].get_db_prep_value
        with connection.cursor() as cursor:
            cursor.executemany(
                f"DELETE FROM {self._table.name} WHERE {column} = %s",  # noqa: S608  as above
                [[prepare(value, connection, prepared=True)] for value in values],
            )

    def drop(self) -> None:
        """Drops the table, and what was derived from it."""
        for name in (self._table.name, *self._derived):
            execute(f"DROP TABLE IF EXISTS {name}")

    def _create(self, name: str, definition: str) -> None:
        # An earlier run on this connection may have been unable to drop its own.
        execute(f"DROP TABLE IF EXISTS {name}")
        execute(f"CREATE TEMPORARY TABLE {name} {definition}")


@contextlib.contextmanager
def open_staging(table: StagingTable[Row]) -> Iterator[Staging[Row]]:
    """An empty staging table, gone when the block ends."""
    # A pooler gives each transaction any session, and a temporary table lives in one: so it is one of them.
    is_pooled = connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False)
    with transaction.atomic() if is_pooled else contextlib.nullcontext():
        staging = Staging(table)
        try:
            yield staging
        finally:
            # A lost connection took the tables with it, and what lost it is the error to show.
            with contextlib.suppress(DatabaseError):
                staging.drop()


def execute(statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows that a statement returns, all of them; none where it returns none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def execute_write(statement: str, parameters: Sequence[Any] = ()) -> int:
    """The number of rows that a statement wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _index(table: str, columns: Sequence[str]) -> None:
    execute(f"CREATE INDEX {table}_index ON {table} ({', '.join(columns)})")
    execute(f"ANALYZE {table}")


def _without_zones(rows: "Table") -> "Table":
    """The table with moments as those of UTC, which is the zone of the connection.

    Writing a moment with its zone takes 25 times as long, nine tenths of what a block takes.
    """
    from core.arrow import pa

    for place, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            rows = rows.set_column(place, field.name, rows[place].cast(pa.timestamp(field.type.unit)))
    return rows


def _adapters(fields: Iterable[AnyField]) -> list[tuple[int, Callable[[Any], Any]]]:
    """The functions that turn values to those of the database, by their place in a row; most need none."""
    if connection.vendor == "postgresql":
        return []
    return [
        (place, partial(field.get_db_prep_value, connection=connection, prepared=True))
        for place, field in enumerate(fields, start=1)
        if isinstance(field, _ADAPTED)
    ]


def _converters(fields: Iterable[AnyField]) -> list[tuple[int, Callable[[Any], Any]]]:
    """The functions that turn values of the database back, by their place in a row."""
    return [
        (place, partial(convert, expression=Col("staged", field), connection=connection))
        for place, field in enumerate(fields)
        if isinstance(field, _ADAPTED)
        for convert in connection.ops.get_db_converters(Col("staged", field))
    ]
