"""`manage.py evaluate_models`: versions side by side on what was held out, with a report."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.commands import HeedCommand
from core.domain import DEFAULT_USE_CASE, USE_CASES
from ranking.evaluation.evaluate import Evaluation, Request, evaluate_models
from ranking.evaluation.report import view_of
from ranking.evaluation.tables import refusal_text, text_of
from ranking.evaluation_codec import from_json
from ranking.management.options import number


def moment(text: str) -> datetime:
    """An argument's type: an ISO date or time, in UTC where it does not say."""
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ArgumentTypeError(f"{text!r} is no ISO date or time such as 2026-05-01") from error


class Command(HeedCommand):
    help = (
        "Compare model versions on what happened since they learned, beside popularity, random and the order "
        "as shown. Without names: the active versions, the newest candidates, and what served before."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "versions", nargs="*", metavar="VERSION", help="such as als-movie_home-7+ranker-movie_home-3"
        )
        parser.add_argument("--use-case", choices=USE_CASES, default=DEFAULT_USE_CASE)
        parser.add_argument(
            "--since", type=moment, help="evaluate on what came from this ISO date or time on"
        )
        parser.add_argument("--als-dataset", type=Path, help="its folder; the newest where left out")
        parser.add_argument("--ranker-dataset", type=Path, help="its folder; the newest where left out")
        parser.add_argument("--out", type=Path, help="folder of the report; a new one where left out")
        parser.add_argument("--seed", type=number(int, 0, 2**31 - 1), default=0)

    def run(self, options: dict[str, Any]) -> Evaluation:
        request = Request(
            use_case=USE_CASES[options["use_case"]],
            **{name: options[name] for name in ("versions", "since", "als_dataset", "ranker_dataset")},
            **{name: options[name] for name in ("out", "seed")},
        )
        with self.progress(options, "evaluate_models", unit="people and lists") as progress:
            return evaluate_models(request, progress)

    def describe(self, summary: Mapping[str, Any]) -> str:
        report = from_json(summary["evaluation"])
        lines = [f"{name}: {value}" for name, value in view_of(report).facts] if report else []
        if report and report.why_empty:
            lines.append(f"There is nobody and nothing to evaluate on. {report.why_empty}")
        for one in report.results if report and not report.why_empty else ():
            lines.append(f"{one.name}{' (may have seen part of it)' if one.leaked else ''}:")
            lines += [f"  {line}" for line in text_of(one)]
        lines += refusal_text(report) if report else ()
        return "\n".join([*lines, f"report: {summary['report']}"])
