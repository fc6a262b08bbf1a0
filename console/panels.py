"""Figures of dislikes as tiles and charts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.urls import reverse

from console.addresses import counted_dislikes_address, dislikes_to_review_address
from console.selectors.feedback import (
    PERIODS,
    DayFigures,
    FeedbackDashboard,
    Period,
    get_feedback_dashboard,
    group_days,
)
from console.selectors.serving import count_versions_by_week
from console.tiles import NOTHING, Tile
from core.charts import Bar, ColumnChart, Point, bars, column_chart
from feedback.selectors import ModelFeedback

# Beyond so many days a column is a week: hundreds of columns are no longer told apart.
MAX_DAILY_COLUMNS = 90
MAX_VERSIONS = 10


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart with its heading and a sentence on how to read it; one of `columns` and `rows` is given."""

    title: str
    note: str
    head: tuple[str, str]
    columns: ColumnChart | None = None
    rows: Sequence[Bar] = ()
    empty: str = "Nothing in this period."

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to draw."""
        return not self.rows and (self.columns is None or self.columns.is_empty)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """All that the page draws."""

    days: int
    periods: tuple[int, ...]
    tiles: list[Tile]
    panels: list[Panel]

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to draw at all, as on the first day."""
        return all(panel.is_empty for panel in self.panels)


def make_dashboard(period: Period) -> Dashboard:
    """The figures of a period as tiles and charts."""
    figures = get_feedback_dashboard(period=period)
    return Dashboard(
        days=period.days,
        periods=PERIODS,
        tiles=_tiles(figures),
        panels=[
            *_daily_panels(figures),
            _reasons(figures),
            _versions(figures.models),
            _items(figures),
            _facets(figures),
            _adjustments(figures),
            _retraining(period),
        ],
    )


def _tiles(figures: FeedbackDashboard) -> list[Tile]:
    counts, improvement, retraining = figures.counts, figures.improvement, figures.retraining
    return [
        _compared(
            "Dislike rate",
            improvement.dislike_rate,
            improvement.dislike_rate_before,
            "{:.1%}",
            figures.period,
        ),
        _compared(
            "Prediction error",
            improvement.mean_error,
            improvement.mean_error_before,
            "{:.2f}",
            figures.period,
        ),
        Tile(
            "Dislikes",
            f"{counts.dislikes:,}",
            f"from {_many(counts.people, 'person', 'people')}; "
            f"{counts.undone:,} undone, {counts.excluded:,} excluded",
            address=counted_dislikes_address(figures.period.since, figures.period.until),
        ),
        Tile(
            "To review",
            f"{counts.to_review:,}",
            "not reviewed yet, whenever they were made",
            address=dislikes_to_review_address(),
        ),
        Tile(
            "Waiting for a model",
            f"{retraining.untrained:,}",
            f"{'retraining is due: ' if retraining.due else ''}{retraining.threshold} ask for a new model; "
            f"of {retraining.use_case}, since its models changed",
        ),
    ]


def _compared(name: str, value: float | None, before: float | None, form: str, period: Period) -> Tile:
    """A figure that is better when it is lower, beside that of the period before."""
    if value is None:
        return Tile(name, NOTHING, "nothing shown was disliked" if name != "Dislike rate" else "nothing seen")
    if before is None:
        return Tile(name, form.format(value), f"nothing to compare in the {period.days} days before")
    now, then = form.format(value), form.format(before)
    if now == then:
        return Tile(name, now, f"the same as in the {period.days} days before")
    tone = "better" if value < before else "worse"
    return Tile(name, now, f"{tone} than {then} in the {period.days} days before", tone)


def _daily_panels(figures: FeedbackDashboard) -> list[Panel]:
    weekly = len(figures.days) > MAX_DAILY_COLUMNS
    columns = group_days(figures.days, 7) if weekly else figures.days
    each = "week" if weekly else "day"
    rates = [
        Point(
            _day(day.first),
            day.dislike_rate,
            f"{_rate(day.dislike_rate)}: {day.dislikes:,} of {day.slots_seen:,} seen",
        )
        for day in columns
    ]
    errors = [Point(_day(day.first), day.mean_error, _error(day)) for day in columns]
    return [
        Panel(
            f"Dislike rate per {each}",
            "Dislikes per slot that people saw.",
            (f"{each} from" if weekly else each, "dislike rate"),
            column_chart(f"Dislike rate per {each}", rates, scale="{:.1%}"),
        ),
        Panel(
            f"Prediction error per {each}",
            "Mean score that the lists gave to what was then disliked; it should have been 0.",
            (f"{each} from" if weekly else each, "mean score"),
            column_chart(f"Prediction error per {each}", errors, scale="{:.2f}"),
        ),
    ]


def _reasons(figures: FeedbackDashboard) -> Panel:
    total = sum(reason.dislikes for reason in figures.reasons)
    rows = bars(
        [
            (
                reason.label,
                f"{reason.dislikes / total:.0%}",
                f"{reason.dislikes:,}",
                reason.dislikes,
                counted_dislikes_address(figures.period.since, figures.period.until, reason=reason.name),
            )
            for reason in figures.reasons
            if total
        ]
    )
    return Panel("Reasons", "What people said.", ("reason", "dislikes"), rows=rows)


def _versions(models: Sequence[ModelFeedback]) -> Panel:
    seen = sorted((one for one in models if one.slots_seen), key=lambda one: -one.slots_seen)[:MAX_VERSIONS]
    rows = bars(
        [
            (
                one.model_version or "no model",
                f"{one.dislikes:,} of {one.slots_seen:,} seen, error {_number(one.mean_error)}",
                _rate(one.dislike_rate),
                one.dislike_rate,
                "",
            )
            for one in sorted(seen, key=lambda one: _natural(one.model_version))
        ]
    )
    note = f"Dislikes per slot seen, of the {MAX_VERSIONS} versions that people saw most of."
    return Panel("Dislike rate per model version", note, ("version", "rate"), rows=rows)


def _items(figures: FeedbackDashboard) -> Panel:
    rows = bars(
        [
            (
                item.title,
                item.kind,
                f"{item.dislikes:,}",
                item.dislikes,
                reverse("admin:catalog_item_change", args=[item.item_id]),
            )
            for item in figures.items
        ]
    )
    return Panel("Most disliked items", "How many people turned them down.", ("item", "people"), rows=rows)


def _facets(figures: FeedbackDashboard) -> Panel:
    rows = bars(
        [(facet.name, facet.kind, f"{facet.dislikes:,}", facet.dislikes, "") for facet in figures.facets]
    )
    note = "Dislikes of items that have them; those who only know the item already are left out."
    return Panel("What disliked titles have in common", note, ("name", "dislikes"), rows=rows)


def _adjustments(figures: FeedbackDashboard) -> Panel:
    sizes = figures.adjustments
    note = "How far this period's dislikes hold what titles have in common back in somebody's lists now."
    if sizes.mean is not None and sizes.largest is not None:
        penalized = _many(sizes.penalties, "facet", "facets")
        people = _many(sizes.people, "person", "people")
        note = (
            f"{penalized} held back in the lists of {people}: by {sizes.mean:.0%} on average, "
            f"{sizes.largest:.0%} at most."
        )
    lower = 1
    points = []
    for upper, pairs in sizes.histogram:
        label = f"{lower}–{upper} %" if upper < 100 else f"over {lower} %"
        points.append(Point(label, float(pairs), f"{pairs:,}"))
        lower = upper
    chart = column_chart("Sizes of adjustments", points, scale="{:,.0f}")
    return Panel("Adjustment sizes", note, ("held back by", "how many"), chart)


def _retraining(period: Period) -> Panel:
    weeks = count_versions_by_week(period)
    points = [Point(_day(week), float(versions), f"{versions:,}") for week, versions in weeks]
    total = sum(versions for _, versions in weeks)
    return Panel(
        "Retraining",
        f"Model versions trained per week, {total:,} in all.",
        ("week from", "versions"),
        column_chart("Model versions per week", points, scale="{:,.0f}"),
        empty="No model was trained in this period.",
    )


def _natural(name: str) -> list[str | int]:
    """A key that puts version 10 after version 9."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _many(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _rate(rate: float | None) -> str:
    return NOTHING if rate is None else f"{rate:.1%}"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _error(day: DayFigures) -> str:
    if day.mean_error is None:
        return NOTHING
    return f"{day.mean_error:.2f} over {_many(day.predictions, 'dislike', 'dislikes')}"
