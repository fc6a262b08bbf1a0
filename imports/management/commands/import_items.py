"""`manage.py import_items FILE`: items from CSV or JSON Lines (docs/importing.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.commands import HeedCommand, non_negative
from core.domain import DEFAULT_KIND
from imports.items import ItemSummary, import_items
from imports.reading import FORMATS, count_lines


class Command(HeedCommand):
    help = "Import items from FILE (CSV with a header, or JSON Lines). All or nothing; may be run again."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--kind", default=DEFAULT_KIND, help="the kind of rows that name none")
        parser.add_argument(
            "--format", choices=sorted(set(FORMATS.values())), help="where the ending does not say"
        )
        parser.add_argument(
            "--max-errors", type=non_negative, default=0, help="how many bad rows to leave out"
        )

        parser.add_argument(
            "--list-separator",
            metavar="TEXT",
            help="what separates names in a cell; without it a vertical bar, or what the column shows",
        )

    def run(self, options: dict[str, Any]) -> ItemSummary:
        path = Path(options["file"])
        with self.progress(options, "import_items", total=count_lines(path)) as progress:
            return import_items(
                path=path,
                kind=options["kind"],
                file_format=options["format"],
                max_errors=options["max_errors"],
                list_separator=options["list_separator"],
                progress=progress,
            )
