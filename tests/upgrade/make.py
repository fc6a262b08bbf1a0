"""Makes the archives of this folder: a database and its model files, as an older version left them.

    git worktree add --detach /tmp/older cf9b56d
    python tests/upgrade/make.py /tmp/older sqlite
    python tests/upgrade/make.py /tmp/older postgresql     # on 127.0.0.1, as postgres

The commands and addresses of the older version fill the database, so every row is one that it wrote itself.
What is random in it (uuids, salts, times) differs from run to run; no test depends on these.
"""

import argparse
import csv
import os
import random
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
POSTGRESQL = "postgres://postgres@127.0.0.1:5432/heed_older"
GENRES = ("Drama", "Comedy", "Thriller", "Western")
FILMS, PEOPLE, ACTS, LISTS, SLOTS = 40, 30, 14, 40, 6
START = 1_700_000_000
COMMANDS = (
    "generate_als_dataset",
    "train_als --factors 8 --iterations 5",
    "activate_model",
    "generate_ranker_dataset",
    "train_ranker --num-leaves 4 --rounds 10 --min-data-in-leaf 5",
    "activate_model --kind ranker",
    "generate_two_tower_dataset",
    "train_two_tower --dimensions 8 --hidden 8 --epochs 1",
    "activate_model --kind two_tower",
)


def films() -> list[tuple[str, ...]]:
    """External id, title, year, genres, actors."""
    return [
        (f"f{n}", f"Film {n}", str(1990 + n % 30), GENRES[n % 4], f"Actor {n % 9}|Actor {n % 7 + 10}")
        for n in range(FILMS)
    ]


def interactions(chance: random.Random) -> Iterable[tuple[str, ...]]:
    """The acts of people with one favorite genre each: user, item, type, moment."""
    for person in range(PEOPLE):
        for number, film in enumerate(chance.sample(range(FILMS), ACTS)):
            likes = film % 4 == person % 4
            moment = START + person * 3_600 + number * 86_400
            yield f"p{person}", f"f{film}", "like" if likes else "view", str(moment)


def lists(chance: random.Random) -> Iterable[tuple[str, ...]]:
    """Lists with what was liked of them: session, user, moment, item, rank, score, seen, action."""
    for number in range(LISTS):
        person = number % PEOPLE
        for rank, film in enumerate(chance.sample(range(FILMS), SLOTS), start=1):
            action = "like" if film % 4 == person % 4 else ""
            moment, score = str(START + 40 * 86_400 + number * 7_200), f"{1 - rank / 10:.1f}"
            yield f"list-{number}", f"p{person}", moment, f"f{film}", str(rank), score, "5", action


def write_csv(path: Path, header: str, rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return path


def fill(checkout: Path, work: Path, database_url: str) -> None:
    """Has the older version migrate the database, import, train, activate, and answer some requests."""
    chance = random.Random(7)
    environment = {**os.environ, "DEBUG": "1", "DATABASE_URL": database_url, "PYTHONPATH": str(checkout)}
    environment |= {"MODEL_DIR": str(work / "models"), "DATASET_DIR": str(work / "datasets")}
    # An experiment that starts is noticed by the next request.
    environment["MODEL_CHECK_SECONDS"] = "-1"

    def run(*command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=checkout, env=environment, check=True)

    items = write_csv(work / "items.csv", "external_id,title,year,genres,actors", films())
    acts = write_csv(work / "acts.csv", "user,item,type,occurred_at", interactions(chance))
    shown = write_csv(work / "shown.csv", "session,user,shown_at,item,rank,score,seen,action", lists(chance))
    run("manage.py", "migrate", "--verbosity", "0")
    for command in (
        f"import_items {items}",
        f"import_interactions {acts}",
        f"import_sessions {shown}",
        *COMMANDS,
    ):
        run("manage.py", *command.split(), "--json")
    run(str(HERE / "visits.py"))


def dump_sqlite(checkout: Path, work: Path) -> None:
    path = work / "older.sqlite3"
    fill(checkout, work, f"sqlite:///{path}")
    with sqlite3.connect(path) as database:
        (work / "dump.sql").write_text("\n".join(database.iterdump()))


def dump_postgresql(checkout: Path, work: Path) -> None:
    server, name = POSTGRESQL.rsplit("/", 1)
    subprocess.run(["createdb", f"--maintenance-db={server}/postgres", name], check=True)
    try:
        fill(checkout, work, POSTGRESQL)
        dump = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", f"--dbname={POSTGRESQL}"]
        text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
        # `\restrict` is for psql alone; the test runs the statements itself.
        lines = [line for line in text.splitlines() if not line.startswith("\\")]
        (work / "dump.sql").write_text("\n".join(lines))
    finally:
        subprocess.run(["dropdb", f"--maintenance-db={server}/postgres", name], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("checkout", type=Path, help="a checkout of the older version")
    parser.add_argument("engine", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        {"sqlite": dump_sqlite, "postgresql": dump_postgresql}[options.engine](options.checkout, work)
        with tarfile.open(HERE / f"{options.engine}.tar.xz", "w:xz") as archive:
            archive.add(work / "dump.sql", "dump.sql")
            archive.add(work / "models", "models")


if __name__ == "__main__":
    main()
