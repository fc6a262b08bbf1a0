"""Many things at once: a starting line for threads, and on SQLite a database file that they can share."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection, connections

Result = TypeVar("Result")


def together(number: int, act: Callable[[int], Result]) -> list[Result]:
    """The results of act(0) to act(number - 1), each in its own thread, all let go at the same moment."""
    start = Barrier(number, timeout=30)

    def one(index: int) -> Result:
        try:
            connection.ensure_connection()
            start.wait()
            return act(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


@pytest.fixture
def threads_db(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A database for threads, with commits.

    SQLite in memory knows no waiting for a lock, so there a copy in a file is used, as in production.
    """
    if connection.vendor != "sqlite":
        yield
        return
    path = tmp_path / "threads.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])
    # Django never closes a database in memory, and knows it by its name: the name goes back first.
    in_memory, name = connections["default"], connections.settings["default"]["NAME"]
    connections.settings["default"]["NAME"] = str(path)
    connections["default"] = connections.create_connection("default")
    yield
    connections["default"].close()
    connections.settings["default"]["NAME"] = name
    connections["default"] = in_memory
