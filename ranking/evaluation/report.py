"""A report as pages: as HTML and Markdown beside its JSON in a folder of its own, and in the admin."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from core.charts import NOTHING, Curve, IntervalPlot, curve, interval_plot, interval_text
from core.errors import InvalidInput
from core.folders import check_writable
from ranking.datasets.manifest import dataset_name, whole_folder
from ranking.evaluation.tables import TableView, refusal_tables, segment_tables, source_tables
from ranking.evaluation_codec import to_json
from ranking.evaluation_report import FIGURES, CalibrationBins, EvaluationReport, EvaluationResult, LogSupport

_THERE = "{} is there already; a report does not write over another."
_BETTER = {1: "higher is better", -1: "lower is better", 0: ""}


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """The gate's verdict on a contender."""

    name: str
    passed: bool
    why: str


@dataclass(frozen=True, slots=True)
class OffPolicyRow:
    """The off-policy estimates of a contender, and how much of the log speaks for it."""

    name: str
    engaged: str
    disliked: str
    effective_slots: str
    slots: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report as the templates show it.

    names   the contenders
    leaked  those whose models may have learned from part of what was held out
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    leaked: tuple[str, ...]
    baseline: str
    figures: tuple[IntervalPlot, ...]
    differences: tuple[IntervalPlot, ...]
    segments: tuple[TableView, ...]
    sources: tuple[TableView, ...]
    refusals: tuple[TableView, ...]
    calibration: tuple[Curve, ...]
    off_policy: tuple[OffPolicyRow, ...]
    verdicts: tuple[VerdictRow, ...]
    why_empty: str


def view_of(report: EvaluationReport) -> ReportView:
    """The view of a report, be it of `evaluate_models`, of `retrain` or of a training command."""
    results = report.results
    return ReportView(
        title=f"Evaluation of {report.use_case}" if report.use_case else "Evaluation",
        facts=tuple(_facts(report)),
        names=tuple(one.name for one in results),
        leaked=tuple(one.name for one in results if one.leaked),
        baseline=report.baseline,
        figures=_present(_figure_plot(name, results) for name in FIGURES),
        differences=_present(_difference_plot(name, results) for name in FIGURES),
        segments=tuple(segment_tables(results)),
        sources=tuple(source_tables(results)),
        refusals=tuple(refusal_tables(report)),
        calibration=tuple(_calibration_curve(one, one.calibration) for one in results if one.calibration),
        off_policy=tuple(
            _off_policy(one, one.log_support["engagement"])
            for one in results
            if "engagement" in one.log_support
        ),
        verdicts=tuple(VerdictRow(one.name, one.gate.passed, one.gate.why) for one in results if one.gate),
        why_empty=report.why_empty,
    )


def check_report_can_be_kept(use_case: str, out: Path | None = None) -> None:
    """Raises InvalidInput where `write_report` would, before the time of an evaluation is spent."""
    if out is not None and out.exists():
        raise InvalidInput(_THERE.format(out))
    folder = Path(settings.REPORT_DIR) / use_case if out is None else out.parent
    try:
        check_writable(folder)
    except OSError as error:
        raise InvalidInput(f"{folder} cannot be written: {error.strerror}.") from error


def write_report(report: EvaluationReport, out: Path | None = None) -> Path:
    """Writes report.html, report.md and report.json into a folder that is whole or not there.

    The folder is `out`, or a new one of REPORT_DIR. Raises InvalidInput where `out` is there already or
    cannot be made.
    """
    made_at = report.made_at or timezone.now()
    target = out or Path(settings.REPORT_DIR) / report.use_case / dataset_name(made_at)
    if target.exists():
        raise InvalidInput(_THERE.format(target))
    view = view_of(report)
    texts = {
        "report.html": render_to_string("evaluation/report.html", {"report": view}),
        "report.md": render_to_string("evaluation/report.md", {"report": view}),
        "report.json": json.dumps(to_json(report), indent=2, allow_nan=False) + "\n",
    }
    try:
        with whole_folder(target) as part:
            for name, text in texts.items():
                (part / name).write_text(text, encoding="utf-8")
            part.chmod(0o755)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.") from error
    return target


def _facts(report: EvaluationReport) -> Iterator[tuple[str, str]]:
    yield "evaluated on what came from", _start(report)
    if report.people is not None:
        yield "people", f"{report.people:,}"
    if report.lists is not None:
        yield "lists shown", _of(report.lists, report.lists_found)
    for kind, dataset in report.datasets.items():
        yield f"{kind} dataset", dataset or "none on record"
    if report.seed is not None:
        yield "seed", str(report.seed)
    if report.made_at:
        yield "made", _moment(report.made_at)
    if report.folder:
        yield "report", report.folder


def _start(report: EvaluationReport) -> str:
    start = _moment(report.start) if report.start else "an unknown moment"
    return f"{start}: {report.why_start}" if report.why_start else start


def _of(used: int, found: int | None) -> str:
    return f"{used:,}" if found is None or used == found else f"{used:,}, drawn from {found:,}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _present(plots: Iterable[IntervalPlot | None]) -> tuple[IntervalPlot, ...]:
    return tuple(plot for plot in plots if plot is not None)


def _figure_plot(name: str, results: Sequence[EvaluationResult]) -> IntervalPlot | None:
    figure = FIGURES[name]
    rows = [
        (one.name, one.figures[name], "may have seen part of it" if one.leaked else "")
        for one in results
        if name in one.figures
    ]
    note = f"{figure.note}; {_BETTER[figure.better]}" if figure.better else figure.note
    return interval_plot(figure.title, note, rows)


def _difference_plot(name: str, results: Sequence[EvaluationResult]) -> IntervalPlot | None:
    rows = [
        (one.name, found.interval, f"{found.people:,} people")
        for one in results
        if (found := one.difference(name))
    ]
    return interval_plot(FIGURES[name].title, _BETTER[FIGURES[name].better], rows, signed=True)


def _calibration_curve(result: EvaluationResult, bins: CalibrationBins) -> Curve:
    """Predicted against observed shares, bin by bin, with the calibration error."""
    points = (
        (predicted, observed, f"predicted {predicted:.3f}, observed {observed:.3f} of {count:,}")
        for predicted, observed, count in zip(bins.predicted, bins.observed, bins.counts, strict=True)
    )
    return curve(result.name, f"error {interval_text(result.figures.get('calibration_error'))}", points)


def _off_policy(result: EvaluationResult, support: LogSupport) -> OffPolicyRow:
    effective = support.effective_slots
    return OffPolicyRow(
        name=result.name,
        engaged=interval_text(result.figures.get("engagement")),
        disliked=interval_text(result.figures.get("dislikes")),
        effective_slots=NOTHING if effective is None else f"{effective:,.0f}",
        slots=f"{support.slots:,}",
        verdict=support.verdict,
    )
