"""The import of interactions beside COPY of the same rows into the same table, on PostgreSQL.

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
from contextlib import contextmanager
from pathlib import Path

import django

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
    from django.db import connection
    from import_files import write_interactions, write_items

    from core.sql import table_name
    from imports.interactions import import_interactions
    from imports.items import import_items
    from interactions.models import UserInteraction

    with tempfile.TemporaryDirectory() as made:
        items, interactions = Path(made) / "items.csv", Path(made) / "interactions.csv"
        write_items(items, rows // 10)
        write_interactions(interactions, rows, items=rows // 10)
        with measured("import_items", rows // 10):
            import_items(path=items, kind="drama")
        with measured("import_interactions", rows):
            import_interactions(path=interactions, kind="drama")
    table = table_name(UserInteraction)
    with connection.cursor() as cursor, tempfile.TemporaryFile() as copied:
        cursor.copy_expert(f"COPY {table} TO STDOUT", copied)
        copied.seek(0)
        # The same table, with its indexes and its foreign keys.
        cursor.execute(f"TRUNCATE {table} CASCADE")
        with measured("COPY of these interactions", rows):
            cursor.copy_expert(f"COPY {table} FROM STDIN", copied)


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
