"""Table and column names of raw SQL, taken from the models.

    fill("SELECT {item.title} FROM {item}", item=Table(Item, "item"))

gives `SELECT item."title" FROM "…" AS item` with the table of the model. Statements are filled when their
module is imported, so a field that a model no longer has stops the start instead of a query.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, TypeAlias

from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.db.models import Field, Model

AnyField: TypeAlias = "Field[Any, Any]"


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
) -> None:
    """Writes rows by statements that `ending` closes, each of as many as the database takes at once.

    The values are those that the database takes. Django's way costs many times more where rows are short and
    many: an object for each, and a dozen calls for each of its values.
    """
    places = f"({', '.join(['%s'] * len(fields))})"
    start = f"INSERT INTO {table_name(model)} ({column_names(model, *fields)}) VALUES"
    most = connection.features.max_query_params
    size = max(1, len(rows) if most is None else most // len(fields))
    with connection.cursor() as cursor:
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            statement = f"{start} {', '.join([places] * len(part))} {ending}"
            cursor.execute(statement, list(chain.from_iterable(part)))


def column_field(model: type[Model], name: str) -> AnyField:
    """The field of this name, which has a column. Raises FieldDoesNotExist."""
    for field in model._meta.concrete_fields:  # noqa: SLF001  as above
        if name in (field.name, field.attname):
            return field
    raise FieldDoesNotExist(f"{model.__name__} has no column for {name!r}.")
