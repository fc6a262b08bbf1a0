"""Figures of everybody's dislikes over a period, in a fixed number of queries.

Dislikes that were undone or excluded as abuse count nowhere here, except where they are counted as such.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from core.domain import HELD_BACK, REASONS
from feedback.models import Dislike, FeatureAdjustment
from feedback.selectors import (
    FeedbackImprovement,
    ModelFeedback,
    counted_dislikes,
    dislikes_of_lists,
    dislikes_to_review,
    get_feedback_improvement_metrics,
    get_model_feedback_metrics,
)
from feedback.training import Retraining, nearest_retraining
from recommendations.models import RecommendationSession

PERIODS = (7, 30, 90, 365)
DEFAULT_PERIOD = 30
TOP = 8


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days in UTC: from `since` to before `until`, the midnight after today."""

    days: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day, or some days together: slots seen, dislikes from lists, and what those lists had predicted.

    predictions   how many of the dislikes have a predicted score
    score_sum     the sum of those scores
    """

    first: date
    slots_seen: int
    dislikes: int
    predictions: int
    score_sum: float

    @property
    def dislike_rate(self) -> float | None:
        """Dislikes per slot seen; None where nothing was seen."""
        return self.dislikes / self.slots_seen if self.slots_seen else None

    @property
    def mean_error(self) -> float | None:
        """Mean predicted score of what was disliked, and should have been 0; None without a prediction."""
        return self.score_sum / self.predictions if self.predictions else None


@dataclass(frozen=True, slots=True)
class FeedbackCounts:
    """The dislikes made in the period, each counted once.

    dislikes  those that count, `people` by how many; the others were `undone`, or stand and are `excluded`
    to_review how many wait for staff, whenever they were made
    """

    dislikes: int
    people: int
    undone: int
    excluded: int
    to_review: int


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """A reason and how often it was given."""

    name: str
    label: str
    dislikes: int


@dataclass(frozen=True, slots=True)
class ItemCount:
    """An item and how many people turned it down."""

    item_id: int
    title: str
    kind: str
    dislikes: int


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A facet and how many dislikes were of items that have it."""

    kind: str
    name: str
    dislikes: int


@dataclass(frozen=True, slots=True)
class AdjustmentSizes:
    """Sizes of the penalties that the period's dislikes make now, faded and combined per person and facet.

    penalties      pairs of a person and a facet with a penalty of one percent or more
    mean, largest  as shares from 0 to 1; None where there is no penalty
    histogram      (upper bound in percent, pairs): penalized by up to so much and more than the bound before
    """

    penalties: int
    people: int
    mean: float | None
    largest: float | None
    histogram: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class FeedbackDashboard:
    """The figures of the dashboard for one period."""

    period: Period
    counts: FeedbackCounts
    improvement: FeedbackImprovement
    retraining: Retraining
    days: list[DayFigures]
    models: list[ModelFeedback]
    reasons: list[ReasonCount]
    items: list[ItemCount]
    facets: list[FacetCount]
    adjustments: AdjustmentSizes


def parse_period(text: str | None, *, now: datetime | None = None) -> Period:
    """The period of `?days=`; anything but one of PERIODS is DEFAULT_PERIOD."""
    offered = {str(days): days for days in PERIODS}
    days = offered.get(text or "", DEFAULT_PERIOD)
    today = (now or timezone.now()).replace(hour=0, minute=0, second=0, microsecond=0)
    until = today + timedelta(days=1)
    return Period(days, until - timedelta(days=days), until)


def get_feedback_dashboard(*, period: Period) -> FeedbackDashboard:
    """All figures of the period, in 15 queries however much there is."""
    return FeedbackDashboard(
        period=period,
        counts=_get_counts(period),
        improvement=get_feedback_improvement_metrics(days=period.days, now=period.until),
        retraining=nearest_retraining(),
        days=_get_days(period),
        models=get_model_feedback_metrics(since=period.since, until=period.until),
        reasons=_get_reasons(period),
        items=_get_items(period),
        facets=_get_facets(period),
        adjustments=_get_adjustment_sizes(period, now=timezone.now()),
    )


def group_days(days: Sequence[DayFigures], size: int) -> list[DayFigures]:
    """The days in groups of `size`, the last group complete: a year is read in weeks."""
    start = len(days) % size
    groups = ([days[:start]] if start else []) + [days[i : i + size] for i in range(start, len(days), size)]
    return [
        DayFigures(
            first=group[0].first,
            slots_seen=sum(day.slots_seen for day in group),
            dislikes=sum(day.dislikes for day in group),
            predictions=sum(day.predictions for day in group),
            score_sum=sum(day.score_sum for day in group),
        )
        for group in groups
    ]


def _get_counts(period: Period) -> FeedbackCounts:
    stands = Q(interaction__withdrawn_at=None)
    excluded = Q(review_state=Dislike.ReviewState.EXCLUDED)
    made = Dislike.objects.filter(created_at__gte=period.since, created_at__lt=period.until)
    counts = made.aggregate(
        dislikes=Count("pk", filter=stands & ~excluded),
        people=Count(Coalesce("user__owner_id", "user_id"), filter=stands & ~excluded, distinct=True),
        undone=Count("pk", filter=~stands),
        excluded=Count("pk", filter=stands & excluded),
    )
    return FeedbackCounts(**counts, to_review=dislikes_to_review().count())


def _get_days(period: Period) -> list[DayFigures]:
    seen = dict(
        RecommendationSession.objects.filter(created_at__gte=period.since, created_at__lt=period.until)
        .order_by()
        .values_list(TruncDate("created_at"))
        .annotate(seen=Sum("seen_rank"))
    )
    # The same dislikes as in the rate per model version: those of something a list showed.
    disliked = {
        day: (dislikes, predictions, total or 0.0)
        for day, dislikes, predictions, total in dislikes_of_lists(period.since, period.until)
        .order_by()
        .values_list(TruncDate("created_at"))
        .annotate(dislikes=Count("pk"), predictions=Count("predicted_score"), total=Sum("predicted_score"))
    }
    first = period.since.date()
    dates = [first + timedelta(days=number) for number in range(period.days)]
    return [DayFigures(day, seen.get(day) or 0, *disliked.get(day, (0, 0, 0.0))) for day in dates]


def _get_reasons(period: Period) -> list[ReasonCount]:
    rows = counted_dislikes(period.since, period.until).order_by().values_list("reason")
    counts = Counter(dict(rows.annotate(dislikes=Count("pk"))))
    reasons = [ReasonCount(reason.name, reason.label, counts[reason.name]) for reason in REASONS.values()]
    return sorted(reasons, key=lambda reason: -reason.dislikes)


def _get_items(period: Period) -> list[ItemCount]:
    rows = (
        counted_dislikes(period.since, period.until)
        .order_by()
        .values_list("item_id", "item__title", "item__kind")
        .annotate(dislikes=Count("pk"))
        .order_by("-dislikes", "item__title", "item_id")
    )
    return [ItemCount(*row) for row in rows[:TOP]]


def _get_facets(period: Period) -> list[FacetCount]:
    rows = (
        counted_dislikes(period.since, period.until)
        # A reason that says nothing about taste says nothing about the item's facets.
        .exclude(reason__in=[name for name, reason in REASONS.items() if reason.weight == 0.0])
        .filter(item__item_facets__facet__kind__in=HELD_BACK)
        .order_by()
        .values_list("item__item_facets__facet__kind", "item__item_facets__facet__name")
        .annotate(dislikes=Count("pk"))
        .order_by("-dislikes", "item__item_facets__facet__name")
    )
    return [FacetCount(*row) for row in rows[:TOP]]


def _get_adjustment_sizes(period: Period, *, now: datetime) -> AdjustmentSizes:
    """Combines the deltas per person and facet as `combine_adjustments` does for one person."""
    rows = np.fromiter(
        (
            (user_id, facet_id, delta, max(0.0, (now - since).total_seconds() / 86_400))
            for user_id, facet_id, delta, since in FeatureAdjustment.objects.filter(
                dislike__in=counted_dislikes(period.since, period.until)
            )
            .order_by()
            .values_list("dislike__user_id", "facet_id", "delta", "dislike__created_at")
            .iterator()
        ),
        dtype=[("user", "i8"), ("facet", "i8"), ("delta", "f8"), ("age", "f8")],
    )
    faded = rows["delta"] * 2.0 ** (-rows["age"] / settings.DISLIKE_HALF_LIFE_DAYS)
    pairs, pair_of_row = np.unique(rows[["user", "facet"]], return_inverse=True)
    factors = np.exp(np.bincount(pair_of_row, weights=np.log1p(faded), minlength=len(pairs)))
    shares = 1.0 - np.maximum(factors, settings.DISLIKE_FLOOR)
    is_penalized = shares >= 0.01
    bounds = [5, 10, 15, 20, 30, 50, 100]
    counts, _ = np.histogram(shares[is_penalized] * 100, bins=[0, *bounds])
    return AdjustmentSizes(
        penalties=int(is_penalized.sum()),
        people=len(np.unique(pairs["user"][is_penalized])),
        mean=float(shares[is_penalized].mean()) if is_penalized.any() else None,
        largest=float(shares[is_penalized].max()) if is_penalized.any() else None,
        histogram=tuple(zip(bounds, counts.tolist(), strict=True)),
    )
