"""`manage.py train_two_tower`: a new two-tower candidate from the newest dataset. Needs PyTorch."""

from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.domain import DEFAULT_USE_CASE, USE_CASES
from core.errors import InvalidInput
from ranking.datasets.manifest import newest_dataset
from ranking.management.options import number
from ranking.management.training import TrainingCommand
from ranking.recommenders.als.model import NO_FADING
from ranking.recommenders.training import TrainedVersion
from ranking.recommenders.two_tower.data import TwoTowerParameters
from ranking.recommenders.two_tower.train import require_torch, train_two_tower

# TwoTowerParameters describes each. Only those that stand here are options.
PARAMETERS = {
    "dimensions": number(int, 1, 1024),
    "hidden": number(int, 1, 8192),
    "epochs": number(int, 1, 10_000),
    "batch_size": number(int, 1, 10**6),
    "learning_rate": number(float, 1e-7, 1),
    "temperature": number(float, 1e-3, 10),
    "patience": number(int, 1, 10_000),
    "hard_negative_weight": number(float, 0, 1e6),
    "uniform_negatives": number(int, 0, 10**6),
    "id_dropout": number(float, 0, 0.99),
    "history_dropout": number(float, 0, 1),
    "half_life_days": number(float, 1e-3, NO_FADING),
    "demand_half_life_days": number(float, 1e-3, NO_FADING),
}


class Command(TrainingCommand):
    help = "Train a two-tower model on a dataset, evaluate it beside ALS and popularity, and register it."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument("--dataset", type=Path, help="its folder; the newest where left out")
        for name, kind in PARAMETERS.items():
            default = getattr(TwoTowerParameters(), name)
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default)
        parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0)
        parser.epilog = "What each option means: docs/research/two-tower.md."

    def run(self, options: dict[str, Any]) -> TrainedVersion:
        require_torch()
        use_case = USE_CASES[options["use_case"]]
        try:
            parameters = replace(TwoTowerParameters(), **{name: options[name] for name in PARAMETERS})
        except ValueError as error:
            raise InvalidInput(str(error)) from error
        with self.progress(options, "train_two_tower", unit="epochs") as progress:
            return train_two_tower(
                use_case=use_case,
                dataset=options["dataset"] or newest_dataset("two_tower", use_case.name),
                parameters=parameters,
                seed=options["seed"],
                progress=progress,
            )
