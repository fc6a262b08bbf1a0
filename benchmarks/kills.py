"""Kills `retrain` at random moments and looks at what is left: always one whole active model of each kind.

    python benchmarks/kills.py [--kills 20] [--seed 1] [--database postgres://…/EMPTY] [--json FILE]

Without --database a SQLite file of its own. Every other kill comes at a moment drawn from the whole run, the
rest at one drawn from publication, from the first model file to the end of the transaction. The gate is wide
open, so that every run that comes to its end puts models into service.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
USE_CASE = "movie_home"
PEOPLE = 60
NIGHTS = 3
COMMAND = [sys.executable, "manage.py", "retrain", "--quiet", "--json"]
LOCK_WITHIN = 5.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DEBUG="1",
            LOG_LEVEL="ERROR",
            DATABASE_URL=options.database or f"sqlite:///{folder}/kills.sqlite3",
            MODEL_DIR=f"{folder}/models",
            DATASET_DIR=f"{folder}/datasets",
            LOCK_DIR=f"{folder}/locks",
            GATE_MARGIN="-1",
            GATE_MIN_PEOPLE="1",
            DJANGO_SETTINGS_MODULE="config.settings",
        )
        import django

        django.setup()
        result = kill_again_and_again(options.kills, np.random.default_rng(options.seed))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    sys.stdout.write(as_table(result) + "\n")
    if result["failures"]:
        sys.exit(1)


def kill_again_and_again(kills: int, rng: np.random.Generator) -> dict[str, Any]:
    """One undisturbed run to measure, then the kills, then one that must come to its end."""
    prepare(rng)
    measured, start, length = measured_run()
    seconds = measured
    rows: list[dict[str, Any]] = []
    for number in range(kills):
        at_publication = number % 2 == 1
        before = state()
        while True:
            if at_publication:
                killed = run_and_kill(publishing_for=float(rng.uniform(0, 1.2 * length)))
            else:
                killed = run_and_kill(after=float(rng.uniform(0, seconds)))
            if killed:
                break
            before = state()
            # It was faster than the measured one, and had come to its end before.
            if not at_publication:
                seconds *= 0.9
        rows.append(
            {
                "at": "publication" if at_publication else "any moment",
                "lock_seconds": seconds_until_the_lock(),
                "wrong": wrongs(),
                "committed": state() != before,
                "active": state(),
            }
        )
        sys.stderr.write(f"{number + 1}: {rows[-1]}\n")
    last = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    wrong = wrongs() + orphans()
    if last.returncode:
        wrong.append(f"the last run ended with {last.returncode}: {last.stderr.strip()[-500:]}")
    slow = [row for row in rows if row["lock_seconds"] is None]
    return {
        "database": connection_vendor(),
        "run_seconds": measured,
        "publication_seconds": [start, start + length],
        "kills": rows,
        "last_run": json.loads(last.stdout or "{}"),
        "wrong_at_the_end": wrong,
        "failures": len(wrong) + len(slow) + sum(len(row["wrong"]) for row in rows),
    }


def prepare(rng: np.random.Generator, count: int = PEOPLE) -> None:
    """Simulated people, a first ALS model, and some evenings since it was trained."""
    from django.core.management import call_command
    from django.utils import timezone

    from core.domain import USE_CASES
    from core.progress import Progress
    from demo import loading
    from demo.nights import simulate_visits
    from demo.people import invent_tastes
    from serving.live import forget_state

    call_command("migrate", verbosity=0)
    quiet, use_case = Progress(quiet=True), USE_CASES[USE_CASE]
    loading.load_catalog(quiet)
    people = loading.make_people(count)
    tastes = invent_tastes(use_case.kind, people=len(people), rng=rng)
    first = timezone.now() - timedelta(days=NIGHTS)
    loading.bring_history(people, use_case.kind, tastes, first, rng)
    loading.train_and_activate(use_case, first, 0, quiet)
    forget_state()
    for night in range(NIGHTS):
        visits = list(loading.visits_of(people, use_case, first + timedelta(days=night), rng))
        simulate_visits(visits, use_case, tastes, rng)


def measured_run() -> tuple[float, float, float]:
    """The length of an undisturbed run, the start and the length of its publication, in seconds."""
    started = time.monotonic()
    process = subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
    begun = ended = 0.0
    while process.poll() is None:
        now = time.monotonic() - started
        if note_of_a_run() is not None:
            begun = begun or now
            ended = now
        time.sleep(0.0005)
    if process.returncode:
        sys.exit(f"The first run ended with {process.returncode}.")
    return time.monotonic() - started, begun, max(ended - begun, 0.005)


def run_and_kill(*, after: float | None = None, publishing_for: float = 0.0) -> bool:
    """Starts a run and kills it after some seconds, or when it has been publishing for some.

    Whether the kill came before its end.
    """
    left = note_of_a_run()
    process = subprocess.Popen(  # noqa: S603
        COMMAND, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if after is None:
        while process.poll() is None and note_of_a_run() in (None, left):
            time.sleep(0.0005)
        after = publishing_for
    time.sleep(after)
    process.kill()
    return process.wait() == -signal.SIGKILL


def note_of_a_run() -> int | None:
    """The time of the note that lies there while a run publishes, and after it was killed then."""
    from ranking.retraining.cleanup import note_path

    try:
        return note_path(USE_CASE).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def seconds_until_the_lock() -> float | None:
    """The time until the lock of the killed run is free; None where it takes longer than allowed."""
    from core.errors import LockHeld
    from ranking.registry.locks import training_lock

    started = time.monotonic()
    while time.monotonic() - started < LOCK_WITHIN:
        try:
            with training_lock("retrain"):
                return time.monotonic() - started
        except LockHeld:
            time.sleep(0.01)
    return None


def wrongs() -> list[str]:
    """Broken invariants, in words: none where every kind has one whole active version or never had any."""
    from django.db import close_old_connections

    from feedback.models import NegativeTrainingExample
    from ranking.models import ExampleUse, ModelVersion
    from ranking.recommenders.registry import TRAINED
    from ranking.registry.loading import load_models
    from ranking.registry.versions import ModelFileError, read_verified

    close_old_connections()
    versions = ModelVersion.objects.filter(use_case=USE_CASE)
    found = []
    for kind in TRAINED:
        active = versions.filter(kind=kind, status=ModelVersion.Status.ACTIVE).count()
        ever = versions.filter(kind=kind).exclude(activated_at=None).exists()
        if active != int(ever):
            found.append(f"{active} active versions of {kind}")
    for version in versions:
        try:
            read_verified(version)
        except ModelFileError as error:
            found.append(error.message)
    if candidates := versions.filter(status=ModelVersion.Status.CANDIDATE).count():
        found.append(f"{candidates} candidates that no run will finish")
    if problem := load_models(USE_CASE).problem:
        found.append(problem)
    used = set(NegativeTrainingExample.objects.filter(used_in_training=True).values_list("pk", flat=True))
    if used != set(ExampleUse.objects.values_list("example_id", flat=True)):
        found.append("examples are marked as used that no version used, or the other way round")
    return found


def orphans() -> list[str]:
    """Files that belong to no version."""
    from django.conf import settings

    from ranking.models import ModelVersion

    named = set(ModelVersion.objects.values_list("file", flat=True))
    return [f"{path.name} is left" for path in Path(settings.MODEL_DIR).iterdir() if path.name not in named]


def state() -> list[str]:
    """The versions that serve."""
    from ranking.models import ModelVersion

    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE, use_case=USE_CASE)
    return sorted(version.label for version in active)


def connection_vendor() -> str:
    from django.db import connection

    return connection.vendor


def as_table(result: dict[str, Any]) -> str:
    """A line for each sort of kill, and the end."""
    lines = ["| database | kills | committed before | lock free again | something wrong |", "|---" * 5 + "|"]
    for sort in ("any moment", "publication"):
        rows = [row for row in result["kills"] if row["at"] == sort]
        if not rows:
            continue
        waits = [row["lock_seconds"] for row in rows if row["lock_seconds"] is not None]
        committed = sum(row["committed"] for row in rows)
        wrong = sum(bool(row["wrong"]) or row["lock_seconds"] is None for row in rows)
        longest = f"within {max(waits) * 1000:.0f} ms" if waits else "never"
        lines.append(f"| {result['database']} | {len(rows)} at {sort} | {committed} | {longest} | {wrong} |")
    begin, end = result["publication_seconds"]
    lines.append(
        f"A run takes {result['run_seconds']:.1f} s and publishes from {begin:.2f} to {end:.2f} s. "
        f"Wrong after the last run: {'; '.join(result['wrong_at_the_end']) or 'nothing'}."
    )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
