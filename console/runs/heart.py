"""Signs of life of a run, from a thread with a connection of its own: the run may be in a transaction."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, Self

import structlog
from django.db import connections
from django.utils import timezone

from console.models import Run
from console.runs.telling import LogTail, progress_of
from core.database import in_one_line
from core.runs import CommandRun

logger = structlog.stdlib.get_logger(__name__)

BEAT_SECONDS = 5.0
# A library may be deep in its own code; what is still there after so long is killed, which harms nothing.
GRACE_SECONDS = 30.0
EXIT_STOPPED = 128 + signal.SIGTERM
_LIVING = (Run.Status.RUNNING, Run.Status.LOST)


class Heart:
    """While its block runs it writes how far the run is, and ends the process where staff canceled it."""

    def __init__(self, run_id: int, command: CommandRun, log: LogTail, *, can_stop: bool) -> None:
        self._run_id, self._command, self._log, self._can_stop = run_id, command, log, can_stop
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"run {run_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join(timeout=GRACE_SECONDS)

    def _live(self) -> None:
        try:
            while not self._is_over.wait(BEAT_SECONDS):
                try:
                    is_canceled = self._beat()
                except Exception as error:
                    # The run itself may hold SQLite's only write lock: the next beat comes.
                    logger.debug("no sign of life", run=self._run_id, error=in_one_line(error))
                    continue
                if is_canceled and self._can_stop:
                    self._end_process()
        finally:
            connections.close_all()

    def _beat(self) -> bool:
        """Writes how far it is; True where it is to end."""
        done, share = progress_of(self._command.progress)
        run = Run.objects.filter(pk=self._run_id, status__in=_LIVING)
        run.update(
            status=Run.Status.RUNNING,
            done=done,
            share=share,
            log=self._log.text(),
            heard_at=timezone.now(),
            ended_at=None,
        )
        return run.exclude(canceled_at=None).exists()

    def _end_process(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        if not self._is_over.wait(GRACE_SECONDS):
            now = timezone.now()
            Run.objects.filter(pk=self._run_id).update(
                status=Run.Status.CANCELED, why="It did not stop by itself and was killed.", ended_at=now
            )
            os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def stoppable() -> Iterator[bool]:
    """Lets SIGTERM end the block by an exception, so that what is open is closed; yields whether it does.

    Only in a main thread that has not its own way with the signal.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield False
        return
    signal.signal(signal.SIGTERM, _stop)
    try:
        yield True
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    # One is enough: a second in the middle of tidying up would leave it undone.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(EXIT_STOPPED)
