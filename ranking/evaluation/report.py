"""The report of an evaluation: the same JSON as a page, as Markdown and as it is, in a folder of its own.

What is read here is the JSON that `figures.py` writes, so that the admin shows what is on record with a
version in the same way, whoever put it there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from core.errors import InvalidInput
from ranking.datasets.manifest import dataset_name, whole_folder
from ranking.evaluation.plots import (
    CalibrationPlot,
    IntervalPlot,
    calibration_plot,
    interval_plot,
    interval_text,
)
from ranking.evaluation.results import FIGURES

_BETTER = {1: "higher is better", -1: "lower is better", 0: ""}


@dataclass(frozen=True, slots=True)
class ContenderVerdict:
    """What the gate says of a contender."""

    name: str
    passed: bool
    why: str


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """How much of the log speaks for a contender."""

    name: str
    engaged: str
    disliked: str
    effective_slots: str
    slots: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """An evaluation as the templates show it.

    names   the contenders, the one that the others are held against first
    saw_it  those whose models may have learned from part of what was held out
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    saw_it: tuple[str, ...]
    against: str
    figures: tuple[IntervalPlot, ...]
    differences: tuple[IntervalPlot, ...]
    calibration: tuple[CalibrationPlot, ...]
    counterfactual: tuple[Counterfactual, ...]
    verdicts: tuple[ContenderVerdict, ...]


def figure_of(judgement: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """One figure of a judgement's JSON with its interval; None where it has none."""
    if name == "calibration_error":
        found = judgement.get("calibration")
    elif name in ("coverage", "engagement", "dislikes"):
        found = judgement.get(name)
    else:
        found = judgement.get("figures", {}).get(name)
    return found if isinstance(found, dict) and found.get("mean") is not None else None


def view_of(evaluation: Mapping[str, Any]) -> ReportView:
    """What there is to show of an evaluation's JSON, be it of `evaluate_models` or of `retrain`."""
    judgements: list[dict[str, Any]] = evaluation.get("judgements", [])
    names = tuple(one["name"] for one in judgements)
    return ReportView(
        title=f"Evaluation of {evaluation['use_case']}" if "use_case" in evaluation else "Evaluation",
        facts=_facts(evaluation),
        names=names,
        saw_it=tuple(one["name"] for one in judgements if one.get("saw_it")),
        against=evaluation.get("against", ""),
        figures=_present(_figure_plot(name, judgements) for name in FIGURES),
        differences=_present(_difference_plot(name, judgements) for name in FIGURES),
        calibration=tuple(
            calibration_plot(one["name"], one["calibration"]) for one in judgements if one.get("calibration")
        ),
        counterfactual=tuple(_counterfactual(one) for one in judgements if one.get("engagement")),
        verdicts=_verdicts(evaluation, judgements),
    )


def _present(plots: Any) -> tuple[IntervalPlot, ...]:
    return tuple(plot for plot in plots if plot is not None)


def _facts(evaluation: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    facts = [("judged on what came from", _moment(evaluation.get("from")))]
    if "why_from" in evaluation:
        facts[0] = (facts[0][0], f"{facts[0][1]}: {evaluation['why_from']}")
    if "people" in evaluation:
        facts.append(("people", f"{evaluation['people']:,}"))
        facts.append(("lists shown", _of(evaluation["lists"], evaluation["lists_found"])))
        datasets = evaluation["datasets"]
        facts.append(("interactions", f"dataset {datasets['als']}"))
        facts.append(("lists", f"dataset {datasets['ranker']}" if datasets["ranker"] else "none on record"))
        facts.append(("seed", str(evaluation["seed"])))
        facts.append(("made", _moment(evaluation["made_at"])))
    if "report" in evaluation:
        facts.append(("report", evaluation["report"]))
    return tuple(facts)


def _of(judged: int, found: int) -> str:
    return f"{judged:,}" if judged == found else f"{judged:,}, drawn from {found:,}"


def _moment(text: str | None) -> str:
    if not text:
        return "an unknown moment"
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _figure_plot(name: str, judgements: Sequence[Mapping[str, Any]]) -> IntervalPlot | None:
    figure = FIGURES[name]
    rows = [(one["name"], figure_of(one, name), _seen(one)) for one in judgements]
    return interval_plot(figure.title, _note(name), [row for row in rows if row[1] is not None])


def _difference_plot(name: str, judgements: Sequence[Mapping[str, Any]]) -> IntervalPlot | None:
    rows = []
    for one in judgements:
        difference = one.get("differences", {}).get(name)
        if difference:
            rows.append((one["name"], difference, f"{difference['people']:,} people"))
    return interval_plot(FIGURES[name].title, _BETTER[FIGURES[name].better], rows, signed=True)


def _note(name: str) -> str:
    figure = FIGURES[name]
    return f"{figure.note}; {_BETTER[figure.better]}" if figure.better else figure.note


def _seen(judgement: Mapping[str, Any]) -> str:
    return "may have seen part of it" if judgement.get("saw_it") else ""


def _counterfactual(judgement: Mapping[str, Any]) -> Counterfactual:
    estimate = judgement["engagement"]
    effective = estimate["effective_slots"]
    return Counterfactual(
        name=judgement["name"],
        engaged=interval_text(estimate),
        disliked=interval_text(judgement.get("dislikes")),
        effective_slots="–" if effective is None else f"{effective:,.0f}",
        slots=f"{estimate['slots']:,}",
        verdict=estimate["verdict"],
    )


def _verdicts(
    evaluation: Mapping[str, Any], judgements: Sequence[Mapping[str, Any]]
) -> tuple[ContenderVerdict, ...]:
    found = [(one["name"], one["gate"]) for one in judgements if one.get("gate")]
    if not found and evaluation.get("gate") and judgements:
        found = [(judgements[0]["name"], evaluation["gate"])]
    return tuple(ContenderVerdict(name, gate["passed"], gate["why"]) for name, gate in found)


def write_report(evaluation: Mapping[str, Any], out: Path | None = None) -> Path:
    """Writes report.html, report.md and report.json into a folder that is whole or not there.

    The folder is `out`, or a new one of REPORT_DIR. Raises InvalidInput where `out` is there already or
    cannot be made.
    """
    made_at = datetime.fromisoformat(evaluation["made_at"])
    target = out or Path(settings.REPORT_DIR) / evaluation["use_case"] / dataset_name(made_at)
    if target.exists():
        raise InvalidInput(f"{target} is there already; a report does not write over another.")
    view = view_of(evaluation)
    texts = {
        "report.html": render_to_string("evaluation/report.html", {"report": view}),
        "report.md": render_to_string("evaluation/report.md", {"report": view}),
        "report.json": json.dumps(evaluation, indent=2, allow_nan=False) + "\n",
    }
    try:
        with whole_folder(target) as part:
            for name, text in texts.items():
                (part / name).write_text(text, encoding="utf-8")
            part.chmod(0o755)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.") from error
    return target
