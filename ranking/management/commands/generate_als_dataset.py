"""`manage.py generate_als_dataset`: the weighted interactions of one use case as Parquet."""

from argparse import ArgumentParser
from typing import Any

from core.commands import HeedCommand
from core.domain import DEFAULT_USE_CASE, USE_CASES
from ranking.datasets.event_log import GeneratedDataset, generate_als_dataset
from ranking.management.engines import add_engine, engine_of


class Command(HeedCommand):
    help = "Write the weighted interactions of a use case to Parquet, with a manifest."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        add_engine(parser)

    def run(self, options: dict[str, Any]) -> GeneratedDataset:
        with self.progress(options, "generate_als_dataset") as progress:
            return generate_als_dataset(
                use_case=USE_CASES[options["use_case"]],
                progress=progress,
                engine=engine_of(options["engine"]),
            )
