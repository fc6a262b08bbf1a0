"""`manage.py import_items FILE`: items, from three formats (docs/how-to/importing.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.commands import HeedCommand
from core.domain import DEFAULT_KIND
from imports.items import ItemSummary, import_items
from imports.options import add_file_options, notation
from imports.sources import count_lines


class Command(HeedCommand):
    help = (
        "Import items from FILE (CSV with a header, JSON Lines or Parquet). All or nothing; may be run again."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--kind", default=DEFAULT_KIND, help="the kind of rows that name none")
        add_file_options(parser)

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
                notation=notation(options),
                max_errors=options["max_errors"],
                list_separator=options["list_separator"],
                progress=progress,
            )
