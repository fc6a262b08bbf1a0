"""`manage.py activate_model [VERSION]`: puts a version into service."""

from argparse import ArgumentParser
from typing import Any

from core.commands import HeedCommand
from core.domain import DEFAULT_USE_CASE, USE_CASES
from ranking.kinds import LEARNING
from ranking.registry.versions import activate_version, find_version, newest_candidate


class Command(HeedCommand):
    help = "Put a model version into service; the one that served is archived. Workers follow in seconds."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("version", nargs="?", help="its label; the newest candidate if left out")
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument("--kind", choices=LEARNING, default=LEARNING[0])
        parser.add_argument("--why", default="activated by hand", help="kept with the version")

    def run(self, options: dict[str, Any]) -> dict[str, str]:
        if options["version"]:
            version = find_version(label=options["version"])
        else:
            version = newest_candidate(kind=options["kind"], use_case=options["use_case"])
        active = activate_version(version=version, why=options["why"])
        return {"active": active.label, "why": active.why}
