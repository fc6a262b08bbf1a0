"""`manage.py retrain`: new models from the feedback so far, live only where they are better."""

import time
from argparse import ArgumentParser
from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections

from core.commands import HeedCommand, non_negative
from core.domain import DEFAULT_USE_CASE, USE_CASES
from core.errors import HeedError
from ranking.retraining.retrain import RetrainSummary, retrain


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
        except HeedError as error:
            answer = error.message
            self.stderr.write(answer)
        except (OperationalError, InterfaceError) as error:
            answer = f"The database refused or went away: {str(error).strip()}"
            self.stderr.write(answer)
        else:
            if answer != told:
                self.tell(result, options)
        return answer

    def _once(self, options: dict[str, Any], *, if_needed: bool) -> RetrainSummary:
        with self.progress(options, "retrain", unit="steps") as progress:
            return retrain(
                use_case=USE_CASES[options["use_case"]],
                if_needed=if_needed,
                seed=options["seed"],
                progress=progress,
            )
