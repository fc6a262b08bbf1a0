"""`manage.py retrain`: new models from the feedback so far, live only where they are better."""

import time
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import close_old_connections

from core.announcements import RETRAIN_ENDED, RETRAIN_FAILED, announce
from core.commands import HeedCommand, non_negative, sentence_of
from core.domain import DEFAULT_USE_CASE, USE_CASES
from core.errors import LockHeld
from ranking.management.options import number
from ranking.retraining.publishing import RetrainSummary
from ranking.retraining.retrain import retrain


class Command(HeedCommand):
    help = (
        "Train every kind that the use case lists, compare it with the active versions on what came since "
        "these learned, and put into service what is better. For cron: --if-needed."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument(
            "--if-needed", action="store_true", help="only if enough feedback waits or the model is old"
        )
        parser.add_argument(
            "--watch", type=non_negative, metavar="SECONDS", help="try again every so many seconds, for ever"
        )
        parser.add_argument(
            "--tune-seconds",
            type=number(float, 0, 86_400),
            help="search for better hyper-parameters for so long, in all; RETRAIN_TUNE_SECONDS if left out",
        )
        parser.add_argument("--seed", type=non_negative, default=0)

    def run(self, options: dict[str, Any]) -> RetrainSummary:
        if options["watch"] is None:
            return self._once(options, if_needed=options["if_needed"])
        told = ""
        while True:
            told = self._try_once(options, told)
            time.sleep(max(1, options["watch"]))

    def _try_once(self, options: dict[str, Any], told: str) -> str:
        """One run of `--watch`: says what is new and returns it; what goes wrong ends no watch."""
        close_old_connections()
        try:
            result = self._once(options, if_needed=True)
            answer = self.answer(result, options)
        except Exception as error:
            failure = sentence_of(error)
            if failure is None:
                raise
            answer = failure
            self.stderr.write(answer)
        else:
            if answer != told:
                self.tell(result, options)
        return answer

    def _once(self, options: dict[str, Any], *, if_needed: bool) -> RetrainSummary:
        asked, use_case = options["tune_seconds"], options["use_case"]
        try:
            with self.progress(options, "retrain", unit="steps") as progress:
                return retrain(
                    use_case=USE_CASES[use_case],
                    if_needed=if_needed,
                    seed=options["seed"],
                    progress=progress,
                    tune_seconds=settings.RETRAIN_TUNE_SECONDS if asked is None else asked,
                )
        except LockHeld:
            raise
        except Exception as error:
            _tell_of_failure(error, use_case)
            raise
        finally:
            _announce(RETRAIN_ENDED, {"use_case": use_case})


def _tell_of_failure(error: Exception, use_case: str) -> None:
    """Announces that a run failed."""
    why = sentence_of(error) or f"It ended with {type(error).__name__}; the log says more."
    _announce(RETRAIN_FAILED, {"use_case": use_case, "why": why})


def _announce(event: str, values: dict[str, str]) -> None:
    """Announces an event. Where the database is away for that too, the run's own error is the one to show."""
    with suppress(DatabaseFailure):
        announce(event, values)
