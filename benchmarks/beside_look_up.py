"""Lists a second under load, beside the server of LibRecommender, which looks up and answers with ids.

    DATABASE_URL=postgres://… DEBUG=1 python benchmarks/beside_look_up.py --look-up DIR --python PYTHON
                                      [--seconds 10] [--rounds 3] [--people 610] [--json]

DIR is a checkout of LibRecommender, PYTHON the Python of an environment with sanic, redis, faiss-cpu, ujson
and pydantic; its server reads the factors and the history of the active ALS model from the Redis of this
machine, database 0, which is filled for it. Both servers have two workers, Heed's of four threads; `wrk`
asks over eight connections for the people in turn, who do nothing between. The servers take turns, so that
ratios hold on a noisy machine. CPU is that of the workers, and that of PostgreSQL or Redis.
It records the lists that it asks for, so run it on a copy.
"""

import argparse
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
WORKERS, CONNECTIONS, LIMIT = 2, 8, 20
# Before it is measured, a server is asked so often for each person that each worker has met about all.
_MEETINGS = 2 * WORKERS
_TICK = os.sysconf("SC_CLK_TCK")
# The people take turns in each thread of wrk by themselves; two threads begin at different ones.
_SCRIPT = """
local people = {%(people)s}
local at = 0
local threads = 0
function setup(thread) thread:set("first", threads * %(half)d) threads = threads + 1 end
function init(args) at = first end
function request()
    at = at %% #people + 1
    local person = people[at]
    %(ask)s
end
"""
_ASK_HEED = """
    return wrk.format("GET", "/api/recommendations/personalized/movies?limit=%d",
        {["Authorization"] = "Token %s", ["X-User-ID"] = tostring(person)})
"""
_ASK_LOOK_UP = """
    return wrk.format("POST", "/embed/recommend", {["Content-Type"] = "application/json"},
        '{"user": "' .. person .. '", "n_rec": %d}')
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test: its port, the script that asks it, and the processes behind it."""

    port: int
    script: Path
    workers: list[int]
    store: list[int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--look-up", type=Path, help="a checkout of LibRecommender")
    parser.add_argument("--python", default=sys.executable, help="the Python of its environment")
    parser.add_argument("--beside", type=Path, action="append", default=[], help="another checkout of Heed")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--people", type=int, default=610)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    import django

    django.setup()
    people = _people(options.people)
    with tempfile.TemporaryDirectory() as scratch:
        servers = {"heed": _heed(ROOT, people, Path(scratch) / "heed")}
        for folder in options.beside:
            servers[folder.name] = _heed(folder.resolve(), people, Path(scratch) / folder.name)
        if options.look_up:
            servers["look-up"] = _look_up(options.look_up, options.python, people, Path(scratch))
        result = _measured(servers, options.seconds, options.rounds, _MEETINGS * len(people))
    print(json.dumps(result, indent=None if options.json else 2))  # noqa: T201


def _measured(starts: dict[str, "_Start"], seconds: int, rounds: int, first: int) -> dict[str, object]:
    """The figures of each server, and their ratios, once it has answered `first` requests."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in starts}
    for round_number in range(rounds):
        for name, start in starts.items():
            with start() as server:
                answered = 0.0
                while answered < first:
                    answered += seconds * _load(server, seconds)["requests_per_s"]
                rows[name].append(_load(server, seconds))
            print(round_number, name, rows[name][-1], file=sys.stderr)  # noqa: T201
    medians = {
        name: {key: round(float(np.median([row[key] for row in of])), 2) for key in of[0]}
        for name, of in rows.items()
    }
    if "look-up" in rows:
        pairs = zip(rows["heed"], rows["look-up"], strict=True)
        ratio = np.median([ours["requests_per_s"] / theirs["requests_per_s"] for ours, theirs in pairs])
        return {"of_the_look_up": round(float(ratio), 3), **medians}
    return {**medians}


def _load(server: Server, seconds: int) -> dict[str, float]:
    """The figures of so many seconds of load."""
    before = _cpu(server.workers), _cpu(server.store)
    done = subprocess.run(  # noqa: S603
        [
            *("wrk", "-t2", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"),
            *("-s", str(server.script), f"http://127.0.0.1:{server.port}/"),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    workers, store = _cpu(server.workers) - before[0], _cpu(server.store) - before[1]
    found = re.search(r"(\d+) requests in", done)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    if found is None or refused is not None:
        sys.exit(f"Not all requests were answered:\n{done}")
    count = max(1, int(found[1]))
    return {
        "requests_per_s": _number(done, r"Requests/sec:\s+([\d.]+)"),
        "median_ms": _milliseconds(done, "50"),
        "p99_ms": _milliseconds(done, "99"),
        "cpu_of_workers_ms": 1000 * workers / count,
        "cpu_of_store_ms": 1000 * store / count,
        "memory_of_a_worker_mb": max(map(_memory, server.workers)),
    }


def _number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else float("nan")


def _milliseconds(text: str, percent: str) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)", text)
    if found is None:
        return float("nan")
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]]


def _cpu(processes: list[int]) -> float:
    """Seconds of the processor that processes of these ids, and none of their children, have used."""
    total = 0.0
    for process in processes:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / _TICK
    return total


def _memory(process: int) -> float:
    """Its own memory in MB, without what it shares."""
    rows = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("Private_")) / 1024


def _people(most: int) -> list[int]:
    from accounts.models import User

    people = User.objects.filter(interactions__isnull=False, is_staff=False).distinct().order_by("pk")
    ids = list(people.values_list("pk", flat=True)[:most])
    if not ids:
        sys.exit("There are no people with interactions. Import some first.")
    return ids


class _Start:
    """A server that can be started."""

    def __init__(self, command: list[str], folder: Path, environ: dict[str, str], script: Path) -> None:
        self._command, self._folder, self._environ, self._script = command, folder, environ, script

    @contextmanager
    def __call__(self) -> Iterator[Server]:
        port = _free_port()
        command = [word.replace("PORT", str(port)) for word in self._command]
        environ = {**os.environ, **self._environ, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(  # noqa: S603
            command, cwd=self._folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(port)
            server = Server(port, self._script, _children(process.pid), [])
            _load(server, 2)
            yield Server(port, self._script, server.workers, self._store(server.workers))
        finally:
            process.terminate()
            process.wait()

    def _store(self, workers: list[int]) -> list[int]:
        if "DATABASE_URL" in self._environ:
            from django.db import connection

            with connection.cursor() as cursor:
                cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
                return [pid for (pid,) in cursor.fetchall()]
        return [int(pid) for pid in subprocess.check_output(["pgrep", "-x", "redis-server"]).split()]  # noqa: S607


def _heed(folder: Path, people: list[int], script: Path) -> _Start:
    from accounts.models import User
    from accounts.services import issue_service_token

    app, _ = User.objects.get_or_create(username="benchmark-app")
    token = issue_service_token(user=app, may_act_for_others=True)
    _write_script(script, people, _ASK_HEED % (LIMIT, token))
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:PORT"]
    command += ["--workers", str(WORKERS), "--threads", "4", "--log-level", "critical"]
    environ = {
        "DATABASE_URL": os.environ["DATABASE_URL"],
        # As in production, where Django keeps no text of its queries.
        "DEBUG": "0",
        "SECRET_KEY": "only-for-this-benchmark-on-this-machine-0123456789abcdefghij",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "0",
        "RATE_LIMIT_FACTOR": "0",
        "LOG_LEVEL": "WARNING",
    }
    return _Start(command, folder, environ, script)


def _look_up(folder: Path, python: str, people: list[int], scratch: Path) -> _Start:
    """Its server over the factors of the active ALS model; Redis and the index are filled here."""
    from interactions.models import UserInteraction
    from ranking.registry.loading import NO_MODELS, load_models

    model = load_models("movie_home", NO_MODELS).by_kind["als"].model
    arrays = scratch / "factors.npz"
    rows = UserInteraction.objects.filter(user_id__in=people).values_list("user_id", "item_id")
    consumed: dict[int, list[int]] = {}
    place = {item_id: row for row, item_id in enumerate(model.item_ids.tolist())}
    for user_id, item_id in rows:
        if item_id in place:
            consumed.setdefault(user_id, []).append(place[item_id])
    # A look-up costs the same whatever the factors of a person are.
    factors = [model.item_factors[of].sum(axis=0) for of in consumed.values()]
    np.savez(arrays, people=[*consumed], factors=factors, items=model.item_ids)
    np.save(scratch / "items.npy", model.item_factors)
    (scratch / "consumed.json").write_text(json.dumps({str(k): v for k, v in consumed.items()}))
    fill = scratch / "fill.py"
    fill.write_text(_FILL)
    copied = scratch / "libserving"
    subprocess.run(["cp", "-r", str(folder / "libserving"), str(copied)], check=True)  # noqa: S603, S607
    subprocess.run([python, str(fill), str(scratch)], check=True)  # noqa: S603
    script = scratch / "look-up.lua"
    _write_script(script, sorted(consumed), _ASK_LOOK_UP % LIMIT)
    command = [python, "-m", "sanic", "libserving.sanic_serving.embed_deploy:app", "--host", "127.0.0.1"]
    command += ["--port", "PORT", "--workers", str(WORKERS), "--no-access-logs"]
    return _Start(command, scratch, {}, script)


# Fills what the look-up reads, in its own environment.
_FILL = """
import json, sys
import faiss, numpy as np, redis, ujson
scratch = sys.argv[1]
data, items = np.load(f"{scratch}/factors.npz"), np.load(f"{scratch}/items.npy").astype(np.float32)
consumed = json.load(open(f"{scratch}/consumed.json"))
r = redis.Redis(db=0)
for key in ("user2id", "id2item", "user_consumed", "user_embed"):
    r.delete(key)
pipe = r.pipeline()
for row, item in enumerate(data["items"].tolist()):
    pipe.hset("id2item", row, item)
for row, (person, factors) in enumerate(zip(data["people"].tolist(), data["factors"].tolist())):
    pipe.hset("user2id", person, row)
    pipe.hset("user_embed", row, ujson.dumps(factors))
    pipe.hset("user_consumed", row, ujson.dumps(consumed.get(str(person), [])))
pipe.execute()
index = faiss.IndexIVFFlat(faiss.IndexFlatIP(items.shape[1]), items.shape[1], 80, faiss.METRIC_INNER_PRODUCT)
index.train(items)
index.add(items)
index.nprobe = 10
faiss.write_index(index, f"{scratch}/libserving/faiss_index.bin")
"""


def _write_script(file: Path, people: list[int], ask: str) -> None:
    half = len(people) // 2
    file.write_text(_SCRIPT % {"people": ", ".join(map(str, people)), "half": half, "ask": ask})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    """Returns once the server answers, whatever it does."""
    for _ in range(600):
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except OSError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    sys.exit("A server did not start.")


def _children(process: int) -> list[int]:
    """The ids of the processes that the server started, and of itself."""
    found = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return [process, *map(int, found.stdout.split())]


if __name__ == "__main__":
    main()
