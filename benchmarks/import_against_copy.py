"""The imports of items and interactions beside COPY of the same rows into the same tables, on PostgreSQL.

    DEBUG=1 python benchmarks/import_against_copy.py [--rows 100000]

In the database of DATABASE_URL, which must be migrated and empty and is left filled. Prints one JSON line for
each way: rows a second by the clock, and by the CPU of this process and of the server's that works for it,
which other work on the machine disturbs less. The server must run on this machine.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from django.db.models import Model

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    rows: int = parser.parse_args().rows
    from import_files import write_interactions, write_items

    from catalog.models import Facet, Item, ItemFacet
    from imports.interactions import import_interactions
    from imports.items import import_items
    from interactions.models import UserInteraction

    with tempfile.TemporaryDirectory() as made:
        items, interactions = Path(made) / "items.csv", Path(made) / "interactions.csv"
        write_items(items, rows // 10)
        write_interactions(interactions, rows, items=rows // 10)
        with measured("import_items", rows // 10):
            import_items(path=items, kind="drama")
        with measured("import_items, the same again", rows // 10):
            import_items(path=items, kind="drama")
        copy("COPY of these items", rows // 10, Item, Facet, ItemFacet)
        with measured("import_interactions", rows):
            import_interactions(path=interactions, kind="drama")
    copy("COPY of these interactions", rows, UserInteraction)


def copy(name: str, rows: int, *models: "type[Model]") -> None:
    """Prints what COPY takes for the rows of the same tables, with their indexes and foreign keys."""
    from django.db import connection

    from core.sql import table_name

    tables = [table_name(model) for model in models]
    with ExitStack() as opened, connection.cursor() as cursor:
        copied = [opened.enter_context(tempfile.TemporaryFile()) for _ in tables]
        for table, file in zip(tables, copied, strict=True):
            cursor.copy_expert(f"COPY {table} TO STDOUT", file)
            file.seek(0)
        cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
        with measured(name, rows):
            for table, file in zip(tables, copied, strict=True):
                cursor.copy_expert(f"COPY {table} FROM STDIN", file)


@contextmanager
def measured(name: str, rows: int) -> Iterator[None]:
    """Prints what the block took."""
    began, used, served = time.perf_counter(), time.process_time(), server_cpu()
    yield
    seconds, own, server = time.perf_counter() - began, time.process_time() - used, server_cpu() - served
    figures = {
        "rows_a_second": round(rows / seconds),
        "rows_a_cpu_second": round(rows / (own + server)),
        "own_cpu_s": round(own, 2),
        "server_cpu_s": round(server, 2),
    }
    print(json.dumps({"way": name, "rows": rows, **figures}), flush=True)  # noqa: T201


def server_cpu() -> float:
    """CPU seconds of the process that serves this connection."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (process,) = cursor.fetchone()
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
