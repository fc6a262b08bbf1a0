"""Plots of an evaluation: where each figure and its interval lies, and how far scores are from the truth.

Only places are computed here, in percent of a drawing; templates/evaluation/ draws them as SVG, so that the
colours are those of the page, light or dark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


def interval_text(interval: Mapping[str, float | None] | None, *, signed: bool = False) -> str:
    """`0.182 [0.137, 0.227]`, or a dash where there is nothing."""
    if not interval or interval.get("mean") is None:
        return NOTHING
    form = "{:+.3f}" if signed else "{:.3f}"
    mean, low, high = (interval.get(name) for name in ("mean", "low", "high"))
    if low is None or high is None:
        return form.format(mean)
    return f"{form.format(mean)} [{form.format(low)}, {form.format(high)}]"


def interval_plot(
    title: str,
    note: str,
    rows: Sequence[tuple[str, Mapping[str, Any] | None, str]],
    *,
    signed: bool = False,
) -> IntervalPlot | None:
    """The intervals of (name, interval, note); None where no contender has the figure.

    `signed` is for differences: 0 is on the scale, and marked.
    """
    ends = [
        float(interval[name])
        for _, interval, _ in rows
        if interval
        for name in ("low", "mean", "high")
        if interval.get(name) is not None
    ]
    if not ends:
        return None
    if signed:
        ends.append(0.0)
    low, high = min(ends), max(ends)
    margin = MARGIN * (high - low) or 0.01
    # Nothing but a difference is below 0.
    left = low - margin if signed else max(0.0, low - margin)
    low, width = left, high + margin - left

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - low) / width, 2)

    form = "{:+.3f}" if signed else "{:.3f}"
    return IntervalPlot(
        title=title,
        note=note,
        rows=tuple(
            IntervalRow(
                name,
                interval_text(interval, signed=signed),
                extra,
                *(place(interval.get(end)) if interval else None for end in ("low", "mean", "high")),
            )
            for name, interval, extra in rows
        ),
        left=form.format(low),
        right=form.format(low + width),
        zero=place(0.0) if signed else None,
    )


def calibration_plot(name: str, curve: Mapping[str, Any]) -> CalibrationPlot:
    """The curve of one contender, as `figures.judgement_json` writes it."""
    bins = zip(curve["predicted"], curve["observed"], curve["counts"], strict=True)
    return CalibrationPlot(
        name=name,
        note=f"error {interval_text(curve)}",
        dots=tuple(
            Dot(
                round(100 * predicted, 2),
                round(100 * (1 - observed), 2),
                f"predicted {predicted:.3f}, observed {observed:.3f} of {count:,}",
            )
            for predicted, observed, count in bins
        ),
    )
