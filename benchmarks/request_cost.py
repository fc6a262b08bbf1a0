"""The CPU that a list costs over HTTP, beside the bare floor and another checkout of Heed, if one is given.

    DATABASE_URL=… DEBUG=1 python benchmarks/request_cost.py [--beside DIR] [--requests 400]
                                                             [--chance SHARE] [--json]

The floor is a plain view of Django without middleware: one SELECT, one INSERT of the same row and the same
JSON. `changed` are lists of people who did something since the last. Each way runs in a process of its own;
batches of requests take turns, so that ratios hold on a noisy machine. CPU is that of the thread that answers
and, on PostgreSQL of this machine, that of its connection.

With `--beside DIR` (such as a `git worktree` of an earlier commit, with the same database and models) the
lists of both are compared too, while chance has none of their places; `--chance` is the share that it has. It
records the lists that it asks for, so run it on a copy.
Needs people with interactions and active models (docs/research/speed-of-a-request.md).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
ADDRESS = "/api/recommendations/personalized/movies"
PEOPLE, BATCH, WARM = 50, 10, 300
# Heed is asked with the token of an app that names the person.
_ENVIRON = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": ADDRESS,
    "QUERY_STRING": "limit=20",
    "SERVER_NAME": "testserver",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "REMOTE_ADDR": "127.0.0.1",
    "wsgi.url_scheme": "http",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, help="a folder with another checkout of Heed")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument(
        "--chance", type=float, default=0.0, help="EXPLORATION_SHARE; 0.05 is the default of Heed"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--work", nargs=2, metavar=("WAY", "DIR"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    here = str(HERE.parent.parent)
    ways = {"heed": ("heed", here), "changed": ("changed", here), "floor": ("floor", here)}
    if options.beside:
        ways["beside"] = ("heed", str(options.beside.resolve()))
    workers = {name: _Worker(*way, options.chance) for name, way in ways.items()}
    batches: dict[str, list[dict[str, Any]]] = {name: [] for name in workers}
    for _ in range(options.requests // BATCH):
        for name, worker in workers.items():
            batches[name].append(worker.ask("cost"))
    result = {name: _summary(of) for name, of in batches.items()}
    for name, batch in batches.items():
        result[name]["times_the_floor"] = _times(batch, batches["floor"])
        if options.beside:
            result[name]["times_the_other"] = _times(batch, batches["beside"])
    if options.beside and not options.chance:
        result["lists"] = _compared(workers["heed"].ask("lists"), workers["beside"].ask("lists"))
    for worker in workers.values():
        worker.end()
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


class _Worker:
    """A process that answers requests in one way."""

    def __init__(self, way: str, folder: str, chance: float) -> None:
        # The thread of BLAS is that of the request.
        environ = {
            **os.environ,
            "EXPLORATION_SHARE": str(chance),
            "RATE_LIMIT_FACTOR": "0",
            "OMP_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(  # noqa: S603  this very file
            [sys.executable, str(HERE), "--work", way, folder],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ask("warm")

    def ask(self, word: str) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("The process has no pipes.")
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit("A process has ended; its error stands above.")
        return json.loads(answer)

    def end(self) -> None:
        self._process.communicate()


def work(way: str, folder: str) -> None:
    """Answers each word of standard input with a line of JSON."""
    sys.path.insert(0, folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.conf import settings

    # With DEBUG Django keeps the text of every query.
    settings.DEBUG, settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = False, ["*"], False
    heed = _heed()
    ask = {"heed": lambda: heed, "changed": lambda: _of_changed(heed), "floor": lambda: _floor(heed)}[way]()
    people = _people()
    for person in (people * WARM)[: max(WARM, len(people))]:
        ask(person)
    at = 0
    for line in sys.stdin:
        match line.strip():
            case "cost":
                batch = [people[(at + number) % len(people)] for number in range(BATCH)]
                at += BATCH
                answer: Any = _cost(ask, batch)
            case "lists":
                answer = [json.loads(ask(person)) for person in people]
            case _:
                answer = {}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _people() -> list[int]:
    from accounts.models import User

    people = User.objects.filter(interactions__isnull=False, is_staff=False).distinct().order_by("pk")
    ids = list(people.values_list("pk", flat=True)[:PEOPLE])
    if not ids:
        sys.exit("There are no people with interactions. Import some first.")
    return ids


def _heed() -> Callable[[int], bytes]:
    """Asks Heed for the list of a person, through all of its middleware."""
    from accounts.models import User
    from accounts.services import issue_service_token
    from config.wsgi import application

    app, _ = User.objects.get_or_create(username="benchmark-app")
    token = issue_service_token(user=app, may_act_for_others=True)

    def ask(person: int) -> bytes:
        return _ask(application, {"HTTP_AUTHORIZATION": f"Token {token}", "HTTP_X_USER_ID": str(person)})

    return ask


def _of_changed(heed: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """The same of people of whom nothing is kept, as of whoever did something since their last list."""
    from serving.live import get_context

    def ask(person: int) -> bytes:
        memory = get_context("movie_home").memory
        # An earlier commit keeps less.
        for name in ("_people", "_met"):
            getattr(memory, name, {}).clear()
        return heed(person)

    return ask


def _floor(heed: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Asks a plain view for the same answer, with one SELECT and one INSERT of the same row."""
    from uuid import uuid4

    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler
    from django.db import connection
    from django.http import HttpRequest, HttpResponse
    from django.urls import path

    from accounts.models import User
    from recommendations.models import RecommendationSession

    answer = json.loads(heed(_people()[0]))
    fields = RecommendationSession._meta.concrete_fields  # noqa: SLF001  documented
    quote = connection.ops.quote_name
    table, names = quote(RecommendationSession._meta.db_table), [quote(str(one.column)) for one in fields]  # noqa: SLF001
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(names)} FROM {table} WHERE id = %s",  # noqa: S608
            [fields[0].get_db_prep_value(answer["recommendation_session_id"], connection)],
        )
        row = list(cursor.fetchone())
    select = f"SELECT id, username FROM {quote(User._meta.db_table)} WHERE id = %s"  # noqa: S608, SLF001
    insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"  # noqa: S608

    def view(request: HttpRequest) -> HttpResponse:
        new = fields[0].get_db_prep_value(uuid4(), connection)
        with connection.cursor() as cursor:
            cursor.execute(select, [person_id(request)])
            cursor.fetchall()
            cursor.execute(insert, [new, *map(_as_written, row[1:])])
        return HttpResponse(json.dumps(answer), content_type="application/json")

    def person_id(request: HttpRequest) -> int:
        return int(request.headers["X-User-ID"])

    module = type(sys)("floor_urls")
    module.urlpatterns = [path(ADDRESS[1:], view)]  # type: ignore[attr-defined]
    sys.modules["floor_urls"] = module
    settings.ROOT_URLCONF, settings.MIDDLEWARE = "floor_urls", []
    handler = WSGIHandler()
    return lambda person: _ask(handler, {"HTTP_X_USER_ID": str(person)})


def _as_written(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _ask(application: Any, headers: dict[str, str]) -> bytes:
    from io import BytesIO

    statuses: list[str] = []
    environ = {**_ENVIRON, **headers, "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr}
    response = application(environ, lambda status, headers: statuses.append(status))
    body = b"".join(response)
    response.close()
    if not statuses[0].startswith("200"):
        sys.exit(f"The request was answered {statuses[0]}: {body[:300]!r}")
    return body


def _cost(ask: Callable[[int], object], people: list[int]) -> dict[str, float]:
    """The milliseconds of CPU of this thread and of the server behind its connection, for all of `people`."""
    server, began = _server(), time.thread_time_ns()
    for person in people:
        ask(person)
    spent = time.thread_time_ns() - began
    return {"worker": spent / 1e6, "server": (_server() - server) / 1e6}


def _server() -> int:
    """Nanoseconds of CPU of the server process of this connection; 0 where that is not on this machine."""
    from django.db import connection

    if connection.vendor != "postgresql" or connection.connection is None:
        return 0
    try:
        return int(Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()[0])
    except OSError:
        return 0


def _summary(batches: list[dict[str, float]]) -> dict[str, Any]:
    import numpy as np

    return {
        f"{name}_ms": round(float(np.median([one[name] for one in batches])) / BATCH, 2)
        for name in ("worker", "server")
    }


def _times(one: list[dict[str, float]], other: list[dict[str, float]]) -> float:
    """The median of the ratios of batches that followed each other, worker and server together."""
    import numpy as np

    pairs = zip(one, other, strict=True)
    return round(float(np.median([sum(a.values()) / sum(b.values()) for a, b in pairs])), 3)


def _compared(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, Any]:
    """The number of lists with the same items, reasons and so on, and how far their scores differ."""
    import numpy as np

    pairs = list(zip(ours, theirs, strict=True))
    far = [
        abs(one[name] - other[name])
        for mine, yours in pairs
        for one, other in zip(mine["recommendations"], yours["recommendations"], strict=True)
        for name in ("score", "base_score", "boost_multiplier")
    ]

    def same(read: Callable[[dict[str, Any]], Any]) -> int:
        return sum(read(mine) == read(yours) for mine, yours in pairs)

    return {
        "compared": len(pairs),
        "same_items": same(lambda one: one["movie_ids"]),
        "same_reasons": same(lambda one: [slot["why"] for slot in one["recommendations"]]),
        "same_cards": same(lambda one: [slot["item"] for slot in one["recommendations"]]),
        "same_rest": same(
            lambda one: [
                one[name] for name in ("use_case", "method_used", "model_version", "personalization")
            ]
        ),
        "largest_difference_of_scores": float(np.max(far)),
    }


if __name__ == "__main__":
    main()
