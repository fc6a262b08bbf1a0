"""`manage.py generate_two_tower_dataset`: interactions, and the person before each of them, as Parquet."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from core.commands import HeedCommand, non_negative
from core.domain import DEFAULT_USE_CASE, USE_CASES
from ranking.datasets.event_log import GeneratedDataset
from ranking.management.engines import add_engine, engine_of
from ranking.recommenders.two_tower.dataset.generate import generate_two_tower_dataset


class Command(HeedCommand):
    help = "Write the examples that a two-tower model learns from to Parquet, with a manifest."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument("--seed", type=non_negative, default=0, help="of the random negatives")
        add_engine(parser)

    def run(self, options: dict[str, Any]) -> GeneratedDataset:
        with self.progress(options, "generate_two_tower_dataset") as progress:
            return generate_two_tower_dataset(
                use_case=USE_CASES[options["use_case"]],
                seed=options["seed"],
                progress=progress,
                engine=engine_of(options["engine"]),
            )

    def describe(self, summary: Mapping[str, Any]) -> str:
        # There may be thousands of ids: people are told how many, --json and the manifest name them.
        manifest = summary["manifest"]
        examples = len(manifest["negative_examples"])
        return super().describe({**summary, "manifest": {**manifest, "negative_examples": examples}})
