"""`manage.py train_ranker`: a new ranker candidate from the newest dataset."""

from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.domain import DEFAULT_USE_CASE, USE_CASES
from ranking.datasets.manifest import newest_dataset
from ranking.management.options import number
from ranking.management.training import TrainingCommand
from ranking.recommenders.ranker.engine import LOCAL, Engine
from ranking.recommenders.ranker.model import BASE_MARGINS, DEBIASES, RankerParameters
from ranking.recommenders.ranker.train import train_ranker
from ranking.recommenders.training import TrainedVersion

PARAMETERS = tuple(field.name for field in fields(RankerParameters))


class Command(TrainingCommand):
    help = "Train LambdaRank on the lists that were shown, evaluate it on the last of them, and register it."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument("--dataset", type=Path, help="its folder; the newest where left out")
        parser.add_argument(
            "--debias",
            choices=DEBIASES,
            help="how the falling chance of being examined is corrected for (docs/research/position-bias.md)",
        )
        parser.add_argument("--ips-clip", type=number(float, 1, 1e6))
        parser.add_argument(
            "--base-margin",
            "--teacher",
            dest="base_margin",
            choices=BASE_MARGINS,
            help="whether trees correct the retrieval score, see it as a feature, or do not know it",
        )
        parser.add_argument("--num-leaves", type=number(int, 2, 4096))
        parser.add_argument("--learning-rate", type=number(float, 1e-4, 1))
        parser.add_argument("--rounds", type=number(int, 1, 10_000))
        parser.add_argument("--early-stopping", type=number(int, 0, 10_000), help="0 for never")
        parser.add_argument("--min-data-in-leaf", type=number(int, 1, 10**6))
        parser.add_argument("--lambda-l2", type=number(float, 0, 1e6))
        parser.add_argument("--feature-fraction", type=number(float, 0.01, 1))
        parser.add_argument(
            "--engine",
            choices=["local", "dask"],
            default="local",
            help="this process, or Dask at DASK_SCHEDULER (docs/how-to/several-machines.md)",
        )
        parser.add_argument("--tune", type=number(int, 0, 10_000), default=0, metavar="N")
        parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0)
        parser.epilog = "Defaults are as measured best for such a dataset (docs/research/position-bias.md)."

    def run(self, options: dict[str, Any]) -> TrainedVersion:
        use_case = USE_CASES[options["use_case"]]
        given = {name: options[name] for name in PARAMETERS if options[name] is not None}
        with self.progress(options, "train_ranker", unit="rounds") as progress:
            return train_ranker(
                use_case=use_case,
                dataset=options["dataset"] or newest_dataset("ranker", use_case.name),
                given=given,
                seed=options["seed"],
                tune=options["tune"],
                progress=progress,
                engine=engine_of(options["engine"]),
            )


def engine_of(name: str) -> Engine:
    """The engine of this name. Raises InvalidInput where it is not installed."""
    if name == LOCAL.name:
        return LOCAL
    # It needs requirements-dask.txt.
    from ranking.recommenders.ranker.by_dask import dask_engine

    return dask_engine()
