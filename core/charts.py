"""Charts that the server draws: bars, columns, intervals and curves.

Only geometry is computed here, once; templates/charts/ draw it as SVG, so that the colors are those of the
page, light or dark, and a report needs no file beside it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

# The columns' own units; the page stretches them to the width there is.
WIDTH, HEIGHT = 600.0, 160.0
GAP = 0.25
WIDEST = 60.0
LABELS = 5
# A scale of intervals is so much wider that none touches its ends.
MARGIN = 0.06
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Point:
    """The meaning of a column; `value` is None where there is nothing to measure, and `text` says so."""

    label: str
    value: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column, drawn from `x`, `y` down to the ground."""

    point: Point
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Columns from left to right, the text at the top of the scale, and the labels below."""

    name: str
    columns: tuple[Column, ...]
    top: str
    middle: str
    labels: tuple[str, ...]

    @property
    def labels_each(self) -> bool:
        """True where every column has its label; else the labels are spread over the width."""
        return len(self.labels) == len(self.columns)

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to draw."""
        return all(not column.point.value for column in self.columns)


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a table with a bar: its length in percent of the longest, and its link."""

    label: str
    note: str
    value: str
    percent: float
    address: str = ""


class Estimate(Protocol):
    """A mean with the interval around it; NaN where it is not known."""

    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A name with its interval: `low`, `mean` and `high` in percent of the scale; None where unknown."""

    name: str
    text: str
    note: str
    low: float | None = None
    mean: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """Intervals on one scale; `zero` is the place of 0 where that matters."""

    title: str
    note: str
    rows: tuple[IntervalRow, ...]
    left: str
    right: str
    zero: float | None


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a curve, in percent with 0 at the top left."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Points joined by a line in the unit square."""

    name: str
    note: str
    dots: tuple[Dot, ...]

    @property
    def line(self) -> str:
        """The dots as the points of an SVG line."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)


def column_chart(name: str, points: Sequence[Point], *, scale: str = "{:g}") -> ColumnChart:
    """Places a column for each point; `scale` formats the values at the top and the middle of the scale.

    The scale ends where both are printed as they are: that of whole numbers at 2 and not at 1.
    """
    top = _round_up(max((point.value or 0.0 for point in points), default=0.0))
    while not _is_printed(scale, top / 2):
        top = _round_up(top * 1.01)
    step = WIDTH / max(1, len(points))
    width = min(WIDEST, step * (1 - GAP))
    columns = []
    for number, point in enumerate(points):
        height = HEIGHT * (point.value or 0.0) / top
        # A column that is not nothing is seen, however small.
        height = max(height, 1.5) if point.value else 0.0
        columns.append(
            Column(
                point,
                x=round((number + 0.5) * step - width / 2, 2),
                y=round(HEIGHT - height, 2),
                width=round(width, 2),
                height=round(height, 2),
            )
        )
    labels = [point.label for point in points]
    if len(labels) > 2 * LABELS:
        labels = [labels[round(place * (len(labels) - 1) / (LABELS - 1))] for place in range(LABELS)]
    return ColumnChart(name, tuple(columns), scale.format(top), scale.format(top / 2), tuple(labels))


def bars(rows: Sequence[tuple[str, str, str, float | None, str]]) -> list[Bar]:
    """Bars of (label, note, value as text, value, address), as long as their value beside the largest."""
    longest = max((row[3] or 0.0 for row in rows), default=0.0) or 1.0
    return [
        Bar(label, note, text, round(100 * (value or 0.0) / longest, 1), address)
        for label, note, text, value, address in rows
    ]


def interval_text(estimate: Estimate | None, *, signed: bool = False) -> str:
    """`0.182 [0.137, 0.227]`, or a dash where there is nothing."""
    if estimate is None or math.isnan(estimate.mean):
        return NOTHING
    form = _form(signed=signed)
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return form.format(estimate.mean)
    return f"{form.format(estimate.mean)} [{form.format(estimate.low)}, {form.format(estimate.high)}]"


def interval_plot(
    title: str, note: str, rows: Sequence[tuple[str, Estimate, str]], *, signed: bool = False
) -> IntervalPlot | None:
    """The plot of (name, estimate, note); None where nothing is known.

    `signed` is for differences: 0 is on the scale, and marked.
    """
    ends = [end for _, one, _ in rows for end in (one.mean, one.low, one.high) if not math.isnan(end)]
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
                interval_text(one, signed=signed),
                extra,
                place(one.low),
                place(one.mean),
                place(one.high),
            )
            for name, one, extra in rows
        ),
        left=form.format(left),
        right=form.format(left + width),
        zero=place(0.0) if signed else None,
    )


def curve(name: str, note: str, points: Iterable[tuple[float, float, str]]) -> Curve:
    """The curve through (x, y, text), both 0 to 1, y upwards."""
    return Curve(
        name, note, tuple(Dot(round(100 * x, 2), round(100 * (1 - y), 2), text) for x, y, text in points)
    )


def _form(*, signed: bool) -> str:
    return "{:+.3f}" if signed else "{:.3f}"


def _is_printed(scale: str, value: float) -> bool:
    """True where a format loses nothing of a value."""
    text = scale.format(value)
    number = float(text.rstrip("%").replace(",", "")) / (100 if text.endswith("%") else 1)
    return math.isclose(number, value, rel_tol=1e-6)


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 8 or 10 times a power of ten: a scale whose half is read easily too."""
    if value <= 0.0:
        return 1.0
    power = 1.0
    while power > value:
        power /= 10
    while power * 10 < value:
        power *= 10
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value * (1 - 1e-9))
