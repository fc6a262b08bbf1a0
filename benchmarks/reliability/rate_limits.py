"""Limits over several worker processes: so much more than the limit comes through.

    python benchmarks/reliability/rate_limits.py [--workers 4] [--database postgres://…/EMPTY] [--json FILE]

Without --database a SQLite file of its own. gunicorn has so many workers of four threads; sixteen clients
ask at once, each request by a connection of its own, in the name of one person, twice as often as the limit
allows. That is done for searches, dislikes and events, by the counts in the database and, where
`redis-server` is there, in Redis. Ends with 1 where more than a tenth too much came through.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "reliability")]
CLIENTS = 16
CSRF = "c" * 32
MOST_OVER = 0.1
# Long enough that no limit begins anew meanwhile, and of a size that is reached soon.
LIMITS = {"search": 300, "dislikes": 300, "events": 1_000}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--database")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    from site_of_its_own import set_up

    with tempfile.TemporaryDirectory() as folder:
        limits = ",".join(f"{name}={limit}/3600" for name, limit in LIMITS.items())
        set_up(
            folder,
            options.database,
            DEBUG="1",
            LOG_LEVEL="CRITICAL",
            RATE_LIMIT_FACTOR="1",
            RATE_LIMITS=limits,
        )
        rows = measure(options.workers, Path(folder))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    print("| counts in | workers | limit | let through | over |")  # noqa: T201
    print("|---" * 5 + "|")  # noqa: T201
    for row in rows:
        print(  # noqa: T201
            f"| {row['store']} | {row['workers']} | {row['limit']} {row['action']} "
            f"| {row['through']} | {row['over']:+.1%} |"
        )
    sys.exit(1 if any(row["over"] > MOST_OVER for row in rows) else 0)


def measure(workers: int, folder: Path) -> list[dict[str, Any]]:
    """The rows of all stores and actions, each with a person of its own."""
    from django.db import connection
    from kills import prepare
    from under_load import people_and_items, served

    prepare(np.random.default_rng(1))
    people, items = people_and_items()
    sessions = iter([session_of(user_id) for user_id, _ in people])
    rows: list[dict[str, Any]] = []
    for name, url in [(connection.vendor, ""), *redis_in(folder)]:
        with redis_server(folder, url):
            os.environ["RATE_LIMIT_REDIS_URL"] = url
            with served(workers) as (_, port):
                for action, limit in LIMITS.items():
                    through = let_through(port, next(sessions), action, limit, items)
                    over = through / limit - 1
                    rows.append(
                        {
                            "store": name,
                            "workers": workers,
                            "action": action,
                            "limit": limit,
                            "through": through,
                            "over": over,
                        }
                    )
    return rows


def session_of(user_id: int) -> str:
    """The cookie of a browser in which a person is logged in: an app's token would stand for many people."""
    from django.test import Client

    from accounts.models import User

    browser = Client()
    browser.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return browser.cookies["sessionid"].value


def let_through(port: int, session: str, action: str, limit: int, items: list[int]) -> int:
    """The requests of one person that were not refused, with all clients at once, twice the limit of them."""
    headers = {
        "Cookie": f"sessionid={session}; csrftoken={CSRF}",
        "X-CSRFToken": CSRF,
        "Content-Type": "application/json",
    }

    def ask(number: int) -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        item = items[number % len(items)]
        if action == "search":
            connection.request("GET", "/api/recommend?title=comedy", headers=headers)
        elif action == "dislikes":
            body = json.dumps({"movie_id": item})
            connection.request("POST", "/api/dislike", body, headers)
        else:
            body = json.dumps({"interactions": [{"item_id": item, "type": "click"}]})
            connection.request("POST", "/api/interactions", body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status not in (200, 201, 429):
            raise SystemExit(f"{action}: {answer.status}")
        return answer.status != 429

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sum(pool.map(ask, range(2 * limit)))


def redis_in(folder: Path) -> list[tuple[str, str]]:
    return [("Redis", f"unix://{folder}/redis.sock")] if shutil.which("redis-server") else []


@contextmanager
def redis_server(folder: Path, url: str) -> Iterator[None]:
    """Redis of its own, where there is an address of one."""
    if not url:
        yield
        return
    path = url.removeprefix("unix://")
    command = ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603
    with socket.socket(socket.AF_UNIX) as asking:
        while asking.connect_ex(path):
            time.sleep(0.01)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
