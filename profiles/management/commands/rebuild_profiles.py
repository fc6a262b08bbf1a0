"""`manage.py rebuild_profiles`: taste profiles made anew from the log (docs/explanation/taste.md)."""

from argparse import ArgumentParser
from typing import Any

from core.commands import HeedCommand
from profiles.services import Rebuilt, find_people, rebuild_profiles


class Command(HeedCommand):
    help = "Make taste profiles anew from the log, each from its last reset on. May be run at any time."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--user", action="append", default=[], help="only of this person; may be repeated"
        )

    def run(self, options: dict[str, Any]) -> Rebuilt:
        user_ids = find_people(options["user"])
        with self.progress(options, "rebuild_profiles", total=len(user_ids), unit="people") as progress:
            return rebuild_profiles(user_ids=user_ids, progress=progress)
