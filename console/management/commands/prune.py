"""`manage.py prune`: removes what is past its use."""

from argparse import ArgumentParser
from typing import Any

from django.utils import timezone

from console.pruning import prune
from console.pruning.summary import Pruned
from core.commands import HeedCommand


class Command(HeedCommand):
    help = (
        "Remove what is past its use, by the PRUNE_ settings: answers kept for repeats, lists, logins, runs, "
        "datasets, model files that never served, and reports."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be removed")

    def run(self, options: dict[str, Any]) -> Pruned:
        return prune(now=timezone.now(), dry_run=options["dry_run"])
