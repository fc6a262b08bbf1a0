"""`manage.py measure_responsiveness`: what each way to say no is worth, tried and logged."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from typing import Any

from core.charts import NOTHING
from core.commands import HeedCommand
from core.domain import DEFAULT_USE_CASE, USE_CASES
from experiments.responsiveness.measure import measure_responsiveness
from experiments.responsiveness.report import as_json
from ranking.management.options import number

MOST_DAYS = 3_650


def days_after(text: str) -> tuple[int, ...]:
    """An argument's type: whole numbers of days with commas between them."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= MOST_DAYS for part in parts):
        raise ArgumentTypeError(f"{text!r} is not a list of days from 1 to {MOST_DAYS}, such as 1,7,30")
    return tuple(int(part) for part in parts)


class Command(HeedCommand):
    help = (
        "Measure what one no keeps out of lists, by form and reason, how many clear a topic and how much "
        "comes back later. Tried on people in transactions that are taken back; the report is stored."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument(
            "--people", type=number(int, 1, 10_000), default=60, metavar="N", help="so many, drawn by chance"
        )
        parser.add_argument(
            "--days",
            type=days_after,
            default="1,7,30,90",
            metavar="LIST",
            help="how long after the no to look again",
        )
        parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0)

    def run(self, options: dict[str, Any]) -> dict[str, Any]:
        with self.progress(options, "measure_responsiveness", unit="people") as progress:
            report = measure_responsiveness(
                use_case=USE_CASES[options["use_case"]],
                people=options["people"],
                days=options["days"],
                seed=options["seed"],
                progress=progress,
            )
        return as_json(report)

    def describe(self, summary: Mapping[str, Any]) -> str:
        lines = [f"{summary['people']} people of {summary['use_case']}, lists of {summary['length']}"]
        for one in summary["effects"]:
            when = f" after {one['days']} days" if one["days"] else ""
            lines.append(
                f"{one['surface']}{when}, {one['form']}: prevented {_share(one['prevented'])} "
                f"of {_number(one['before'])} per list, {one['people']} people"
            )
        for one in summary["scrubbing"]:
            noes = f"{one['noes']:g}" if one["noes"] is not None else f"more than {one['most']}"
            lines.append(f"a topic, {one['form']}: {noes} noes; cleared for {_share(one['scrubbed'])}")
        logged = summary["logged"]
        lines.append(
            f"logged: prevented {_share(logged['prevented'])}, "
            f"{logged['pairs']} pairs of {logged['people']} people"
        )
        return "\n".join(lines)


def _share(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return NOTHING
    return "{mean:.0%} [{low:.0%}, {high:.0%}]".format(**interval)


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"
