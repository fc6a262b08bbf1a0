"""A report in words and drawings, as the experiment's page in the admin shows it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.text import capfirst

from core.charts import IntervalPlot, interval_plot, interval_text
from experiments.report import FIGURES, ArmReport, Comparison, ExperimentReport, RatioCheck
from ranking.models import Arm
from ranking.statistics.interval import Interval
from ranking.statistics.sequential import LEAST_PER_ARM, ArmDifference


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence on what was found; `tone` is "better", "worse", "warn" or ""."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm in the table; `is_on` says whether people get its lists now."""

    arm: Arm
    does: str
    is_on: bool
    people: str
    lists: str
    counted: str
    slots_seen: str


@dataclass(frozen=True, slots=True)
class ExperimentPage:
    """All that the page draws; `figures` and `differences` are empty where there is nothing to draw."""

    findings: tuple[Finding, ...]
    ratio: Finding
    arms: tuple[ArmRow, ...]
    figures: tuple[IntervalPlot, ...]
    differences: tuple[IntervalPlot, ...]
    control: str
    days: int
    confidence: str


def describe(report: ExperimentReport) -> ExperimentPage:
    """The page of a report."""
    experiment, arms = report.experiment, report.arms
    comparisons = report.comparisons
    return ExperimentPage(
        findings=tuple(_findings(report)),
        ratio=_ratio(report.ratio, arms),
        arms=tuple(_row(one, is_running=experiment.status == experiment.Status.RUNNING) for one in arms),
        figures=_plots([(one.arm.name, one.figures, "") for one in arms], signed=False),
        differences=_plots(
            [
                (one.arm.name, {name: difference.interval for name, difference in one.figures.items()}, "")
                for one in comparisons
            ],
            signed=True,
        ),
        control=arms[0].arm.name if arms else "",
        days=experiment.outcome_days,
        confidence=f"{100 * (1 - comparisons[0].alpha):.1f} %" if comparisons else "",
    )


def say_what_it_does(arm: Arm) -> str:
    """The fields of an arm that differ from the usual lists, in words."""
    said = [
        *(["dislikes hold nothing back"] if not arm.feedback else []),
        *(["taste boosts nothing"] if not arm.boosts else []),
        *([f"exploration {arm.exploration_share:.0%}"] if arm.exploration_share is not None else []),
        *(f"{name} {json.dumps(value)}" for name, value in arm.policy.items()),
        *(version.label for version in arm.versions.all()),
    ]
    return capfirst("; ".join(said)) or "As always"


def _findings(report: ExperimentReport) -> list[Finding]:
    if report.ratio.is_alarming:
        return [Finding("No comparison is to be trusted: see the sample ratio below.", "warn")]
    found = [
        _finding(comparison, name, difference)
        for comparison in report.comparisons
        for name, difference in comparison.figures.items()
        if difference.test.found_after is not None
    ]
    if found:
        return found
    counted = min((one.counted for one in report.arms), default=0)
    if counted < LEAST_PER_ARM:
        days = report.experiment.outcome_days
        return [
            Finding(
                f"Too early to tell. A person counts {days} {'day' if days == 1 else 'days'} after their "
                f"first list, and nothing is tested before {LEAST_PER_ARM} people count in each arm."
            )
        ]
    return [Finding("No difference found so far. It may be too small for so many people to show.")]


def _finding(comparison: Comparison, name: str, difference: ArmDifference) -> Finding:
    mean = difference.interval.mean
    text = (
        f"{FIGURES[name].title} is {'higher' if mean > 0 else 'lower'} with {comparison.arm.name} than with "
        f"{comparison.control.name}: {interval_text(difference.interval, signed=True)}. "
        f"Found after {difference.test.found_after:,} people."
    )
    return Finding(text, "better" if mean * FIGURES[name].better > 0 else "worse")


def _ratio(ratio: RatioCheck, arms: Sequence[ArmReport]) -> Finding:
    people = ", ".join(f"{one.people:,} in {one.arm.name}" for one in arms)
    weights = " : ".join(f"{one.arm.weight:g}" for one in arms)
    if ratio.is_alarming:
        return Finding(
            f"{capfirst(people)}; drawn {weights}. They are not spread as they were drawn "
            f"(p = {ratio.p_value:.1g}), so people are lost or counted in one arm only. Find out why first.",
            "warn",
        )
    return Finding(f"{capfirst(people)}; drawn {weights}. Spread as drawn (p = {ratio.p_value:.2f}).")


def _row(one: ArmReport, *, is_running: bool) -> ArmRow:
    return ArmRow(
        arm=one.arm,
        does=say_what_it_does(one.arm),
        is_on=is_running and one.arm.switched_off_at is None,
        people=f"{one.people:,}",
        lists=f"{one.lists:,}",
        counted=f"{one.counted:,}",
        slots_seen=f"{one.slots_seen:,}",
    )


def _plots(
    rows: Sequence[tuple[str, Mapping[str, Interval], str]], *, signed: bool
) -> tuple[IntervalPlot, ...]:
    plots = (
        interval_plot(
            figure.title,
            "higher is better" if figure.better > 0 else "lower is better",
            [(label, figures[name], note) for label, figures, note in rows],
            signed=signed,
        )
        for name, figure in FIGURES.items()
    )
    return tuple(plot for plot in plots if plot is not None)
