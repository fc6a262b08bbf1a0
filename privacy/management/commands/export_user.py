"""`manage.py export_user USER`: all on record about a person, as JSON (docs/explanation/privacy.md)."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.commands import HeedCommand
from privacy.export import export_person, save_export
from privacy.selectors import find_person


class Command(HeedCommand):
    is_for_its_output = True
    help = "Print everything on record about USER as one JSON document, or write it to a file."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="the username")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write it here instead of printing it")

    def run(self, options: dict[str, Any]) -> dict[str, Any]:
        person = find_person(options["user"])
        if options["out"] is not None:
            length = save_export(person, options["out"])
            return {"user": person.username, "file": str(options["out"]), "bytes": length}
        for piece in export_person(person):
            self.stdout.write(piece, ending="")
        return {}

    def answer(self, result: object, options: Mapping[str, Any]) -> str:
        # The answer was printed already; this ends its last line.
        return super().answer(result, options) if options["out"] is not None else ""
