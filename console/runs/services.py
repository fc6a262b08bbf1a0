"""Runs that staff start and cancel, and the end of those that ended without a word."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from console.models import Run
from console.runs.places import lives_here, place
from core.errors import Conflict

Kind, Status = Run.Kind, Run.Status
# A run on another machine that was not heard for so long has ended.
SILENCE = timedelta(minutes=2)


def settle_lost_runs(now: datetime | None = None) -> int:
    """Notes of runs that ended without a word that they did; returns of how many.

    Here a process is looked for by its id and start, elsewhere by its last sign of life.
    """
    now = now or timezone.now()
    lost = []
    for run in Run.objects.filter(status__in=[Status.WAITING, Status.RUNNING]).defer("log", "figures"):
        is_silent = run.heard_at < now - SILENCE
        is_here = run.status == Status.RUNNING and run.place == place()
        if not lives_here(run.process) if is_here else is_silent:
            lost.append(run.pk)
    why = "Its process is gone and said nothing: killed, out of memory, or the machine went down."
    gone = Run.objects.filter(pk__in=lost, status__in=[Status.WAITING, Status.RUNNING])
    return gone.update(status=Status.LOST, why=why, ended_at=F("heard_at"))


def start_retraining(*, use_case: str, if_needed: bool, by: User) -> Run:
    """Starts `retrain` of a use case in a process of its own. Raises Conflict where one is on already."""
    given: dict[str, Any] = {"use_case": use_case, **({"if_needed": True} if if_needed else {})}
    return start_run(command="retrain", kind=Kind.RETRAINING, given=given, source=Run.Source.ADMIN, by=by)


def start_run(
    *, command: str, kind: Run.Kind, given: Mapping[str, Any], source: Run.Source, by: User | None = None
) -> Run:
    """Puts a run on record that waits, and starts a process for it. Raises Conflict where one is on."""
    settle_lost_runs()
    use_case, now = str(given.get("use_case", "")), timezone.now()
    same = Run.objects.filter(command=command, use_case=use_case)
    is_on = Conflict(f"{command} {use_case} is on already. Wait for it to end, or cancel it.")
    if same.filter(status__in=[Status.WAITING, Status.RUNNING]).exists():
        raise is_on
    try:
        with transaction.atomic():
            run = Run.objects.create(
                command=command,
                kind=kind,
                use_case=use_case,
                arguments=dict(given),
                source=source,
                started_by=by,
                status=Status.WAITING,
                asked_at=now,
                heard_at=now,
            )
    except IntegrityError as error:
        raise is_on from error
    if not is_scheduled():
        _start(run)
    return run


def is_scheduled() -> bool:
    """True while a schedule runs on this database: it starts what staff ask for, on its machine."""
    settle_lost_runs()
    return Run.objects.filter(command="schedule", status=Status.RUNNING).exists()


def start_waiting_runs() -> int:
    """Starts the runs that staff asked for and left to the schedule, which calls this; returns how many."""
    return sum(map(_start, Run.objects.filter(status=Status.WAITING, place="")))


def _start(run: Run) -> bool:
    """Starts the process of a run that waits, unless somebody else did; False then."""
    mine = Run.objects.filter(pk=run.pk, status=Status.WAITING, place="")
    if not mine.update(place=place(), heard_at=timezone.now()):
        return False
    run.refresh_from_db()
    try:
        _spawn(run)
    except OSError as error:
        run.status, run.ended_at = Status.FAILED, timezone.now()
        run.why = f"No process could be started: {error.strerror}."
        run.save(update_fields=["status", "ended_at", "why"])
    return True


def cancel_run(run: Run, *, by: User) -> None:
    """Asks a run to end, which it does within seconds. Raises Conflict where there is nothing to cancel."""
    now = timezone.now()
    mine: dict[str, Any] = {"canceled_at": now, "canceled_by": by}
    open_run = Run.objects.filter(pk=run.pk, canceled_at=None)
    if open_run.filter(status=Status.WAITING).update(
        **mine, status=Status.CANCELED, ended_at=now, why="It was canceled before it began."
    ):
        return
    if not open_run.filter(status=Status.RUNNING).update(**mine):
        raise Conflict("This run is over, or somebody canceled it already.")


def _spawn(run: Run) -> None:
    """Starts the process of a run that waits. It outlives the worker that started it."""
    words = [str(settings.BASE_DIR / "manage.py"), run.command]
    for name, value in run.arguments.items():
        option = f"--{name.replace('_', '-')}"
        words += [option] if value is True else [option, str(value)]
    process = subprocess.Popen(  # noqa: S603  a command of ours, with options that were chosen from a list
        [sys.executable, *words, "--quiet"],
        env={**os.environ, "HEED_RUN": str(run.pk)},
        cwd=settings.BASE_DIR,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    # A child that nobody waits for stays behind as a zombie.
    threading.Thread(target=process.wait, daemon=True).start()
