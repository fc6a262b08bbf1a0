"""Queries of the ORM that are compiled once and asked many times with other values.

Building the SQL of a queryset takes longer than running it. A query that every request asks is written as
any other, with a `Parameter` for each value that changes, and compiled the first time:

    _BY_NAME = CompiledQuery(lambda: User.objects.filter(username=Parameter("name")).values_list("pk"))
    rows = _BY_NAME.ask(name="ann")

On PostgreSQL it is prepared in the connection too, so that it is planned there once; not behind a pooler that
hands out connections by transaction, which DISABLE_SERVER_SIDE_CURSORS of the database tells.
"""

import marshal
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import count
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    DateTimeField,
    Expression,
    Field,
    FloatField,
    IntegerField,
    Model,
    QuerySet,
    TextField,
    UUIDField,
)
from django.db.models.functions import Cast
from django.db.models.sql.compiler import SQLCompiler

from core.written import Written

_FIELDS: dict[type, type["Field[Any, Any]"]] = {
    int: IntegerField,
    str: TextField,
    datetime: DateTimeField,
    UUID: UUIDField,
}
_names = count()
M = TypeVar("M", bound=Model)


class Parameter(Expression):
    """The place of a value in a CompiledQuery. `of` is the type of the value: int, str, datetime or UUID."""

    def __init__(self, name: str, of: type = int) -> None:
        super().__init__(output_field=_FIELDS[of]())
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        """The place and, among the values, this very object."""
        return "%s", (self,)

    def adapt(self, value: Any, database: BaseDatabaseWrapper) -> Any:
        """`value` as the driver of the database takes it."""
        return self.output_field.get_db_prep_value(value, database)


class CompiledQuery:
    """A queryset of tuples, or a statement of SQL, built once in each connection of a thread."""

    def __init__(self, build: "Callable[[], QuerySet[Any, Any] | Statement]") -> None:
        self._build = build
        self._name = f"heed_{next(_names)}"
        self._compiled: WeakKeyDictionary[BaseDatabaseWrapper, _Compiled] = WeakKeyDictionary()

    def ask(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows for a value of each parameter: one query. Raises KeyError for one that is lacking."""
        database = connections[DEFAULT_DB_ALIAS]
        compiled = self._compiled.get(database)
        if compiled is None:
            compiled = self._compiled[database] = _Compiled(self._build(), self._name, database)
        return compiled.ask(values)


def columns_of(model: type[Model], path: str = "") -> list[str]:
    """The fields of a model that have a column, to be read by `values_list`; behind the relation `path`."""
    return [f"{path}{field.attname}" for field in model._meta.concrete_fields]  # noqa: SLF001  documented


def instance_of(model: type[M], row: Sequence[Any]) -> M:
    """The object whose columns, as of `columns_of`, were read."""
    return model.from_db(DEFAULT_DB_ALIAS, columns_of(model), row)


def mark_of(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """16 bytes that are others for other rows of numbers, texts and bytes, and for another order of them."""
    # The second version writes equal values equally, whoever else holds them.
    return blake2b(marshal.dumps([*rows], 2), digest_size=16).digest()


def moment_as_text(moment: str | Expression) -> Cast:
    """A moment as text. Those of one database sort in the order of time, and a driver need not parse each."""
    return Cast(moment, TextField())


def moment_of(written: str | datetime | None) -> datetime | None:
    """A moment as the driver gives it; SQLite keeps a text in UTC and does not say so."""
    moment = datetime.fromisoformat(written) if isinstance(written, str) else written
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


class _Column(Parameter):
    """The value of a field of a new row."""

    def __init__(self, field: "Field[Any, Any]") -> None:
        super().__init__(field.attname)
        self._column = field

    def adapt(self, value: Any, database: BaseDatabaseWrapper) -> Any:
        return str(value) if isinstance(value, Written) else self._column.get_db_prep_save(value, database)


class CompiledInsert:
    """The INSERT of one row of a model, with a value for every column."""

    def __init__(self, model: type[Model]) -> None:
        self._model = model
        self._query = CompiledQuery(self._statement)

    def write(self, row: Model) -> None:
        """Inserts an object that is new: one query."""
        self._query.ask(**{name: getattr(row, name) for name in columns_of(self._model)})

    def _statement(self) -> "Statement":
        fields = self._model._meta.concrete_fields  # noqa: SLF001  documented
        quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
        names = ", ".join(quote(str(field.column)) for field in fields)
        marks = ", ".join(["%s"] * len(fields))
        table = quote(self._model._meta.db_table)  # noqa: SLF001  documented
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  names of our own models
        return Statement(sql, [_Column(field) for field in fields])


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with `%s` for each of `values`, some of which are parameters. Its rows are those of the driver."""

    sql: str
    values: Sequence[Any]


class _Compiled:
    """The SQL of a query for one connection, and what turns its rows into values of Python."""

    def __init__(
        self, query: "QuerySet[Any, Any] | Statement", name: str, database: BaseDatabaseWrapper
    ) -> None:
        self._convert: Callable[[list[Any]], list[Any]] | None = None
        if isinstance(query, Statement):
            self._sql, self._values = query.sql, query.values
        else:
            compiler = query.query.get_compiler(connection=database)
            self._sql, self._values = compiler.as_sql()
            # Numbers come as numbers from every driver.
            columns = [
                None if isinstance(column.output_field, IntegerField | FloatField) else column
                for column, *_ in compiler.select or ()
            ]
            converters = compiler.get_converters(columns)
            if converters:
                self._convert = lambda rows: list(map(tuple, compiler.apply_converters(rows, converters)))
        # Each once, in the order of their numbers in a prepared statement.
        self._parameters = list(
            {one.name: one for one in self._values if isinstance(one, Parameter)}.values()
        )
        self._execute = f"EXECUTE {name}"
        if self._parameters:
            self._execute += f" ({', '.join(['%s'] * len(self._parameters))})"
        self._name = name
        self._database = weakref.proxy(database)
        self._prepared_in: weakref.ref[Any] | None = None

    def ask(self, given: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        with self._database.cursor() as cursor:
            if self._may_prepare:
                self._prepare()
                cursor.execute(self._execute, [self._adapted(one, given) for one in self._parameters])
            else:
                cursor.execute(self._sql, [self._adapted(one, given) for one in self._values])
            rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return rows if self._convert is None else self._convert(rows)

    def _adapted(self, value: Any, given: Mapping[str, Any]) -> Any:
        """A value of the statement as the driver takes it."""
        if not isinstance(value, Parameter):
            return value
        return value.adapt(given[value.name], self._database)

    @property
    def _may_prepare(self) -> bool:
        is_pooled = self._database.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS", False)
        return self._database.vendor == "postgresql" and not is_pooled

    def _prepare(self) -> None:
        """Prepares the statement where this connection to the server has not seen it yet."""
        server = self._database.connection
        if self._prepared_in is not None and self._prepared_in() is server:
            return
        from psycopg2.extensions import AsIs

        numbers = {one.name: AsIs(f"${number}") for number, one in enumerate(self._parameters, 1)}
        values = [numbers[one.name] if isinstance(one, Parameter) else one for one in self._values]
        with self._database.wrap_database_errors, server.cursor() as cursor:
            cursor.execute(f"PREPARE {self._name} AS {self._sql}", values)
        self._prepared_in = weakref.ref(server)
