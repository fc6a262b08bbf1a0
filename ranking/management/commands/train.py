"""`manage.py train KIND`: a new candidate of any kind that learns from the log of events."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from core.domain import DEFAULT_USE_CASE, USE_CASES
from core.errors import InvalidInput
from ranking.datasets.manifest import newest_dataset
from ranking.management.options import number
from ranking.management.training import TrainingCommand
from ranking.recommenders.event_training import train_on_events
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import TrainedVersion, event_trainer_of
from ranking.snapshot import read_snapshot


class Command(TrainingCommand):
    help = (
        "Train a kind that learns from events, evaluate it beside popularity, and register it as a candidate."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=TRAINED, help="as in ranking/recommenders/registry.py")
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument("--dataset", type=Path, help="its folder; the newest where left out")
        parser.add_argument(
            "--set",
            type=_pair,
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a hyper-parameter in place of its default; may be given several times",
        )
        parser.add_argument("--tune", type=number(int, 0, 10_000), default=0, metavar="N")
        parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0)

    def run(self, options: dict[str, Any]) -> TrainedVersion:
        use_case = USE_CASES[options["use_case"]]
        trainer = event_trainer_of(options["kind"], read_snapshot(use_case.name).content)
        if trainer is None:
            raise InvalidInput(f"{options['kind']} has a command of its own: train_{options['kind']}.")
        with self.progress(options, f"train {options['kind']}", unit="steps") as progress:
            return train_on_events(
                trainer,
                use_case=use_case,
                dataset=options["dataset"] or newest_dataset("als", use_case.name),
                chosen=dict(options["set"]),
                seed=options["seed"],
                tune=options["tune"],
                progress=progress,
            )


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ArgumentTypeError("must be NAME=VALUE")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value
