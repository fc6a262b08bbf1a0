"""`manage.py import_movielens DIR`: a MovieLens folder (docs/how-to/importing.md)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from core.commands import HeedCommand, non_negative
from imports.movielens import MovieLensSummary, count_rows, import_movielens


class Command(HeedCommand):
    help = "Import films and ratings of a MovieLens folder. All or nothing; may be run again."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "dir",
            type=Path,
            help="holds movies.csv and ratings.csv, or movies.dat and ratings.dat, or u.item and u.data",
        )
        parser.add_argument(
            "--metadata", type=Path, help="JSON with cast, director, tags, overview, release date"
        )
        parser.add_argument(
            "--max-errors", type=non_negative, default=0, help="how many bad rows to leave out"
        )

    def run(self, options: dict[str, Any]) -> MovieLensSummary:
        folder = Path(options["dir"])
        metadata = options["metadata"]
        with self.progress(options, "import_movielens", total=count_rows(folder)) as progress:
            return import_movielens(
                folder=folder,
                metadata=None if metadata is None else Path(metadata),
                max_errors=options["max_errors"],
                progress=progress,
            )
