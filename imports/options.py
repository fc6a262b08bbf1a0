"""Options that the commands for single files share."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from typing import Any

from core.commands import non_negative
from imports.reading import FORMATS
from imports.rows import Notation

_NAMED = {"tab": "\t", "\\t": "\t"}


def add_file_options(parser: ArgumentParser) -> None:
    """Adds what `notation` reads, and `--max-errors`."""
    parser.add_argument(
        "--format", choices=sorted(set(FORMATS.values())), help="where the ending does not say"
    )
    parser.add_argument(
        "--delimiter", help="what separates cells of CSV, such as ; or tab; without it the header shows it"
    )
    parser.add_argument(
        "--map",
        action="append",
        type=_pair,
        default=[],
        metavar="THEIRS=OURS",
        help="our name of a column; may be given again. An empty one leaves the column out",
    )
    parser.add_argument("--max-errors", type=non_negative, default=0, help="how many bad rows to leave out")


def notation(options: Mapping[str, Any]) -> Notation:
    """The notation of a file as the options have it."""
    delimiter = options["delimiter"]
    return Notation(options["format"], _NAMED.get(delimiter, delimiter), dict(options["map"]))


def _pair(text: str) -> tuple[str, str]:
    theirs, equals, ours = text.rpartition("=")
    if not equals:
        raise ArgumentTypeError(f"{text!r} is not of the form theirs=ours")
    return theirs, ours


def add_account_option(parser: ArgumentParser) -> None:
    """The option that names people who log in and to whom the file may add."""
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="NAME",
        help="may add to NAME, who logs in here with a password; may be given again",
    )
