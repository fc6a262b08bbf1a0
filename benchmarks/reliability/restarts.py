"""PostgreSQL restarted under load, and a backup restored elsewhere: what is lost, and what answers.

    python benchmarks/reliability/restarts.py [--restarts 9] [--pause 0.2] [--json FILE]

It starts a PostgreSQL of its own, which it needs the programs of (`initdb`, `pg_ctl`, `pg_dump`), and eight
people beside two workers of four threads. Every other restart is a crash: the server ends at once, as when
the power goes. Then a backup is made under the same load, as docs/how-to/backup.md says, and restored to
another database with another folder of models; what the copy has is held against what was acknowledged before
the backup began. Ends with 1 where an answer was a 5xx other than 503, where a write that was acknowledged is
not there, or where the copy is not ready.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "reliability")]
LOAD_SECONDS = 3.0
BACK_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL server of the benchmark: its programs, its folder and its port."""

    programs: Path
    folder: Path
    port: int

    def address(self, name: str) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def run(self, program: str, *arguments: str) -> None:
        """Runs a program of PostgreSQL, which refuses to run as root. Raises where it fails."""
        user = "postgres" if os.getuid() == 0 else None
        subprocess.run(  # noqa: S603  our own command
            [self.programs / program, *arguments], user=user, check=True, capture_output=True, cwd=self.folder
        )

    def control(self, what: str, how: str = "fast") -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", how, "-l", log, "-o", options, what)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--restarts", type=int, default=9)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two requests of a person")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    from site_of_its_own import set_up

    with tempfile.TemporaryDirectory() as folder, cluster(Path(folder) / "postgresql") as server:
        server.run("createdb", "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "heed")
        set_up(folder, server.address("heed"), LOG_LEVEL="CRITICAL")
        result, wrong = measure(server, Path(folder), options)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    sys.stdout.write(f"{json.dumps(result)}\nWrong: {'; '.join(wrong) or 'nothing'}.\n")
    sys.exit(1 if wrong else 0)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A new PostgreSQL server, which goes at the end."""
    # Debian keeps the programs of each version in a folder of its own, and links few of them.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    programs = folders[-1] if folders else Path(shutil.which("initdb") or "").parent
    if not (programs / "initdb").exists():
        raise SystemExit("PostgreSQL's initdb is needed: install the package postgresql.")
    folder.mkdir()
    if os.getuid() == 0:
        folder.parent.chmod(0o711)
        shutil.chown(folder, "postgres")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        server = Cluster(programs, folder, int(one.getsockname()[1]))
    server.run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust")
    server.control("start")
    try:
        yield server
    finally:
        server.control("stop", "immediate")


def measure(server: Cluster, folder: Path, options: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Figures of the restarts and of the copy, and what went wrong."""
    from django.core.management import call_command
    from kills import prepare
    from under_load import Seen, answers, kept, people_and_items, report, served, started

    call_command("collectstatic", interactive=False, verbosity=0)
    prepare(np.random.default_rng(1))
    people, items = people_and_items()
    seen, ended = Seen(), threading.Event()
    away: dict[str, list[float]] = {"fast": [], "immediate": []}
    with served() as (_, port):
        clients = started(port, people, items, seen, ended, options.pause)
        for number in range(options.restarts):
            ended.wait(LOAD_SECONDS)
            how = "immediate" if number % 2 else "fast"
            server.control("stop", how)
            server.control("start")
            away[how].append(until_list(port, people[0][1]))
        ended.wait(LOAD_SECONDS)
        written_before = set(seen.written)
        back_up(server, folder)
        ended.set()
        for client in clients:
            client.join()
        wrong = [] if answers(port) else ["the server does not answer at the end"]
    report(seen)
    wrong += [f"{n} × {what}" for what, n in seen.bad().items()]
    if lost := seen.written - kept():
        wrong.append(f"{len(lost)} acknowledged writes are lost")
    rows, ready, missing = restored(server, folder, written_before)
    if ready != 200 or missing:
        wrong.append(f"the copy answers {ready}, and lacks {missing} writes")
    result = {
        "restarts": options.restarts,
        "requests": sum(seen.statuses.values()),
        "unavailable": sum(n for (_, status), n in seen.statuses.items() if status == 503),
        "unanswered": sum(n for (_, status), n in seen.statuses.items() if not status),
        "acknowledged": len(seen.written),
        "seconds_until_a_list": {how: round(max(times), 2) for how, times in away.items() if times},
        "copied_rows": rows,
        "acknowledged_before_the_backup": len(written_before),
    }
    return result, wrong


def until_list(port: int, token: str) -> float:
    """The seconds until a list is answered again. Raises SystemExit after a minute."""
    started = time.monotonic()
    while (waited := time.monotonic() - started) < BACK_WITHIN:
        if status_of(port, "/api/recommendations/personalized/movies?limit=10", token) == 200:
            return waited
        time.sleep(0.02)
    raise SystemExit(f"No list was answered for {BACK_WITHIN:.0f} s after a restart.")


def status_of(port: int, path: str, token: str = "") -> int:
    """The status of an answer; 0 where there is none."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Authorization": f"Token {token}"} if token else {})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def back_up(server: Cluster, folder: Path) -> None:
    """Copies the database and then the models, as docs/how-to/backup.md says."""
    dump = str(server.folder / "heed.dump")
    server.run("pg_dump", "--format=custom", f"--file={dump}", server.address("heed"))
    shutil.copytree(os.environ["MODEL_DIR"], folder / "copied-models")


def restored(server: Cluster, folder: Path, written: set[tuple[int, int]]) -> tuple[int, int, int]:
    """The rows of a copy, the status of its `/ready`, and how many of `written` it lacks."""
    from django.db import connections
    from under_load import served

    from feedback.models import Dislike
    from recommendations.models import RecommendationSession

    server.run("createdb", "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "copy")
    address = server.address("copy")
    server.run(
        "pg_restore", "--clean", "--if-exists", f"--dbname={address}", str(server.folder / "heed.dump")
    )
    os.environ.update(DATABASE_URL=address, MODEL_DIR=str(folder / "copied-models"))
    with served() as (_, port):
        ready = status_of(port, "/ready")
    connections.databases["copy"] = {**connections.databases["default"], "NAME": "copy"}
    found = set(Dislike.objects.using("copy").values_list("user_id", "item_id"))
    rows = RecommendationSession.objects.using("copy").count()
    connections["copy"].close()
    return len(found) + rows, ready, len(written - found)


if __name__ == "__main__":
    main()
