"""`manage.py load_demo`: a catalog, simulated people and a week of their evenings."""

import os
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from core.commands import HeedCommand, non_negative
from demo.loading import DemoSize, DemoSummary, load_demo


class Command(HeedCommand):
    help = "Fill an empty installation with the demo. Run again, it changes nothing. Only with DEBUG=1."

    def add_options(self, parser: ArgumentParser) -> None:
        default = DemoSize()
        parser.add_argument("--people", type=non_negative, default=default.people)
        parser.add_argument("--nights", type=non_negative, default=default.nights)
        parser.add_argument("--seed", type=non_negative, default=default.seed)

    def run(self, options: dict[str, Any]) -> DemoSummary:
        size = DemoSize(people=options["people"], nights=options["nights"], seed=options["seed"])
        address = os.environ.get("HEED_ADDRESS", "http://127.0.0.1:8000")
        with self.progress(options, "load_demo", unit="steps") as progress:
            return load_demo(size=size, address=address, progress=progress)

    def describe(self, summary: Mapping[str, Any]) -> str:
        state = "The demo is loaded" if summary["changed"] else "The demo was loaded before; nothing changed"
        nights = f"{summary['nights']} night{'s' * (summary['nights'] != 1)}"
        holds = f"{summary['items']} items, {summary['people']} simulated people, {nights}"
        accounts = " or ".join(summary["accounts"])
        return f"{state}: {holds}.\nOpen {summary['address']} and log in as {accounts}."
