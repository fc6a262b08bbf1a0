"""Rows to PostgreSQL by COPY: of its ways the one that costs both sides least."""

import io
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

# How COPY writes what is no text; all else is `str` of it.
_WRITTEN: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "\\N",
    bool: lambda value: "t" if value else "f",
    datetime: datetime.isoformat,
}
# Characters that mean something in a line of COPY.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_rows(target: str, rows: Iterable[Sequence[Any]]) -> None:
    """Writes rows to `target`, a table, behind which columns may be named in brackets."""
    lines = io.StringIO("".join(map(_line, rows)))
    # Django wraps the errors of what it knows, and COPY is not among it.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(f"COPY {target} FROM STDIN", lines)


def _line(values: Sequence[Any]) -> str:
    """A row in the text form of COPY (PostgreSQL's documentation, "File Formats")."""
    return (
        "\t".join(
            [
                value.translate(_ESCAPES) if type(value) is str else _WRITTEN.get(type(value), str)(value)
                for value in values
            ]
        )
        + "\n"
    )
