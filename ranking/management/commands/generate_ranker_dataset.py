"""`manage.py generate_ranker_dataset`: the lists of one use case, slot by slot, as Parquet."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from core.commands import HeedCommand, non_negative
from core.domain import DEFAULT_USE_CASE, USE_CASES
from core.errors import InvalidInput
from ranking.datasets.bootstrap import BootstrapPlan
from ranking.datasets.bootstrap_dataset import generate_bootstrap_dataset
from ranking.datasets.event_log import GeneratedDataset
from ranking.datasets.ranker import generate_ranker_dataset
from ranking.management.engines import add_engine, engine_of
from ranking.management.options import number


class Command(HeedCommand):
    help = "Write the lists of a use case, and what was done with them, to Parquet, with a manifest."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument(
            "--bootstrap",
            action="store_true",
            help="where no lists were shown yet: make them up from the interactions",
        )
        parser.add_argument("--windows", type=number(int, 1, 100), default=BootstrapPlan().windows)
        parser.add_argument("--seed", type=non_negative, default=0)
        add_engine(parser)

    def run(self, options: dict[str, Any]) -> GeneratedDataset:
        with self.progress(options, "generate_ranker_dataset") as progress:
            use_case = USE_CASES[options["use_case"]]
            if not options["bootstrap"]:
                engine = engine_of(options["engine"])
                return generate_ranker_dataset(use_case=use_case, progress=progress, engine=engine)
            if options["engine"] != "local":
                raise InvalidInput("--bootstrap makes lists up in this process alone: leave --engine out.")
            plan = BootstrapPlan(windows=options["windows"])
            return generate_bootstrap_dataset(
                use_case=use_case, seed=options["seed"], progress=progress, plan=plan
            )

    def describe(self, summary: Mapping[str, Any]) -> str:
        # There may be thousands of ids: people are told how many, --json and the manifest name them.
        manifest = summary["manifest"]
        examples = len(manifest["negative_examples"])
        return super().describe({**summary, "manifest": {**manifest, "negative_examples": examples}})
