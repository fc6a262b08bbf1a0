"""The schedule as jobs: what runs when, and when each is due next."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cronsim import CronSim
from django.conf import settings
from django.core.management import get_commands

from core.domain import DOMAIN, USE_CASES
from core.domain.schema import Job
from core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Task:
    """A job with its command lines, which run one after the other until one fails."""

    name: str
    at: str
    lines: tuple[tuple[str, ...], ...]

    def after(self, moment: datetime) -> datetime:
        """The first time after a moment at which it is due."""
        return next(CronSim(self.at, moment))


def tasks(jobs: Sequence[Job] | None = None) -> list[Task]:
    """All jobs of heed.toml. Raises InvalidInput for one that calls a command there is not."""
    return [_task(job) for job in (DOMAIN.schedule.values() if jobs is None else jobs)]


def _task(job: Job) -> Task:
    lines = []
    for text in job.run:
        words = tuple(shlex.split(text))
        if not words or not _is_ours(words[0]):
            raise InvalidInput(f"schedule.{job.name}.run: there is no command of Heed's {text!r}.")
        if job.each_use_case:
            lines += [(*words, "--use-case", name) for name in USE_CASES]
        else:
            lines.append(words)
    return Task(job.name, job.at, tuple(lines))


def _is_ours(command: str) -> bool:
    # Ours all take what the schedule adds; Django's do not.
    app = get_commands().get(command)
    return isinstance(app, str) and (settings.BASE_DIR / app).is_dir()
