"""A report of `measure_responsiveness` in words and drawings, as its page in the admin shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.charts import NOTHING, IntervalPlot, interval_plot
from core.domain import DOMAIN
from experiments.responsiveness.report import (
    FEED,
    ITEM_PAGE,
    MARKS,
    SCRUBBED,
    SEARCH,
    Effect,
    Logged,
    Responsiveness,
    Scrubbing,
)
from ranking.statistics.interval import Interval

_PREVENTED = {
    FEED: "What one no keeps out of the next list",
    ITEM_PAGE: "On the page of a like item",
    SEARCH: "In a search for its category",
}


@dataclass(frozen=True, slots=True)
class ResponsivenessPage:
    """All that the page draws. `marks`: published figures of another system, as one sentence."""

    facts: tuple[str, ...]
    plots: tuple[IntervalPlot, ...]
    scrubbing: tuple[str, ...]
    logged: str
    marks: str


def describe_responsiveness(report: Responsiveness) -> ResponsivenessPage:
    """The page of a report."""
    days = sorted({one.days for one in report.effects if one.days})
    plots = [
        *(_prevented(report.effects, surface, title) for surface, title in _PREVENTED.items()),
        *(_rebounded(report.effects, after) for after in days),
        *(_remaining(one) for one in report.scrubbing),
    ]
    named = ", ".join(f"{name} {share:.0%}" for name, share in MARKS.items())
    return ResponsivenessPage(
        facts=(
            f"{report.people:,} people, drawn by seed {report.seed}, each with the first item of their list.",
            f"Lists of {report.length}, made by {report.models or 'no model'}.",
        ),
        plots=tuple(plot for plot in plots if plot is not None),
        scrubbing=tuple(map(_scrubbing, report.scrubbing)),
        logged=_logged(report.logged),
        marks=f"Published of another system (Mozilla 2022), share prevented: {named}.",
    )


def plain_effect(report: Responsiveness) -> Effect | None:
    """The effect of the plain no on the next list."""
    plain = DOMAIN.dislikes.plain
    return next(
        (one for one in report.effects if (one.surface, one.form, one.days) == (FEED, plain, 0)), None
    )


def percent(interval: Interval | None) -> str:
    """`43 % [38, 48]`, or a dash."""
    if interval is None:
        return NOTHING
    return f"{100 * interval.mean:.0f} % [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"


def _prevented(effects: Sequence[Effect], surface: str, title: str) -> IntervalPlot | None:
    rows = [
        (one.label, _known(one.prevented), f"{one.people:,} people")
        for one in effects
        if one.surface == surface and not one.days
    ]
    note = "share of what is like the refused item; 1 is all of it, below 0 more came"
    return interval_plot(title, note, rows, signed=True)


def _rebounded(effects: Sequence[Effect], days: int) -> IntervalPlot | None:
    rows = [
        (one.label, _known(one.prevented), f"{one.people:,} people")
        for one in effects
        if one.surface == FEED and one.days == days
    ]
    when = f"{days} day{'' if days == 1 else 's'}"
    return interval_plot(f"Still kept out after {when}", "of the list as it would be then", rows, signed=True)


def _remaining(one: Scrubbing) -> IntervalPlot | None:
    rows = [
        (f"{noes} no{'' if noes == 1 else 'es'}", _known(share), "") for noes, share in one.remaining.items()
    ]
    return interval_plot(f"Left of a topic: {one.label}", "share of what the list had of it", rows)


def _scrubbing(one: Scrubbing) -> str:
    noes = f"{one.noes:g}" if one.noes is not None else f"more than {one.most}"
    return (
        f"{one.label}: {noes} noes until less than {SCRUBBED:.0%} of a topic is left, for the median person; "
        f"within {one.most} for {percent(one.scrubbed)} of {one.people:,} people."
    )


def _logged(logged: Logged) -> str:
    if logged.prevented is None or logged.before is None or logged.after is None:
        return "The log has no lists before and after a no with lists of others to compare them with."
    return (
        f"{percent(logged.prevented)} prevented, by {logged.pairs:,} pairs of lists of {logged.people:,} "
        f"people against {logged.controls:,} pairs of others. Of what is like the refused item the lists "
        f"held {logged.before:.1%} before and {logged.after:.1%} after, those of the others "
        f"{logged.control_before or 0.0:.1%} and {logged.control_after or 0.0:.1%}."
    )


def _known(interval: Interval | None) -> Interval:
    return interval or Interval(np.nan, np.nan, np.nan)
