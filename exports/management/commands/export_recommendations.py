"""`manage.py export_recommendations FILE`: everybody's list at this moment (docs/how-to/exporting.md)."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from core.domain import DEFAULT_USE_CASE, USE_CASES
from exports.commands import ExportCommand
from exports.recommendations import COLUMNS, read_recommendations
from exports.writing import Written
from ranking.management.options import number
from serving.pipeline import DEFAULT_LIMIT, MAX_LIMIT


class Command(ExportCommand):
    help = "Export the list of every person at this moment to FILE. Nothing is recorded as shown."

    def add_options(self, parser: ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument(
            "--limit", type=number(int, 1, MAX_LIMIT), default=DEFAULT_LIMIT, help="items for each person"
        )

    def run(self, options: dict[str, Any]) -> Written:
        rows = read_recommendations(
            use_case=USE_CASES[options["use_case"]], limit=options["limit"], now=timezone.now()
        )
        return self.write("recommendations", rows, COLUMNS, options)
