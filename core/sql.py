"""Table and column names of raw SQL, taken from the models.

    fill("SELECT {item.title} FROM {item}", item=Table(Item, "item"))

gives `SELECT item."title" FROM "…" AS item` with the table of the model. Statements are filled when their
module is imported, so a field that a model no longer has stops the start instead of a query.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db import connection, transaction
from django.db.models import Field, Model

from core.copying import copy_rows

AnyField: TypeAlias = "Field[Any, Any]"
# Fewer rows are written sooner by a statement of their values.
COPIED_FROM = 100


class Table:
    """A model's table under an alias: written out, its entry in FROM; an attribute is the column of a field.

    Raises FieldDoesNotExist for a field that the model does not have.
    """

    __slots__ = ("_alias", "_model")

    def __init__(self, model: type[Model], alias: str) -> None:
        self._model = model
        self._alias = alias

    def __str__(self) -> str:
        return f"{table_name(self._model)} AS {self._alias}"

    def __getattr__(self, field: str) -> str:
        return f"{self._alias}.{column_names(self._model, field)}"


def fill(statement: str, **names: Table | str) -> str:
    """`statement` with its `{table}`, `{table.field}` and `{name}` places filled in."""
    return statement.format(**names)


def table_name(model: type[Model]) -> str:
    """The quoted name of a model's table."""
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001  documented, whatever its name


def column_names(model: type[Model], *fields: str) -> str:
    """The quoted columns of these fields, in their order, separated by commas. Raises FieldDoesNotExist."""
    return ", ".join(connection.ops.quote_name(str(column_field(model, name).column)) for name in fields)


def insert_rows(
    model: type[Model], fields: Sequence[str], rows: Sequence[Sequence[Any]], ending: str = ""
) -> list[tuple[Any, ...]]:
    """Writes rows by statements that `ending` closes; returns what that returns of them.

    The values are those that the database takes. Django's way costs many times more where rows are short and
    many: an object for each, and a dozen calls for each of its values.
    """
    table, columns = table_name(model), column_names(model, *fields)
    if connection.vendor == "postgresql" and len(rows) >= COPIED_FROM:
        return _copy(table, columns, rows, ending)
    places = f"({', '.join(['%s'] * len(fields))})"
    # As many at once as the database takes.
    most = connection.features.max_query_params
    size = max(1, len(rows) if most is None else most // len(fields))
    returned: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            statement = f"INSERT INTO {table} ({columns}) VALUES {', '.join([places] * len(part))} {ending}"  # noqa: S608  names of our own models
            cursor.execute(statement, list(chain.from_iterable(part)))
            returned += cursor.fetchall() if cursor.description else []
    return returned


def _copy(table: str, columns: str, rows: Sequence[Sequence[Any]], ending: str) -> list[tuple[Any, ...]]:
    """Writes rows by COPY; where there is an `ending`, which COPY does not have, by way of another table."""
    if not ending:
        copy_rows(f"{table} ({columns})", rows)
        return []
    with transaction.atomic(), connection.cursor() as cursor:
        of_table = f"SELECT {columns} FROM {table}"  # noqa: S608  as above
        cursor.execute(f"CREATE TEMPORARY TABLE heed_new_rows ON COMMIT DROP AS {of_table} WITH NO DATA")
        copy_rows("heed_new_rows", rows)
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM heed_new_rows {ending}")  # noqa: S608  as above
        returned = cursor.fetchall() if cursor.description else []
        cursor.execute("DROP TABLE heed_new_rows")
    return returned


def column_field(model: type[Model], name: str) -> AnyField:
    """The field of this name, which has a column. Raises FieldDoesNotExist."""
    for field in model._meta.concrete_fields:  # noqa: SLF001  as above
        if name in (field.name, field.attname):
            return field
    raise FieldDoesNotExist(f"{model.__name__} has no column for {name!r}.")
