"""Charts that the server draws: columns as inline SVG, and bars beside the rows of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

# The drawing's own units; the page stretches it to the width there is.
WIDTH, HEIGHT = 600.0, 160.0
GAP = 0.25
WIDEST = 60.0
LABELS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """What a column stands for; `value` is None where there is nothing to measure, and `text` says so."""

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
        """Whether every column has its label; else the labels are spread over the width."""
        return len(self.labels) == len(self.columns)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return all(not column.point.value for column in self.columns)


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a table with a bar: how long it is in percent of the longest, and where it leads."""

    label: str
    note: str
    value: str
    percent: float
    address: str = ""


def column_chart(name: str, points: Sequence[Point], *, scale: str = "{:g}") -> ColumnChart:
    """Places a column for each point; `scale` formats the values at the top and the middle of the scale."""
    top = _round_up(max((point.value or 0.0 for point in points), default=0.0))
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
