"""`manage.py import_sessions FILE`: lists shown elsewhere, and their outcome (docs/how-to/importing.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.commands import HeedCommand
from core.domain import DEFAULT_USE_CASE, USE_CASES
from imports.options import add_account_option, add_file_options, notation
from imports.sessions import SessionSummary, import_sessions
from imports.sources import count_lines


class Command(HeedCommand):
    help = (
        "Import lists shown elsewhere, with what was done, from FILE (CSV with a header, "
        "JSON Lines or Parquet). All or nothing; may be run again."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE, help="that of rows that name none"
        )
        add_file_options(parser)
        add_account_option(parser)

    def run(self, options: dict[str, Any]) -> SessionSummary:
        path = Path(options["file"])
        with self.progress(options, "import_sessions", total=count_lines(path)) as progress:
            return import_sessions(
                path=path,
                use_case=options["use_case"],
                notation=notation(options),
                max_errors=options["max_errors"],
                accounts=options["account"],
                progress=progress,
            )
