"""The geometry of charts: what is longest fills its row, what is highest its scale, and 0 has its place."""

from dataclasses import dataclass
from math import nan

import pytest

from core.charts import HEIGHT, NOTHING, WIDTH, Point, bars, column_chart, curve, interval_plot, interval_text


@dataclass(frozen=True, slots=True)
class Estimate:
    mean: float
    low: float = nan
    high: float = nan


UNKNOWN = Estimate(nan)


def points(*values: float | None) -> list[Point]:
    return [Point(f"day {number}", value, str(value)) for number, value in enumerate(values)]


def test_the_largest_bar_fills_its_row() -> None:
    rows = bars([("a", "", "4", 4.0, ""), ("b", "", "1", 1.0, "/b/"), ("c", "", "–", None, "")])
    assert [(row.label, row.percent, row.address) for row in rows] == [
        ("a", 100.0, ""),
        ("b", 25.0, "/b/"),
        ("c", 0.0, ""),
    ]


def test_bars_of_nothing_have_no_length() -> None:
    assert [row.percent for row in bars([("a", "", "0", 0.0, ""), ("b", "", "–", None, "")])] == [0.0, 0.0]
    assert bars([]) == []


@pytest.mark.parametrize(
    ("largest", "scale", "printed"),
    [
        (1.0, "{:,.0f}", ("2", "1")),
        (5.0, "{:,.0f}", ("8", "4")),
        (4500.0, "{:,.0f}", ("5,000", "2,500")),
        (0.005, "{:.1%}", ("0.8%", "0.4%")),
        (0.001, "{:.1%}", ("0.2%", "0.1%")),
        (0.05, "{:.1%}", ("5.0%", "2.5%")),
        (0.01, "{:.2f}", ("0.02", "0.01")),
        (0.0, "{:,.0f}", ("2", "1")),
    ],
)
def test_the_middle_of_a_scale_says_its_own_number(
    largest: float, scale: str, printed: tuple[str, str]
) -> None:
    chart = column_chart("shown", points(largest), scale=scale)
    assert (chart.top, chart.middle) == printed


def test_columns_stand_on_the_ground_under_a_round_scale() -> None:
    chart = column_chart("shown", points(3.0, 0.0, None, 1.5))
    assert (chart.top, chart.middle) == ("4", "2")
    assert [column.height for column in chart.columns] == [0.75 * HEIGHT, 0.0, 0.0, 0.375 * HEIGHT]
    assert all(column.y + column.height == HEIGHT for column in chart.columns)
    assert [column.x + column.width / 2 for column in chart.columns] == [
        pytest.approx(WIDTH * place) for place in (0.125, 0.375, 0.625, 0.875)
    ]
    assert not chart.is_empty
    assert column_chart("shown", points(0.0, None)).is_empty


@pytest.mark.parametrize(
    ("value", "top"), [(0.0, "1"), (0.03, "0.04"), (1.0, "1"), (4.1, "5"), (81.0, "100"), (1000.0, "1000")]
)
def test_a_scale_ends_at_a_round_number(value: float, top: str) -> None:
    assert column_chart("shown", points(value)).top == top


def test_a_column_that_is_next_to_nothing_is_seen() -> None:
    assert column_chart("shown", points(1000.0, 0.001)).columns[1].height == 1.5


def test_many_columns_share_five_labels() -> None:
    few, many = column_chart("shown", points(*[1.0] * 10)), column_chart("shown", points(*[1.0] * 11))
    assert few.labels_each
    assert len(few.labels) == 10
    assert not many.labels_each
    assert many.labels == ("day 0", "day 2", "day 5", "day 8", "day 10")


def test_intervals_share_a_scale_that_none_of_them_touches() -> None:
    plot = interval_plot("ndcg", "", [("a", Estimate(0.5, 0.4, 0.6), ""), ("b", Estimate(1.0, 0.8, 1.4), "")])
    assert plot is not None
    assert (plot.left, plot.right, plot.zero) == ("0.340", "1.460", None)
    first, second = plot.rows
    assert (first.low, first.mean, first.high) == (5.36, 14.29, 23.21)
    assert second.high == 94.64


def test_differences_have_the_place_of_zero_on_their_scale() -> None:
    plot = interval_plot("gain", "", [("a", Estimate(1.0, 0.5, 1.5), "")], signed=True)
    assert plot is not None
    assert (plot.left, plot.right, plot.zero) == ("-0.090", "+1.590", 5.36)
    assert plot.rows[0].text == "+1.000 [+0.500, +1.500]"


def test_a_share_is_drawn_from_0_at_least() -> None:
    plot = interval_plot("share", "", [("a", Estimate(0.01, 0.0, 0.5), "")])
    assert plot is not None
    assert (plot.left, plot.rows[0].low) == ("0.000", 0.0)


def test_what_is_not_known_has_no_place() -> None:
    assert interval_plot("ndcg", "", [("a", UNKNOWN, "")]) is None
    plot = interval_plot("ndcg", "", [("a", UNKNOWN, ""), ("b", Estimate(0.5), "one person")])
    assert plot is not None
    assert [(row.text, row.note, row.mean) for row in plot.rows] == [
        (NOTHING, "", None),
        ("0.500", "one person", 50.0),
    ]


def test_an_interval_in_words() -> None:
    assert interval_text(None) == interval_text(UNKNOWN) == NOTHING
    assert interval_text(Estimate(0.1824, 0.137, 0.227)) == "0.182 [0.137, 0.227]"
    assert interval_text(Estimate(-0.02), signed=True) == "-0.020"


def test_a_curve_has_its_origin_at_the_bottom_left() -> None:
    drawn = curve("als", "error 0.01", [(0.0, 0.0, "none"), (0.5, 0.25, "some")])
    assert drawn.line == "0.0,100.0 50.0,75.0"
    assert drawn.dots[1].text == "some"
