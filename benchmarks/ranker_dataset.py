"""Time and memory of `generate_ranker_dataset`, beside the least that the database can do.

    python benchmarks/ranker_dataset.py [--slots 100000 300000 1000000]

Fills the database of DATABASE_URL, which must be migrated and empty and is left filled, up to each number of
slots: lists of 10 with features as serving logs them, and one interaction for every second slot. Then makes
the dataset in a process of its own. Prints one JSON line per run: rows, seconds, rows per second, seconds of
CPU (of that process, without the database server), and its peak memory in MB; on PostgreSQL also the seconds
of COPY of the same rows, unnested and joined by the server, to nowhere: the floor.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402

django.setup()

import numpy as np  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import User  # noqa: E402
from catalog.models import Item  # noqa: E402
from core import sql  # noqa: E402
from core.domain import TYPES, USE_CASES  # noqa: E402
from core.progress import Progress  # noqa: E402
from core.statistics import refresh_statistics  # noqa: E402
from interactions.models import UserInteraction  # noqa: E402
from ranking.datasets.ranker import generate_ranker_dataset  # noqa: E402
from ranking.features import FEATURE_SET, FEATURES  # noqa: E402
from recommendations.models import RecommendationSession  # noqa: E402

PEOPLE, ITEMS, PER_LIST, BATCH = 1_000, 5_000, 10, 2_000
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
WIDTH = len(FEATURES) * 4
COPY = sql.fill(
    """
COPY (
    SELECT {session.id}, {session.user}, {session.created_at}, slot ->> 'item_id', place, slot ->> 'score',
           slot ->> 'base_score', slot ->> 'method', slot ->> 'propensity',
           substring({session.features} FROM ((place - 1) * {width} + 1)::int FOR {width}),
           {done.type}, {done.weight}
    FROM {session}
    CROSS JOIN LATERAL
      jsonb_array_elements({session.recommendations_shown}) WITH ORDINALITY AS shown (slot, place)
    LEFT JOIN {done}
      ON {done.recommendation_session} = {session.id} AND {done.item} = (slot ->> 'item_id')::bigint
     AND {done.withdrawn_at} IS NULL
    WHERE {session.use_case} = 'movie_home' AND place <= {session.seen_rank}
) TO STDOUT
""",
    session=sql.Table(RecommendationSession, "session"),
    done=sql.Table(UserInteraction, "done"),
    width=str(WIDTH),
)


class Nowhere(io.RawIOBase):
    """Takes whatever is written."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return len(data) if isinstance(data, bytes | str) else 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slots", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--make", action="store_true", help="only make the dataset, and say what it took")
    options = parser.parse_args()
    if options.make:
        print(json.dumps(make()))  # noqa: T201
        return
    people, items = make_catalog()
    filled = 0
    for slots in sorted(options.slots):
        fill(people, items, filled // PER_LIST, slots // PER_LIST)
        filled = slots
        figures = {"database": connection.vendor, **measure()}
        if connection.vendor == "postgresql":
            figures["copy_seconds"] = round(copy_seconds(), 2)
        print(json.dumps(figures), flush=True)  # noqa: T201


def make() -> dict[str, float]:
    """Makes the dataset here."""
    started, worked = time.perf_counter(), time.process_time()
    dataset = generate_ranker_dataset(use_case=USE_CASES["movie_home"], progress=Progress(quiet=True))
    seconds, rows = time.perf_counter() - started, dataset.manifest.counts["rows"]
    return {
        "rows": rows,
        "seconds": round(seconds, 2),
        "rows_per_second": round(rows / seconds),
        "cpu_seconds": round(time.process_time() - worked, 2),
        "peak_mb": peak_mb(),
    }


def peak_mb() -> int:
    """The most memory that this process has held, on Linux. What wait4 tells may be that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def measure() -> dict[str, float]:
    """Time and memory in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, str(Path(__file__).resolve()), "--make"]
        environment = os.environ | {"DATASET_DIR": folder}
        # Our own command.
        run = subprocess.run(words, stdout=subprocess.PIPE, cwd=ROOT, env=environment, check=True)  # noqa: S603
    figures: dict[str, float] = json.loads(run.stdout)
    return figures


def copy_seconds() -> float:
    """The time that PostgreSQL takes to hand out the same rows."""
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.copy_expert(COPY, Nowhere())
    return time.perf_counter() - started


def make_catalog() -> tuple[list[int], list[int]]:
    """The ids of people and items, made where the database is empty."""
    if User.objects.exists() or Item.objects.exists():
        raise SystemExit("The database must be empty.")
    User.objects.bulk_create(User(username=f"bench-{number}", password="!") for number in range(PEOPLE))  # noqa: S106
    Item.objects.bulk_create(
        Item(kind="movie", external_id=f"bench-{number}", title=f"Film {number}") for number in range(ITEMS)
    )
    return list(User.objects.values_list("pk", flat=True)), list(Item.objects.values_list("pk", flat=True))


def fill(people: list[int], items: list[int], first: int, last: int) -> None:
    """Writes the lists with the numbers first to last - 1, and what was done with them."""
    lists = (make_list(number, people, items) for number in range(first, last))
    while batch := list(islice(lists, BATCH)):
        RecommendationSession.objects.bulk_create(batch)
        done = [one for session in batch for one in make_interactions(session)]
        UserInteraction.objects.bulk_create(done, batch_size=BATCH)
    refresh_statistics(RecommendationSession, UserInteraction)


def make_list(number: int, people: list[int], items: list[int]) -> RecommendationSession:
    rng = np.random.default_rng(number)
    scores = np.sort(rng.random(PER_LIST))[::-1].tolist()
    shown = [
        {
            "item_id": items[place],
            "rank": rank,
            "score": score,
            "base_score": score,
            "method": "ranker",
            "source": "als",
            "source_rank": rank * 3,
            "source_score": score,
            "propensity": 0.95,
        }
        for rank, (place, score) in enumerate(
            zip(rng.choice(len(items), PER_LIST, replace=False).tolist(), scores, strict=True), 1
        )
    ]
    return RecommendationSession(
        pk=UUID(int=number + 1),
        user_id=people[number % len(people)],
        use_case="movie_home",
        method="ranker",
        recommendations_shown=shown,
        features=rng.random((PER_LIST, len(FEATURES))).astype("<f4").tobytes(),
        feature_set=FEATURE_SET,
        seen_rank=PER_LIST,
        created_at=FIRST + timedelta(seconds=number * 20),
    )


def make_interactions(session: RecommendationSession) -> Iterator[UserInteraction]:
    for slot in session.recommendations_shown[::2]:
        yield UserInteraction(
            user_id=session.user_id,
            item_id=slot["item_id"],
            type="view",
            weight=TYPES["view"].training,
            occurred_at=session.created_at + timedelta(seconds=slot["rank"]),
            recommendation_session_id=session.pk,
            recommendation_rank=slot["rank"],
        )


if __name__ == "__main__":
    main()
