"""Waits of people who write while an import runs.

    python benchmarks/reliability/import_waits.py [--films 20000] [--rows 200000] [--lists 5000] [--json FILE]
                                                  [--database postgres://…/EMPTY]

Without --database a SQLite file of its own. gunicorn serves a small site; two people write every tenth of a
second, the one what they did, the other a dislike and its end. A third writer, beside the server, takes the
database's lock for a row of its own: so one sees how much of a wait is the lock, and how much the machine.
First nothing else happens, as a control. Then, one after the other, a file of films with their facets, one of
interactions and one of lists is imported. Says how long a write took, half of them, 99 % of them, and the
longest. Ends with 1 where a write failed.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "reliability")]
EVERY_SECONDS = 0.1
WARM_SECONDS = 5.0
CONTROL_SECONDS = 20.0
PEOPLE = 2_000
LIST_LENGTH = 10
FIGURES = ("half", "p99", "worst", "lock_p99", "lock_worst")


@dataclass
class Written:
    """The writes of one phase: seconds each, and the statuses that were no success, 0 for no answer."""

    seconds: list[float] = field(default_factory=list)
    failed: Counter[int] = field(default_factory=Counter)
    locks: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--films", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--lists", type=int, default=5_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--database")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    from site_of_its_own import set_up

    with tempfile.TemporaryDirectory() as folder:
        set_up(folder, options.database, DEBUG="1")
        result = measure(Path(folder), options)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    sys.stdout.write(as_table(result) + "\n")
    sys.exit(1 if any(phase["failed"] for phase in result["phases"]) else 0)


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The waits of each phase, beside a server."""
    from django.db import connection
    from kills import prepare
    from under_load import people_and_items, served

    rng = np.random.default_rng(options.seed)
    prepare(rng)
    people, items = people_and_items()
    # Made before anybody waits for it.
    films = films_file(folder / "films.csv", options.films, rng)
    done = interactions_file(folder / "interactions.csv", options.rows, rng)
    lists = lists_file(folder / "lists.csv", options.lists, rng)
    phases: list[tuple[str, Callable[[], object]]] = [
        ("nothing", lambda: time.sleep(CONTROL_SECONDS)),
        (f"{options.films:,} films", lambda: manage("import_items", films)),
        (f"{options.rows:,} interactions", lambda: manage("import_interactions", done)),
        (f"{options.lists:,} lists", lambda: manage("import_sessions", lists)),
        ("the films once more", lambda: manage("import_items", films)),
    ]
    vendor = connection.vendor
    connection.close()
    with served() as (_, port):
        # The first requests of each worker load what it keeps.
        phase("warming up", lambda: time.sleep(WARM_SECONDS), port, people, items)
        return {
            "database": vendor,
            "phases": [phase(name, act, port, people, items) for name, act in phases],
        }


def phase(
    name: str, act: Callable[[], object], port: int, people: list[tuple[int, str]], items: list[int]
) -> dict[str, Any]:
    """One thing that happens, and how long writers waited meanwhile."""
    written = Written()
    with writing(written, port, people, items):
        started = time.monotonic()
        act()
        took = time.monotonic() - started
    half, late, worst = np.percentile(written.seconds, [50, 99, 100])
    return {
        "beside": name,
        "seconds": took,
        "writes": len(written.seconds),
        "failed": {status or "no answer": times for status, times in written.failed.items()},
        "half": half,
        "p99": late,
        "worst": worst,
        "lock_p99": float(np.percentile(written.locks, 99)),
        "lock_worst": max(written.locks),
    }


@contextmanager
def writing(written: Written, port: int, people: list[tuple[int, str]], items: list[int]) -> Iterator[None]:
    """Two people who write until the block ends."""
    ended = threading.Event()
    (_, first), (_, second), *_ = people
    interacts = [("POST", "/api/interactions", {"interactions": [{"item_id": items[0], "type": "click"}]})]
    dislikes = [
        ("POST", f"/api/movies/{items[1]}/dislike", {"reason": "not_interested"}),
        ("DELETE", f"/api/movies/{items[1]}/dislike", None),
    ]
    writers = [
        threading.Thread(target=write, args=(port, token, calls, written, ended))
        for token, calls in ((first, interacts), (second, dislikes))
    ]
    writers.append(threading.Thread(target=take_locks, args=(written, ended)))
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        ended.set()
        for writer in writers:
            writer.join()


def write(
    port: int, token: str, calls: list[tuple[str, str, Any]], written: Written, ended: threading.Event
) -> None:
    """Makes the calls one after the other, one every tenth of a second or as soon as the last is answered."""
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    number = 0
    while not ended.is_set():
        method, path, body = calls[number % len(calls)]
        number += 1
        started, status = time.monotonic(), 0
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, HTTPException):
            pass
        connection.close()
        took = time.monotonic() - started
        written.seconds.append(took)
        if status >= 300 or status == 0:
            written.failed[status] += 1
        ended.wait(max(0.0, EVERY_SECONDS - took))


def take_locks(written: Written, ended: threading.Event) -> None:
    """Writes a row of its own every tenth of a second, and notes how long each took."""
    from django.contrib.sessions.models import Session
    from django.db import connection, transaction
    from django.utils import timezone

    while not ended.is_set():
        started = time.monotonic()
        with transaction.atomic():
            Session.objects.update_or_create(
                session_key="waits", defaults={"session_data": "", "expire_date": timezone.now()}
            )
        written.locks.append(time.monotonic() - started)
        ended.wait(EVERY_SECONDS)
    connection.close()


def manage(command: str, file: Path) -> None:
    subprocess.run(  # noqa: S603  our own command
        [sys.executable, "manage.py", command, str(file), "--quiet"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def films_file(path: Path, count: int, rng: np.random.Generator) -> Path:
    """Films of which each has a description, genres, people and a country."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["external_id", "title", "year", "description", "genres", "directors", "actors"])
        for number in range(count):
            genres = "|".join(f"Genre {n}" for n in sorted(rng.choice(30, 3, replace=False)))
            cast = "|".join(f"Player {n}" for n in rng.choice(count, 8, replace=False))
            year = int(rng.integers(1950, 2026))
            told = f"Film {number} tells of a family, a debt and a long way home. " * 3
            director = f"Director {rng.integers(count // 4)}"
            out.writerow([f"wait-{number}", f"Waiting {number}", year, told, genres, director, cast])
    return path


def interactions_file(path: Path, count: int, rng: np.random.Generator) -> Path:
    """Likes, clicks and ratings of people who are not there yet, of films of the demo."""
    films, start = _films(), datetime.now(UTC) - timedelta(days=300)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user", "item", "type", "occurred_at", "rating"])
        for _ in range(count):
            act = str(rng.choice(["like", "click", "watched"]))
            moment = start + timedelta(seconds=int(rng.integers(86_400 * 299)))
            rating = int(rng.integers(1, 11)) if act == "watched" else ""
            out.writerow(
                [f"waiter-{rng.integers(PEOPLE)}", rng.choice(films), act, moment.isoformat(), rating]
            )
    return path


def lists_file(path: Path, count: int, rng: np.random.Generator) -> Path:
    """Lists of ten films of the demo, of which one was liked."""
    films, start = _films(), datetime.now(UTC) - timedelta(days=300)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["session", "user", "shown_at", "item", "rank", "seen", "action"])
        for number in range(count):
            moment = (start + timedelta(seconds=int(rng.integers(86_400 * 299)))).isoformat()
            person = f"waiter-{rng.integers(PEOPLE)}"
            for rank, film in enumerate(rng.choice(films, LIST_LENGTH, replace=False), start=1):
                action = "like" if rank == number % LIST_LENGTH else ""
                out.writerow([f"list-{number}", person, moment, film, rank, LIST_LENGTH, action])
    return path


def _films() -> list[str]:
    from catalog.models import Item

    return list(Item.objects.filter(kind="movie").order_by("pk").values_list("external_id", flat=True))


def as_table(result: dict[str, Any]) -> str:
    """A line for each phase."""
    names = ["database", "beside", "took, s", "writes", "failed", "half, ms", "99 %, ms", "longest, ms"]
    names += ["lock, 99 %, ms", "lock, longest, ms"]
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for row in result["phases"]:
        waits = " | ".join(f"{row[name] * 1000:.0f}" for name in FIGURES)
        lines.append(
            f"| {result['database']} | {row['beside']} | {row['seconds']:.0f} | {row['writes']} "
            f"| {sum(row['failed'].values())} | {waits} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
