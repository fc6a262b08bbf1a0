"""`manage.py import_interactions FILE`: interactions, from three formats (docs/how-to/importing.md)."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from core.commands import HeedCommand
from core.domain import DEFAULT_KIND, MAX_RATING
from imports.interaction_rows import RatingScale
from imports.interactions import InteractionSummary, import_interactions
from imports.options import add_account_option, add_file_options, notation
from imports.sources import count_lines


class Command(HeedCommand):
    help = (
        "Import interactions from FILE (CSV with a header, JSON Lines or Parquet). "
        "All or nothing; may be run again."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--kind", default=DEFAULT_KIND, help="the item kind of rows that name none")
        add_file_options(parser)
        add_account_option(parser)
        parser.add_argument(
            "--rating-scale", type=_scale, default=(0.0, MAX_RATING), metavar="LOW-HIGH", help="such as 1-5"
        )
        parser.add_argument(
            "--unrated", type=float, metavar="N", help="the rating that says that there is none"
        )

    def run(self, options: dict[str, Any]) -> InteractionSummary:
        path = Path(options["file"])
        low, high = options["rating_scale"]
        with self.progress(options, "import_interactions", total=count_lines(path)) as progress:
            return import_interactions(
                path=path,
                kind=options["kind"],
                notation=notation(options),
                scale=RatingScale(low, high, options["unrated"]),
                max_errors=options["max_errors"],
                accounts=options["account"],
                progress=progress,
            )


def _scale(text: str) -> tuple[float, float]:
    match = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?)-(-?[0-9]+(?:\.[0-9]+)?)", text)
    if match is None or float(match[1]) >= float(match[2]):
        raise ArgumentTypeError(f"{text!r} is not a scale from low to high, such as 1-5")
    return float(match[1]), float(match[2])
