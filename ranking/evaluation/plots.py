"""Plots of an evaluation: where each figure and its interval lies, and how far scores are from the truth.

Only places are computed here, in percent of a drawing; templates/evaluation/ draws them as SVG, so that the
colours are those of the page, light or dark.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from ranking.evaluation_report import CalibrationBins
from ranking.statistics.metrics import Interval

# The drawing is so wide that no interval touches its ends.
MARGIN = 0.06
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One contender: from `low` to `high` with its mean between, in percent of the scale; None if unknown."""

    name: str
    text: str
    note: str
    low: float | None = None
    mean: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """A figure of all contenders on one scale; `zero` is the place of 0 where that matters."""

    title: str
    note: str
    rows: tuple[IntervalRow, ...]
    left: str
    right: str
    zero: float | None


@dataclass(frozen=True, slots=True)
class Dot:
    """A bin: predicted across, observed upwards, in percent with 0 at the top left."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class CalibrationPlot:
    """Predicted against observed shares of one contender, bin by bin."""

    name: str
    note: str
    dots: tuple[Dot, ...]

    @property
    def line(self) -> str:
        """The dots as the points of an SVG line."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)


def interval_text(interval: Interval | None, *, signed: bool = False) -> str:
    """`0.182 [0.137, 0.227]`, or a dash where there is nothing."""
    if interval is None or math.isnan(interval.mean):
        return NOTHING
    form = _form(signed=signed)
    if math.isnan(interval.low) or math.isnan(interval.high):
        return form.format(interval.mean)
    return f"{form.format(interval.mean)} [{form.format(interval.low)}, {form.format(interval.high)}]"


def interval_plot(
    title: str, note: str, rows: Sequence[tuple[str, Interval, str]], *, signed: bool = False
) -> IntervalPlot | None:
    """The plot of (name, interval, note); None where no contender has the figure.

    `signed` is for differences: 0 is on the scale, and marked.
    """
    ends = [end for _, interval, _ in rows for end in astuple(interval) if not math.isnan(end)]
    if not ends:
        return None
    if signed:
        ends.append(0.0)
    margin = MARGIN * (max(ends) - min(ends)) or 0.01
    # Nothing but a difference is below 0.
    left = min(ends) - margin if signed else max(0.0, min(ends) - margin)
    width = max(ends) + margin - left

    def place(value: float) -> float | None:
        return None if math.isnan(value) else round(100 * (value - left) / width, 2)

    form = _form(signed=signed)
    return IntervalPlot(
        title=title,
        note=note,
        rows=tuple(
            IntervalRow(
                name,
                interval_text(interval, signed=signed),
                extra,
                low=place(interval.low),
                mean=place(interval.mean),
                high=place(interval.high),
            )
            for name, interval, extra in rows
        ),
        left=form.format(left),
        right=form.format(left + width),
        zero=place(0.0) if signed else None,
    )


def calibration_plot(name: str, error: Interval | None, bins: CalibrationBins) -> CalibrationPlot:
    """The curve of one contender with its calibration error."""
    return CalibrationPlot(
        name=name,
        note=f"error {interval_text(error)}",
        dots=tuple(
            Dot(
                round(100 * predicted, 2),
                round(100 * (1 - observed), 2),
                f"predicted {predicted:.3f}, observed {observed:.3f} of {count:,}",
            )
            for predicted, observed, count in zip(bins.predicted, bins.observed, bins.counts, strict=True)
        ),
    )


def _form(*, signed: bool) -> str:
    return "{:+.3f}" if signed else "{:.3f}"
