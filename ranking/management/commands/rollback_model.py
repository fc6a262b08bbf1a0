"""`manage.py rollback_model`: back to the version that served before.

A kind that a use case can do without and that has none before it is taken out of service.
"""

from argparse import ArgumentParser
from typing import Any

from core.commands import HeedCommand
from core.domain import DEFAULT_USE_CASE, USE_CASES
from ranking.kinds import LEARNING
from ranking.models import ModelVersion
from ranking.registry.versions import rollback_version


class Command(HeedCommand):
    help = (
        "Take the active version of a kind out of service and put the one before it back. Where there is "
        "none, a kind that lists can do without is taken out, and the others go on."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument("--kind", choices=LEARNING, default=LEARNING[0])
        parser.add_argument("--why", default="rolled back by hand", help="kept with both versions")

    def run(self, options: dict[str, Any]) -> dict[str, str | None]:
        version = rollback_version(kind=options["kind"], use_case=options["use_case"], why=options["why"])
        serves = version.status == ModelVersion.Status.ACTIVE
        return {"active": version.label if serves else None, "why": version.why}
