"""`manage.py import_sessions FILE`: lists shown elsewhere and what was done with them (docs/importing.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.commands import HeedCommand, non_negative
from core.domain import DEFAULT_USE_CASE, USE_CASES
from imports.reading import FORMATS, count_lines
from imports.sessions import SessionSummary, import_sessions


class Command(HeedCommand):
    help = (
        "Import lists shown elsewhere, with what was done, from FILE (CSV with a header, or JSON Lines). "
        "All or nothing; may be run again."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE, help="that of rows that name none"
        )
        parser.add_argument(
            "--format", choices=sorted(set(FORMATS.values())), help="where the ending does not say"
        )
        parser.add_argument(
            "--max-errors", type=non_negative, default=0, help="how many bad rows to leave out"
        )

    def run(self, options: dict[str, Any]) -> SessionSummary:
        path = Path(options["file"])
        with self.progress(options, "import_sessions", total=count_lines(path)) as progress:
            return import_sessions(
                path=path,
                use_case=options["use_case"],
                file_format=options["format"],
                max_errors=options["max_errors"],
                progress=progress,
            )
