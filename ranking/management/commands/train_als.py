"""`manage.py train_als`: a new ALS candidate from the newest dataset."""

from argparse import ArgumentParser
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from core.domain import DEFAULT_USE_CASE, USE_CASES
from ranking.datasets.manifest import newest_dataset
from ranking.management.options import number
from ranking.management.training import TrainingCommand
from ranking.recommenders.als.model import NO_FADING, AlsParameters, Confidence
from ranking.recommenders.als.train import TRAINER, AlsTrainer
from ranking.recommenders.event_training import train_on_events
from ranking.recommenders.training import TrainedVersion

PARAMETERS = tuple(field.name for field in fields(AlsParameters))


class Command(TrainingCommand):
    help = (
        "Train ALS on a dataset, evaluate it against popularity and random, and register it as a candidate."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        default = AlsParameters()
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument("--dataset", type=Path, help="its folder; the newest where left out")
        parser.add_argument(
            "--factors", type=number(int, 1, 1024), help="by the rule of docs/research/als.md if left out"
        )
        parser.add_argument(
            "--regularization",
            type=number(float, 1e-9, 1e9),
            help="by the rule of docs/research/als.md if left out",
        )
        parser.add_argument(
            "--alpha", type=number(float, 1e-9, 1e6), help="by the rule of docs/research/als.md if left out"
        )
        parser.add_argument(
            "--confidence",
            choices=get_args(Confidence),
            help="its form; if left out, the damped one unless the plain one is clearly better",
        )
        parser.add_argument("--iterations", type=number(int, 1, 1000), default=default.iterations)
        parser.add_argument("--negatives", choices=["keep", "drop"], default=default.negatives)
        parser.add_argument("--negative-scale", type=number(float, 0, 1e6), default=default.negative_scale)
        parser.add_argument(
            "--half-life-days",
            type=number(float, 1e-3, NO_FADING),
            default=default.half_life_days,
            help=f"the age at which an interaction counts half in training; {NO_FADING:g} for no fading",
        )
        parser.add_argument(
            "--engine",
            choices=["local", "spark"],
            default="local",
            help="this machine, or Spark at SPARK_MASTER (docs/how-to/several-machines.md)",
        )
        parser.add_argument("--tune", type=number(int, 0, 10_000), default=0, metavar="N")
        parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0)

    def run(self, options: dict[str, Any]) -> TrainedVersion:
        use_case = USE_CASES[options["use_case"]]
        chosen = {name: options[name] for name in PARAMETERS}
        with self.progress(options, "train_als", unit="iterations") as progress:
            return train_on_events(
                trainer_of(options["engine"]),
                use_case=use_case,
                dataset=options["dataset"] or newest_dataset("als", use_case.name),
                chosen=chosen,
                seed=options["seed"],
                tune=options["tune"],
                progress=progress,
            )


def trainer_of(engine: str) -> AlsTrainer:
    """ALS as solved by this engine."""
    if engine == "local":
        return TRAINER
    # It needs requirements-spark.txt.
    from ranking.recommenders.als.by_spark import solve_by_spark

    return AlsTrainer(engine, solve_by_spark)
