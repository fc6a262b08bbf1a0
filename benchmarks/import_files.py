"""Time and memory of imports: the real MovieLens folder, and files made 20 times larger.

    python benchmarks/import_files.py --data ../shared/data [--times 20]

Runs each command in a process of its own, in the database of DATABASE_URL, which must be migrated and empty
and is left filled. Prints one JSON line per run: seconds, peak memory in MB and the command's summary.
The peak is that of the command's process; the database server has its own.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMALL_ROWS = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="holds ml-latest-small and tmdb-metadata")
    parser.add_argument("--times", type=int, default=20, help="how many times larger the large files are")
    options = parser.parse_args()
    metadata = options.data / "tmdb-metadata" / "movies_tmdb.json"
    folder = options.data / "ml-latest-small"
    for name in ("movielens, first run", "movielens, second run"):
        measure(name, "import_movielens", folder, "--metadata", metadata)
    with tempfile.TemporaryDirectory() as made:
        for times in (1, options.times):
            items, interactions = Path(made) / "items.csv", Path(made) / "interactions.csv"
            write_items(items, SMALL_ROWS // 10 * times)
            write_interactions(interactions, SMALL_ROWS * times, items=SMALL_ROWS // 10 * times)
            measure(f"items × {times}", "import_items", items, "--kind", "drama")
            measure(f"interactions × {times}", "import_interactions", interactions, "--kind", "drama")


def measure(name: str, *command: object) -> None:
    """Runs a command and prints what it took."""
    words = [sys.executable, str(ROOT / "manage.py"), *map(str, command), "--json", "--quiet"]
    started = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT) as process:  # noqa: S603  our own command
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name}: the command failed with exit code {process.returncode}")
    figures = {
        "run": name,
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mb": usage.ru_maxrss // 1024,
    }
    print(json.dumps({**figures, "summary": json.loads(output)}, ensure_ascii=False), flush=True)  # noqa: T201


def write_items(path: Path, rows: int) -> None:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["external_id", "title", "year", "description", "genres", "actors"])
        for number in range(rows):
            cast = "|".join(f"Actor {number * 7 % 5000 + place}" for place in range(3))
            genres = f"Genre {number % 17}|Genre {number % 5 + 17}"
            out.writerow([number, f"Drama {number}", 1950 + number % 70, "What happens. " * 20, genres, cast])


def write_interactions(path: Path, rows: int, *, items: int) -> None:
    """A hundred rows per person, half of them ratings and half likes, none the repetition of another."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user", "item", "type", "occurred_at", "rating"])
        for number in range(rows):
            user, item = number // 100, number * 7919 % items
            type_name, rating = ("watched", number % 21 / 2) if number % 2 else ("like", None)
            out.writerow([f"bench-{user}", item, type_name, 1_000_000_000 + number * 60, rating])


if __name__ == "__main__":
    main()
