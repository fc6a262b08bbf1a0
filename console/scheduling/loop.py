"""The loop of the schedule: starts what is due, notes what came of it, and outlives errors."""

import threading
from datetime import datetime
from typing import Any

import structlog
from django.db import Error as DatabaseFailure
from django.db import close_old_connections, connection
from django.utils import timezone

from console.models import ScheduledJob
from console.runs.services import settle_lost_runs, start_waiting_runs
from console.scheduling.plan import Task
from console.scheduling.processes import RunningTask
from core.database import in_one_line
from ranking.registry.locks import training_lock

logger = structlog.stdlib.get_logger(__name__)

LOCK = "schedule"
# The loop looks this often, in seconds, also for runs that staff asked for.
TICK_SECONDS = 5.0


class Schedule:
    """Runs tasks when they are due, until it is stopped. One of a task at a time."""

    def __init__(self, tasks: list[Task], *, tick: float = TICK_SECONDS) -> None:
        self._tasks = tasks
        self._tick_seconds = tick
        self._is_stopped = threading.Event()
        self._running: dict[str, RunningTask] = {}
        self._due: dict[str, datetime] = {}
        self.started = 0

    def stop(self) -> None:
        """Ends the loop soon, from a signal or another thread."""
        self._is_stopped.set()

    def run(self) -> None:
        """Runs until it is stopped; raises LockHeld where another schedule runs on this database.

        Where the database goes away the lock goes with it, and both are taken again once it is back.
        """
        while not self._is_stopped.is_set():
            try:
                with training_lock(LOCK):
                    self._begin(timezone.now())
                    self._run_until_lost()
            except DatabaseFailure as error:
                logger.error("the schedule waits for the database", error=in_one_line(error))
                _renew_connection()
                self._is_stopped.wait(self._tick_seconds)
        self._end()

    def _run_until_lost(self) -> None:
        while not self._is_stopped.is_set():
            try:
                self.tick(timezone.now())
            except DatabaseFailure:
                raise
            except Exception:
                # One mistake must not be the end of all that runs at night.
                logger.exception("the schedule goes on after an error")
            self._is_stopped.wait(self._tick_seconds)

    def _begin(self, now: datetime) -> None:
        """Notes the tasks. One that was missed while nothing ran, however often, is due once."""
        ScheduledJob.objects.exclude(name__in=[task.name for task in self._tasks]).delete()
        for task in self._tasks:
            job, _ = ScheduledJob.objects.get_or_create(
                name=task.name, defaults={"at": task.at, "next_at": task.after(now)}
            )
            since = job.started_at if job.started_at is not None and job.at == task.at else now
            # A clock that was wrong may have dated it in the future.
            self._due[task.name] = task.after(min(since, now))
            self._note(task, at=task.at, runs=[" ".join(line) for line in task.lines])

    def tick(self, now: datetime) -> None:
        """Starts what is due and notes what is over."""
        _renew_connection()
        self._collect(now)
        for task in self._tasks:
            if (sooner := task.after(now)) < self._due[task.name]:
                # The clock was put back: nothing waits for a day that never was.
                self._due[task.name] = sooner
                self._note(task)
            if self._due[task.name] <= now:
                self._due[task.name] = task.after(now)
                self._start(task, now)
        settle_lost_runs(now)
        start_waiting_runs()

    def _start(self, task: Task, now: datetime) -> None:
        if task.name in self._running:
            self._note(task, outcome="It was due again before it was over, and left out.")
            return
        logger.info("scheduled job begins", job=task.name)
        self._running[task.name] = RunningTask(task)
        self.started += 1
        self._note(task, started_at=now, ended_at=None, outcome="")

    def _collect(self, now: datetime) -> None:
        for name, running in list(self._running.items()):
            if running.is_over:
                del self._running[name]
                self._note(running.task, ended_at=now, outcome=running.outcome or "Done.")

    def _note(self, task: Task, **values: Any) -> None:
        ScheduledJob.objects.filter(name=task.name).update(next_at=self._due[task.name], **values)

    def _end(self) -> None:
        for running in self._running.values():
            running.stop()
        for running in self._running.values():
            running.wait_or_kill()
        try:
            self._collect(timezone.now())
        except DatabaseFailure as error:
            logger.warning("the end of jobs is not on record", error=in_one_line(error))


def _renew_connection() -> None:
    """Drops a connection that the database ended; a transaction that somebody else opened keeps its own."""
    if not connection.in_atomic_block:
        close_old_connections()
