"""`manage.py schedule`: the jobs of heed.toml at their times, in one process, without cron."""

import signal
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from django.utils import timezone

from console.scheduling.loop import Schedule
from console.scheduling.plan import tasks
from core.commands import HeedCommand


@dataclass(frozen=True, slots=True)
class ScheduleSummary:
    """The number of jobs that were started until it was stopped."""

    started: int


class Command(HeedCommand):
    help = "Run the jobs of [schedule] in heed.toml at their times until SIGTERM. One on a database."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--next", action="store_true", help="only say when each job is due next")

    def run(self, options: dict[str, Any]) -> ScheduleSummary | dict[str, str]:
        if options["next"]:
            now = timezone.now()
            return {task.name: task.after(now).isoformat(timespec="minutes") for task in tasks()}
        schedule = Schedule(tasks())
        with _stopped_by_signals(schedule):
            schedule.run()
        return ScheduleSummary(schedule.started)


@contextmanager
def _stopped_by_signals(schedule: Schedule) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        schedule.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
