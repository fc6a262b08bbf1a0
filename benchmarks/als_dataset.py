"""Time and memory of `generate_als_dataset`, beside COPY of the same rows as text.

    DEBUG=1 python benchmarks/als_dataset.py [--rows 100000 1000000]

Fills the database of DATABASE_URL, which must be migrated and empty and is left filled, up to each number of
interactions. Then makes the dataset in a process of its own and, on PostgreSQL, copies the same columns of
the same rows to nowhere. Prints one JSON line per run: seconds and those of CPU, of the process and of the
server's that works for it, and the peak of memory in MB. The server must run on this machine.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

PEOPLE_SHARE, ITEMS, AT_ONCE = 100, 5_000, 100_000
USE_CASE = "movie_home"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--make", action="store_true", help="only make the dataset, and say what it took")
    options = parser.parse_args()
    if options.make:
        make()
        return
    filled = 0
    for rows in sorted(options.rows):
        fill(filled, rows)
        filled = rows
        with tempfile.TemporaryDirectory() as folder:
            words = [sys.executable, str(Path(__file__).resolve()), "--make"]
            environment = os.environ | {"DATASET_DIR": folder}
            # Our own command.
            subprocess.run(words, cwd=ROOT, env=environment, check=True)  # noqa: S603


def make() -> None:
    """Makes the dataset here, and copies its rows."""
    from django.db import connection
    from import_against_copy import measured
    from ranker_dataset import Nowhere, peak_mb

    from core import sql
    from core.domain import USE_CASES
    from core.progress import Progress
    from interactions.models import UserInteraction
    from ranking.datasets.event_log import generate_als_dataset

    rows = UserInteraction.objects.count()
    with measured("generate_als_dataset", rows):
        dataset = generate_als_dataset(use_case=USE_CASES[USE_CASE], progress=Progress(quiet=True))
    counted = dataset.manifest.counts["rows"]
    print(json.dumps({"peak_mb": peak_mb(), "rows": counted}), flush=True)  # noqa: T201
    copy = sql.fill(
        "COPY (SELECT {done.user}, {done.item}, {done.type}, {done.weight}, {done.occurred_at} "
        "FROM {done} WHERE {done.withdrawn_at} IS NULL) TO STDOUT",
        done=sql.Table(UserInteraction, "done"),
    )
    with measured("COPY of these rows as text", rows), connection.cursor() as cursor:
        cursor.copy_expert(copy, Nowhere())


def fill(first: int, last: int) -> None:
    """Writes the interactions with the numbers first to last - 1: views, a hundred of each person."""
    from django.db import connection

    from accounts.models import User
    from catalog.models import Item
    from core.sql import column_names, table_name
    from core.statistics import refresh_statistics
    from interactions.models import UserInteraction

    if not Item.objects.exists():
        Item.objects.bulk_create(
            Item(kind="movie", external_id=f"bench-{number}", title=f"Film {number}")
            for number in range(ITEMS)
        )
    people = range(first // PEOPLE_SHARE, last // PEOPLE_SHARE)
    User.objects.bulk_create(
        (User(username=f"bench-{number}", password="!") for number in people),  # noqa: S106
        batch_size=2_000,
    )
    items = list(Item.objects.order_by("pk").values_list("pk", flat=True))
    users = list(User.objects.order_by("pk").values_list("pk", flat=True))
    named = column_names(
        UserInteraction,
        "user",
        "item",
        "type",
        "is_state",
        "weight",
        "occurred_at",
        "recommendation_source",
        "recommendation_method",
    )
    copy = f"COPY {table_name(UserInteraction)} ({named}) FROM STDIN"
    with connection.cursor() as cursor:
        for start in range(first, last, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, last))
            lines = "".join(
                f"{users[number // PEOPLE_SHARE]}\t{items[number * 7919 % ITEMS]}\tview\tf\t0.5\t"
                f"{2000 + number % 20}-{number // 20 % 12 + 1:02}-{number // 240 % 28 + 1:02} "
                f"{number // 6720 % 24:02}:{number % 60:02}:00Z\t\t\n"
                for number in numbers
            )
            cursor.copy_expert(copy, io.StringIO(lines))
    refresh_statistics(UserInteraction, User, Item)


if __name__ == "__main__":
    main()
