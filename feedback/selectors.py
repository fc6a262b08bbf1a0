"""Reads about dislikes: a person's own, what they hold back, and what they say of the models."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Avg, Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from catalog.models import ItemFacet
from core.domain import CATEGORIES, PEOPLE, REASONS
from core.errors import InvalidInput
from feedback.adjustments import Adjustment, combine_adjustments
from feedback.models import Dislike, FeatureAdjustment
from feedback.training import countable_examples
from recommendations.models import RecommendationSession
from recommendations.selectors import (
    PRUNED_METHOD,
)

TREND_DAYS = 30
TOP = 5


@dataclass(frozen=True, slots=True)
class DislikePatterns:
    """The dislikes of a person.

    recent_trend   "rising", "falling" or "steady": the last 30 days against the 30 before
    recent_score   mean predicted score of those of the last 30 days; None where none has one
    top_categories, top_people   name and how many disliked items have it, most first
    """

    reason_distribution: dict[str, int]
    recent_trend: str
    total_dislikes: int
    last_30_days: int
    recent_score: float | None
    top_categories: list[tuple[str, int]]
    top_people: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A facet that is held back in a person's lists now, with the titles that did it."""

    kind: str
    name: str
    factor: float
    titles: tuple[str, ...]

    @property
    def percent(self) -> int:
        """The change in whole percent; 0 where it has faded away."""
        return round(100.0 * self.share)

    @property
    def share(self) -> float:
        """The change of a score that it makes, below 0."""
        return self.factor - 1.0


@dataclass(frozen=True, slots=True)
class ModelFeedback:
    """Statistics of people's dislikes for one model version over a period."""

    model_version: str
    lists: int
    slots_seen: int
    dislikes: int
    dislike_rate: float | None
    mean_error: float | None


@dataclass(frozen=True, slots=True)
class ExampleErrors:
    """The negative training examples that may teach, and how wrong the predictions behind them were.

    The errors lie in [0, 1]; they are None where nothing predicted any of the items.
    """

    total_negative_examples: int
    avg_prediction_error: float | None
    max_error: float | None
    min_error: float | None


@dataclass(frozen=True, slots=True)
class FeedbackImprovement:
    """The dislike rate (per slot seen) and the prediction error of a period against the one before."""

    dislike_rate: float | None
    dislike_rate_before: float | None
    mean_error: float | None
    mean_error_before: float | None


@dataclass(frozen=True, slots=True)
class FeedbackRates:
    """Dislikes of what lists showed in a period.

    mean_error  mean predicted score of what was disliked, and should have been 0; None without a prediction
    """

    slots_seen: int
    dislikes: int
    mean_error: float | None

    @property
    def dislike_rate(self) -> float | None:
        """Dislikes per slot seen; None where nothing was seen."""
        return self.dislikes / self.slots_seen if self.slots_seen else None


def active_dislikes(user_id: int) -> QuerySet[Dislike]:
    """A person's dislikes that stand, newest first."""
    return Dislike.objects.filter(user_id=user_id, interaction__withdrawn_at=None).select_related(
        "item", "example", "about"
    )


def get_dislike_pattern_analysis(*, user_id: int, now: datetime | None = None) -> DislikePatterns:
    """The reasons, categories and people that a person turns down, and whether it becomes more or less."""
    now = now or timezone.now()
    mine = Dislike.objects.filter(user_id=user_id, interaction__withdrawn_at=None)
    reasons = Counter(dict(mine.order_by().values_list("reason").annotate(times=Count("pk"))))
    month = timedelta(days=TREND_DAYS)
    last = mine.filter(created_at__gt=now - month).aggregate(count=Count("pk"), score=Avg("predicted_score"))
    recent = last["count"]
    before = mine.filter(created_at__gt=now - 2 * month, created_at__lte=now - month).count()
    return DislikePatterns(
        # Reasons that heed.toml no longer has come last.
        reason_distribution={name: reasons[name] for name in (*REASONS, *sorted(reasons)) if reasons[name]},
        recent_trend="rising" if recent > before else "falling" if recent < before else "steady",
        total_dislikes=reasons.total(),
        last_30_days=recent,
        recent_score=last["score"],
        top_categories=_top_facets(user_id, CATEGORIES),
        top_people=_top_facets(user_id, PEOPLE),
    )


def _top_facets(user_id: int, kinds: Sequence[str]) -> list[tuple[str, int]]:
    # A reason that says nothing about taste is no pattern of taste.
    informative = [reason.name for reason in REASONS.values() if reason.weight > 0.0]
    rows = (
        ItemFacet.objects.filter(
            Q(item__dislikes__about=None) | Q(item__dislikes__about=F("facet")),
            item__dislikes__title_only=False,
            facet__kind__in=kinds,
            item__dislikes__user_id=user_id,
            item__dislikes__interaction__withdrawn_at=None,
            # In the same filter, so that it is about the same dislike and not about anybody's of the item.
            item__dislikes__reason__in=informative,
        )
        .values_list("facet__name")
        .annotate(items=Count("item_id", distinct=True))
        .order_by("-items", "facet__name")
    )
    return [(name, count) for name, count in rows[:TOP]]


def get_held_back(*, user_id: int, now: datetime | None = None) -> list[HeldBack]:
    """The facets held back now, strongest first, those faded to under one percent left out."""
    rows = list(
        FeatureAdjustment.objects.filter(dislike__user_id=user_id, dislike__interaction__withdrawn_at=None)
        .order_by("dislike__created_at")
        .values_list(
            "facet_id", "delta", "dislike__created_at", "facet__kind", "facet__name", "dislike__title"
        )
    )
    factors = combine_adjustments((Adjustment(*row[:3]) for row in rows), now=now or timezone.now())
    named = {row[0]: (row[3], row[4]) for row in rows}
    titles: dict[int, list[str]] = {}
    for row in rows:
        titles.setdefault(row[0], []).append(row[5])
    facets = [
        HeldBack(*named[facet_id], factor=factor, titles=tuple(titles[facet_id]))
        for facet_id, factor in factors.items()
    ]
    return sorted(
        (one for one in facets if one.percent < 0), key=lambda one: (one.factor, one.kind, one.name)
    )


def get_model_feedback_metrics(*, since: datetime, until: datetime | None = None) -> list[ModelFeedback]:
    """For each model version that made lists in the period: how much of what was seen was disliked.

    Dislikes of synthetic people count: in the demo there is nobody else.
    Raises InvalidInput for an empty period.
    """
    until = until or timezone.now()
    if since >= until:
        raise InvalidInput("The period must end after it begins.")
    shown = {
        version: (lists, seen or 0)
        for version, lists, seen in RecommendationSession.objects.filter(
            created_at__gte=since, created_at__lt=until
        )
        .order_by()
        .values_list("model_version")
        .annotate(lists=Count("pk"), seen=Sum("seen_rank"))
    }
    disliked = {
        version: (count, error)
        for version, count, error in dislikes_of_lists(since, until)
        .order_by()
        .values_list("model_version")
        .annotate(count=Count("pk"), error=Avg("predicted_score"))
    }
    return [
        ModelFeedback(
            model_version=version,
            lists=lists,
            slots_seen=seen,
            dislikes=disliked.get(version, (0, None))[0],
            dislike_rate=disliked.get(version, (0, None))[0] / seen if seen else None,
            mean_error=disliked.get(version, (0, None))[1],
        )
        for version, (lists, seen) in sorted(shown.items())
    ]


def get_example_errors() -> ExampleErrors:
    """The errors of all examples that may teach, of any time, in one query."""
    return ExampleErrors(
        **countable_examples().aggregate(
            total_negative_examples=Count("pk"),
            avg_prediction_error=Avg("error"),
            max_error=Max("error"),
            min_error=Min("error"),
        )
    )


def get_feedback_improvement_metrics(
    *, days: int = TREND_DAYS, now: datetime | None = None
) -> FeedbackImprovement:
    """The last `days` against as many before: fewer dislikes, and the disliked ones scored lower?"""
    now = now or timezone.now()
    length = timedelta(days=days)
    recent = get_feedback_rates(now - length, now)
    before = get_feedback_rates(now - 2 * length, now - length)
    return FeedbackImprovement(recent.dislike_rate, before.dislike_rate, recent.mean_error, before.mean_error)


def get_feedback_rates(since: datetime, until: datetime) -> FeedbackRates:
    """Slots seen and dislikes from since to before until, in two queries."""
    seen = RecommendationSession.objects.filter(created_at__gte=since, created_at__lt=until).aggregate(
        seen=Sum("seen_rank")
    )["seen"]
    counted = dislikes_of_lists(since, until).aggregate(count=Count("pk"), error=Avg("predicted_score"))
    return FeedbackRates(seen or 0, counted["count"], counted["error"])


def get_daily_feedback(since: datetime, until: datetime) -> dict[date, FeedbackRates]:
    """The same for each day (UTC) from since to before until on which a list was made, in two queries."""
    day = TruncDate("created_at", tzinfo=UTC)
    lists = RecommendationSession.objects.filter(created_at__gte=since, created_at__lt=until)
    seen = dict(lists.annotate(day=day).order_by().values_list("day").annotate(seen=Sum("seen_rank")))
    dislikes = dislikes_of_lists(since, until).annotate(day=day).order_by().values_list("day")
    counted = {
        on: (count, error)
        for on, count, error in dislikes.annotate(count=Count("pk"), error=Avg("predicted_score"))
    }
    return {on: FeedbackRates(slots or 0, *counted.get(on, (0, None))) for on, slots in seen.items()}


def counted_dislikes(since: datetime, until: datetime) -> QuerySet[Dislike]:
    """The dislikes of a period that say something of what was shown: abuse and undone ones left out."""
    return Dislike.objects.filter(
        created_at__gte=since, created_at__lt=until, interaction__withdrawn_at=None
    ).exclude(review_state=Dislike.ReviewState.EXCLUDED)


def dislikes_of_lists(since: datetime, until: datetime) -> QuerySet[Dislike]:
    """Those of them that have a share in what was seen: of a list whose slots are on record."""
    return counted_dislikes(since, until).exclude(Q(session=None) | Q(session__method=PRUNED_METHOD))


def dislikes_to_review() -> QuerySet[Dislike]:
    """The dislikes that nobody of the staff has reviewed yet, of any time, undone ones left out."""
    return Dislike.objects.filter(review_state=Dislike.ReviewState.NEW, interaction__withdrawn_at=None)
