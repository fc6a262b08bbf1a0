"""`manage.py estimate_strengths`: which strengths the experiments and the log of a deployment speak for."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from core.commands import HeedCommand
from core.domain import DEFAULT_USE_CASE, USE_CASES
from experiments.strengths.estimate import Strengths, estimate_strengths
from ranking.management.options import number


class Command(HeedCommand):
    help = (
        "Estimate what the strengths of dislikes, boosts and passing over do to later dislikes and "
        "engagement, from experiments and logged chances. Changes nothing: prints the settings to try."
    )
    is_for_its_output = True

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0)

    def run(self, options: dict[str, Any]) -> Strengths:
        return estimate_strengths(use_case=USE_CASES[options["use_case"]], seed=options["seed"])

    def describe(self, summary: Mapping[str, Any]) -> str:
        lines = [f"{summary['lists']:,} lists of {summary['people']:,} people in {summary['use_case']}"]
        for one in summary["effects"]:
            figures = ", ".join(
                f"{name} {interval['mean']:+.4f} [{interval['low']:+.4f}, {interval['high']:+.4f}]"
                for name in ("engagement", "dislikes")
                if (interval := one[name]) is not None
            )
            lines.append(
                f"{one['setting']}={one['value']:g} ({one['source']}): {figures or 'unknown'}; {one['why']}"
            )
        changed = [one for one in summary["proposals"] if one["value"] != one["now"]]
        lines += [
            f"{one['setting']} stays {one['now']:g}, {one['why']}"
            for one in summary["proposals"]
            if one not in changed
        ]
        for one in changed:
            lines.append(f"To set: {one['setting']}={one['value']:g}  ({one['why']}; now {one['now']:g})")
            if one["policy"]:
                lines.append(f"  or as an arm of an experiment, with the policy {dict(one['policy'])}")
        return "\n".join(lines)
