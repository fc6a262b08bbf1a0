"""A site under load, for an hour or among faults: what it answers, what it loses, what it holds.

    python benchmarks/reliability/under_load.py soak [--minutes 60] [--pause 1] [--json FILE] [--database postgres://…/EMPTY]
    python benchmarks/reliability/under_load.py chaos [--seconds 120] [--database postgres://…/EMPTY]

Without --database a SQLite file of its own. People ask for lists, turn titles down, click, search and read
pages, through two workers of four threads; eight at a time, each for a visit of a dozen requests. `soak`
notes every ten seconds what the workers hold: memory, file handles, connections to the database. `chaos`
brings faults meanwhile, one after the other: workers are killed, connections to the database are cut
(PostgreSQL), runs of `retrain` are killed or find no room on the disk, the version that serves is changed,
requests are sent by half, the clock jumps. Ends with 1 where an answer was a 5xx other than 503, where
somebody was turned away, where a write that was acknowledged is not there, or where models are in disorder.

The clock is that of the server and of `retrain`, as of one machine; the database keeps its own.
That needs Linux and a C compiler; without these no clock jumps, and the run says so.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count, cycle
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "benchmarks" / "reliability")]
AT_ONCE = 8
VISIT = 12
# So many visitors in turn that histories grow by no more in an hour than in some weeks of a site.
VISITORS = 600
SAMPLE_SECONDS = 10.0
PAUSE = 1.0
FAULT_SECONDS = 1.0
SMALL_DISK = 20_000
# The clock stays where it jumped to until the turn comes to it again, so that the other faults meet it there.
CLOCKS = (3 * 3600, 0, -3 * 3600, 0, 86_400, 0)
LOGGED_IN_WITHIN = 20.0
TURNED_AWAY = (401, 403, 429)


@dataclass
class Seen:
    """Answers that clients saw: statuses by kind of request, seconds, and the acknowledged writes."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    written: set[tuple[int, int]] = field(default_factory=set)

    def bad(self) -> dict[str, int]:
        """The 5xx that are none of a database or a server that is away, and refusals, which nobody earned."""
        return {
            f"{kind} {status}": n
            for (kind, status), n in self.statuses.items()
            if (status >= 500 and status != 503) or status in TURNED_AWAY
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["soak", "chaos"])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--people", type=int, default=VISITORS, help="who visit in turn")
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds between two requests of a person")
    parser.add_argument("--json", type=Path, help="what was held over time")
    options = parser.parse_args()
    from site_of_its_own import set_up

    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder) / "clock" if options.what == "chaos" else None
        # Limits count by the clock, so they are in force where it jumps.
        settings = {"RATE_LIMIT_FACTOR": "1", **clock_settings(clock)} if clock else {}
        set_up(folder, options.database, **settings)
        wrong = run(options, clock)
    sys.stdout.write(f"Wrong: {'; '.join(wrong) or 'nothing'}.\n")
    sys.exit(1 if wrong else 0)


def clock_settings(clock: Path) -> dict[str, str]:
    """The environment of a process whose clock is off by what `clock` says."""
    compiler, library = shutil.which("cc"), clock.with_suffix(".so")
    if compiler is None or sys.platform != "linux":
        sys.stdout.write("No clock jumps: that needs Linux and a C compiler.\n")
        return {}
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)  # noqa: S603
    clock.write_bytes(in_force(0))
    return {"LD_PRELOAD": str(library), "CLOCK_FILE": str(clock)}


def in_force(offset: int) -> bytes:
    """So many seconds as clock.c reads them."""
    return struct.pack("=q", offset)


def run(options: argparse.Namespace, clock: Path | None = None) -> list[str]:
    """The load, with what is asked for beside it; returns what went wrong."""
    from django.core.management import call_command
    from kills import prepare, wrongs

    call_command("collectstatic", interactive=False, verbosity=0)
    prepare(np.random.default_rng(options.seed), options.people)
    people, items = people_and_items(options.people)
    seconds = options.minutes * 60 if options.what == "soak" else options.seconds
    seen, ended = Seen(), threading.Event()
    with served() as (server, port):
        clients = started(port, people, items, seen, ended, options.pause)
        try:
            if clock is None:
                watch(server, seconds, options.json)
            else:
                trouble(server, port, seconds, random.Random(options.seed), clock)
        finally:
            ended.set()
            for client in clients:
                client.join()
        wrong = [] if answers(port) else ["the server does not answer at the end"]
    report(seen)
    wrong += [f"{n} × {what}" for what, n in seen.bad().items()]
    if lost := seen.written - kept():
        wrong.append(f"{len(lost)} acknowledged writes are lost")
    return wrong + (wrongs() if options.what == "chaos" else [])


def started(
    port: int,
    people: Sequence[tuple[int, str]],
    items: list[int],
    seen: Seen,
    ended: threading.Event,
    pause: float,
) -> list[threading.Thread]:
    """AT_ONCE clients under way, who share the people among them."""
    clients = [
        threading.Thread(
            target=behave, args=(port, people[number::AT_ONCE], items, seen, ended, number, pause)
        )
        for number in range(AT_ONCE)
    ]
    for client in clients:
        client.start()
    return clients


def people_and_items(most: int = AT_ONCE) -> tuple[list[tuple[int, str]], list[int]]:
    """The first people with their tokens, and the films."""
    from accounts.models import User
    from accounts.services import issue_service_token
    from catalog.models import Item

    people = User.objects.filter(is_staff=False).order_by("pk")[:most]
    items = Item.objects.filter(kind="movie", is_active=True).order_by("pk").values_list("pk", flat=True)
    return [(person.pk, issue_service_token(user=person)) for person in people], list(items)


def kept() -> set[tuple[int, int]]:
    """Person and item of each dislike on record."""
    from django.db import close_old_connections

    from feedback.models import Dislike

    close_old_connections()
    return set(Dislike.objects.values_list("user_id", "item_id"))


@contextmanager
def served(workers: int = 2, root: Path = ROOT) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """gunicorn with workers of four threads, of the code in `root`, and its port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    Path(os.environ["METRICS_DIR"]).mkdir(exist_ok=True)
    bind = ("--bind", f"127.0.0.1:{port}", "--log-level", "critical")
    size = ("--workers", str(workers), "--threads", "4")
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", *bind, *size]
    server = subprocess.Popen(command, cwd=root)  # noqa: S603
    try:
        while not answers(port):
            time.sleep(0.2)
        yield server, port
    finally:
        server.terminate()
        server.wait()


def answers(port: int) -> bool:
    """True where `/health` is answered."""
    with suppress(OSError, HTTPException):
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    return False


def behave(
    port: int,
    people: Sequence[tuple[int, str]],
    items: list[int],
    seen: Seen,
    ended: threading.Event,
    seed: int,
    pause: float,
) -> None:
    """Does what people do, one after the other. A connection that breaks is no answer, and counts as 0."""
    chance = random.Random(seed)
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    for number in count():
        if ended.is_set():
            break
        user_id, token = people[number // VISIT % len(people)]
        headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        item = chance.choice(items)
        kind, method, path, body = chance.choice(
            [
                ("list", "GET", "/api/recommendations/personalized/movies?limit=10", None),
                ("list", "GET", "/api/recommendations/personalized/movies?limit=30", None),
                ("no", "POST", "/api/dislike", {"movie_id": item, "reason": "not_interested"}),
                (
                    "click",
                    "POST",
                    "/api/interactions",
                    {"interactions": [{"item_id": item, "type": "click"}]},
                ),
                ("search", "GET", "/api/recommend?title=dark+comedy", None),
                ("item", "GET", f"/api/movies/{item}", None),
                ("page", "GET", "/accounts/login/", None),
            ]
        )
        started, status = time.monotonic(), 0
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, HTTPException):
            connection.close()
        seen.seconds.append(time.monotonic() - started)
        seen.statuses[kind, status] += 1
        if kind == "no" and status in (200, 201):
            seen.written.add((user_id, item))
        ended.wait(pause * 2 * chance.random())
    connection.close()


def watch(server: "subprocess.Popen[bytes]", seconds: float, file: Path | None) -> None:
    """Notes what the workers hold, in `file` too, and prints it with its slope over the last two thirds."""
    started, rows = time.monotonic(), []
    while (now := time.monotonic() - started) < seconds:
        rows.append((now / 3600, *held(server)))
        if file:
            file.write_text(json.dumps(rows) + "\n")
        time.sleep(SAMPLE_SECONDS)
    samples = np.array(rows)
    settled = samples[len(samples) // 3 :]
    print("| held | first | settled, median | last | most | slope in an hour |", flush=True)  # noqa: T201
    for place, name in enumerate(("memory of the workers, MB", "file handles", "connections"), start=1):
        column = samples[:, place]
        slope = np.polyfit(settled[:, 0], settled[:, place], 1)[0]
        figures = (column[0], np.median(settled[:, place]), column[-1], column.max(), slope)
        print(f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures) + " |", flush=True)  # noqa: T201


def held(server: "subprocess.Popen[bytes]") -> tuple[float, int, int]:
    """MB of memory that is the workers' own, their open files, and the connections to the database."""
    from django.db import connection

    memory, files = 0.0, 0
    for worker in workers_of(server):
        with suppress(OSError):
            rollup = Path(f"/proc/{worker}/smaps_rollup").read_text()
            memory += sum(int(line.split()[1]) for line in rollup.splitlines() if "Private_" in line) / 1024
            files += len(list(Path(f"/proc/{worker}/fd").iterdir()))
    connections = 0
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()")
            connections = int(cursor.fetchone()[0])
    return memory, files, connections


def workers_of(server: "subprocess.Popen[bytes]") -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    return [int(child) for child in children.split()]


def trouble(
    server: "subprocess.Popen[bytes]", port: int, seconds: float, chance: random.Random, clock: Path
) -> None:
    """Brings the faults one after the other until the time is over, each at a moment drawn by chance."""
    offsets, cookie = cycle(CLOCKS), logged_in()
    faults: dict[str, Callable[[], None]] = {
        "worker killed": lambda: os.kill(chance.choice(workers_of(server)), signal.SIGKILL),
        "connections cut": cut_connections,
        "retrain killed": lambda: train(kill_after=chance.uniform(0.5, 8)),
        "no room for retrain": lambda: train(room=SMALL_DISK),
        "promotion": promote,
        "halves": lambda: send_halves(port),
    }
    if clock.exists():
        faults["clock set"] = lambda: set_clock(clock, next(offsets), port, cookie)
    ends, brought = time.monotonic() + seconds, Counter[str]()
    for name, fault in cycle(faults.items()):
        if time.monotonic() > ends:
            break
        # A server whose worker was killed this moment has none, or refuses.
        with suppress(OSError, IndexError):
            fault()
            brought[name] += 1
        time.sleep(chance.uniform(0, FAULT_SECONDS))
    # Whoever was killed comes back.
    time.sleep(2)
    if clock.exists():
        set_clock(clock, CLOCKS[-1], port, cookie)
    print(", ".join(f"{name} {times}" for name, times in brought.items()), flush=True)  # noqa: T201


def logged_in() -> str:
    """The cookie of a person with a session."""
    from django.conf import settings
    from django.test import Client

    from accounts.models import User

    client = Client()
    client.force_login(User.objects.filter(is_staff=False).earliest("pk"))
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def set_clock(clock: Path, offset: int, port: int, cookie: str) -> None:
    """Sets the clock of the server and of `retrain`; who is logged in must find their pages by it."""
    # In place: the file is mapped into the memory of the processes.
    with clock.open("r+b") as file:
        file.write(in_force(offset))
    ends, status = time.monotonic() + LOGGED_IN_WITHIN, 0
    while status != 200 and time.monotonic() < ends:
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/", headers={"Cookie": cookie})
            status = connection.getresponse().status
        if status in (302, *TURNED_AWAY):
            break
    if status != 200:
        raise SystemExit(
            f"With a clock {offset} s off, who is logged in is answered {status} on the first page"
        )


def cut_connections() -> None:
    """Ends every session of the database but ours."""
    from django.db import close_old_connections, connection

    close_old_connections()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def train(*, kill_after: float | None = None, room: int | None = None) -> None:
    """Runs `retrain`, and kills it after some seconds or lets no file grow over `room` bytes."""
    command = [sys.executable, "manage.py", "retrain", "--quiet"]
    limit = None if room is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    process = subprocess.Popen(  # noqa: S603  our own command
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        preexec_fn=limit,
        text=True,
    )
    try:
        _, error = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    else:
        if "Traceback" in error:
            raise SystemExit(f"retrain ended in a traceback:\n{error[-2000:]}")


def promote() -> None:
    """Puts another version of a kind into service, where there is one."""
    from django.core.management import CommandError, call_command

    from core.errors import HeedError
    from ranking.models import ModelVersion

    old = ModelVersion.objects.filter(kind="als").exclude(status=ModelVersion.Status.ACTIVE).last()
    if old is not None:
        with suppress(HeedError, CommandError):
            call_command("activate_model", str(old.pk), "--quiet")


def send_halves(port: int) -> None:
    """Leaves 32 requests open that are sent by half, for a moment, and asks for an answer meanwhile."""
    halves = []
    for _ in range(32):
        half = socket.create_connection(("127.0.0.1", port), timeout=5)
        half.sendall(b"POST /api/dislike HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        halves.append(half)
    if not answers(port):
        raise SystemExit("/health is not answered while bodies hang")
    for half in halves:
        half.close()


def report(seen: Seen) -> None:
    """The answers by kind and status, and how long they took."""
    by_status: Counter[int] = Counter()
    for (_, status), times in seen.statuses.items():
        by_status[status] += times
    middle, late, worst = np.percentile(seen.seconds, [50, 99, 100]) * 1000
    told = ", ".join(f"{status or 'no answer'} × {times}" for status, times in sorted(by_status.items()))
    print(f"{sum(by_status.values())} requests: {told}; {len(seen.written)} noes acknowledged.")  # noqa: T201
    print(f"Half took {middle:.0f} ms, 99 % at most {late:.0f} ms, the longest {worst:.0f} ms.")  # noqa: T201


if __name__ == "__main__":
    main()
