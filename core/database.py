"""A database that cannot be reached, recognized whatever the class that says so."""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

from django.db import (
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
)
from django.http import HttpResponseBase

AnyResponse = TypeVar("AnyResponse", bound=HttpResponseBase)


def is_away(error: BaseException | None) -> bool:
    """True for what a lost, refusing or overloaded database brings about, also at second hand.

    Django turns most errors of its driver into its own, but not those of closing a server-side cursor; and
    some drivers say `DatabaseError` of a lost connection. What is raised while such an error is handled,
    like the refusal to go on in a broken transaction, has the same cause.
    """
    return any(_says_away(one) for one in _with_causes(error))


def is_unstorable(error: BaseException) -> bool:
    """True for a value that no column can hold: the database says so, or Django or its driver does.

    A number too large, a NUL, a text in the place of a number. Forms and serializers refuse these; this is
    the net beneath them, and beneath Django's own admin.
    """
    return isinstance(error, DataError) or (
        isinstance(error, (ValueError, OverflowError)) and bool(_UNSTORABLE.match(str(error)))
    )


def is_still_referred_to(error: BaseException) -> bool:
    """True where a foreign key would lead nowhere: a row went that another names, or that names another.

    Deletions of ours take along what they know. The database of a newer release may have tables that this one
    does not know, and their rows may name what is deleted.
    """
    if not isinstance(error, IntegrityError):
        return False
    code = getattr(error.__cause__, "pgcode", None)
    return code == _FOREIGN_KEY or "FOREIGN KEY constraint failed" in str(error)


_FOREIGN_KEY = "23503"
# Neither has a class of its own: psycopg2 of a NUL, Django of a field's value, SQLite of a number.
_UNSTORABLE = re.compile(
    r"A string literal cannot contain NUL|Field '\w+' expected |Python int too large to convert to SQLite"
)


def driver_of(database: Any) -> Any:
    """The module of the driver behind a connection of Django: the types do not know that it has one."""
    return database.Database


def in_one_line(error: BaseException) -> str:
    """The class and the first line of an error, for a log in which each failure is one line."""
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}"


def logged(response: AnyResponse) -> AnyResponse:
    """`response`, of which Django is to log nothing further: not its address, nor a traceback."""
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001  Django asks for this name
    return response


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _says_away(error: BaseException) -> bool:
    driver = driver_of(connection)
    if isinstance(error, (OperationalError, InterfaceError, driver.OperationalError, driver.InterfaceError)):
        return True
    if isinstance(error, (InternalError, driver.InternalError)):
        # A server that only reads, and sessions that it ended for having been idle.
        return getattr(error.__cause__ or error, "pgcode", None) in _ENDED
    if connection.vendor == "sqlite" and type(error) is driver.DatabaseError:
        # A file that is damaged, or no database: of neither has the driver a class of its own.
        return True
    return isinstance(error, (Error, driver.Error)) and _is_lost(error)


# A transaction on a server that only reads; one that was ended for having been idle, or for its length.
_ENDED = frozenset({"25006", "25P03", "25P04"})


def _is_lost(error: BaseException) -> bool:
    """True where the connection broke under the statement: the driver then knows of no code of the server."""
    if connection.vendor != "postgresql" or getattr(error.__cause__ or error, "pgcode", None) is not None:
        return False
    return connection.connection is None or bool(connection.connection.closed)
