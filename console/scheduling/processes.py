"""The commands of a task, each in a process of its own, one after the other."""

import os
import subprocess
import sys
import threading

import structlog
from django.conf import settings

from console.scheduling.plan import Task
from core.commands import EXIT_LOCK_HELD

logger = structlog.stdlib.get_logger(__name__)

# Who is told to stop has so long, in seconds, before it is killed.
GRACE_SECONDS = 30.0


class RunningTask:
    """A task that runs in a thread, whose outcome is there once it is over."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.outcome = ""
        self._is_stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=task.name, daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """True once all commands ended, or one failed."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Tells the command that runs to stop, and starts none after it."""
        with self._changing:
            self._is_stopped.set()
            if self._process is not None:
                self._process.terminate()

    def wait_or_kill(self) -> None:
        """Waits for a task that was stopped, and kills what does not stop."""
        self._thread.join(GRACE_SECONDS)
        if not self.is_over and self._process is not None:
            self._process.kill()
            self._thread.join(GRACE_SECONDS)

    def _run(self) -> None:
        for line in self.task.lines:
            try:
                code = self._call(line)
            except OSError as error:
                self.outcome = f"{line[0]} could not be started: {error.strerror}."
                break
            if code is None:
                self.outcome = "It was stopped."
                break
            # Where another run is at the same work, what comes after it may still run.
            if code not in (0, EXIT_LOCK_HELD):
                self.outcome = f"{' '.join(line)} ended with {code}."
                break
            if code == EXIT_LOCK_HELD:
                self.outcome = f"{line[0]}: another run was on."
        logger.info("scheduled job ended", job=self.task.name, outcome=self.outcome or "done")

    def _call(self, line: tuple[str, ...]) -> int | None:
        """The exit code of a command; None where it was not started or was stopped."""
        with self._changing:
            if self._is_stopped.is_set():
                return None
            self._process = subprocess.Popen(  # noqa: S603  commands of ours, from heed.toml
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *line, "--quiet"],
                env={**os.environ, "HEED_RUN": "schedule"},
                cwd=settings.BASE_DIR,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        code = self._process.wait()
        return None if self._is_stopped.is_set() else code
