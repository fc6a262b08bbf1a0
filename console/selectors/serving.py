"""Reads of the lists that are made, how people take them up, and the model versions behind them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import TruncWeek

from console.selectors.feedback import Period
from core.domain import TYPES, UseCase
from feedback.selectors import get_feedback_rates
from interactions.selectors import active_interactions
from ranking.models import ModelVersion
from ranking.policy import lead_of
from recommendations.models import RecommendationSession
from recommendations.selectors import PRUNED_METHOD

Status = ModelVersion.Status
TAKEN = [row.name for row in TYPES.values() if row.is_state and row.polarity > 0]


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of the slots that people saw which they took up, and which they turned down."""

    seen: int
    taken: float
    disliked: float


def get_rates(period: Period) -> Rates:
    """The rates of a period's lists, in three queries."""
    sessions = RecommendationSession.objects.filter(created_at__gte=period.since, created_at__lt=period.until)
    feedback = get_feedback_rates(period.since, period.until)
    whole = sessions.exclude(method=PRUNED_METHOD)
    taken = active_interactions().filter(recommendation_session__in=whole, type__in=TAKEN, weight__gt=0.0)
    seen = feedback.slots_seen
    return Rates(seen, taken.count() / max(seen, 1), feedback.dislike_rate or 0.0)


def get_activation_times() -> dict[str, datetime | None]:
    """The time at which the newest active version of each use case went live."""
    active = ModelVersion.objects.filter(status=Status.ACTIVE).order_by("activated_at")
    return dict(active.values_list("use_case", "activated_at"))


def get_leading_version(use_case: UseCase) -> ModelVersion | None:
    """The active version that leads the lists of a use case; None where no model does."""
    active = ModelVersion.objects.filter(use_case=use_case.name, status=Status.ACTIVE)
    return active.filter(kind=lead_of(use_case) or "").first()


def count_lists(*, since: datetime) -> dict[str, int]:
    """The number of lists of each use case made since then."""
    made = RecommendationSession.objects.filter(created_at__gte=since).order_by().values_list("use_case")
    return dict(made.annotate(lists=Count("pk")))


def get_rejected_versions() -> list[ModelVersion]:
    """The newest version of each kind and use case that was rejected, the last made first."""
    newer = ModelVersion.objects.filter(
        kind=OuterRef("kind"), use_case=OuterRef("use_case"), version__gt=OuterRef("version")
    )
    newest = ModelVersion.objects.filter(~Q(Exists(newer)), status=Status.REJECTED)
    return list(newest.order_by("-created_at"))


def count_versions_by_week(period: Period) -> list[tuple[date, int]]:
    """The number of model versions trained in each week of the period, by its Monday; empty weeks too."""
    rows = (
        ModelVersion.objects.filter(created_at__gte=period.since, created_at__lt=period.until)
        .order_by()
        .values_list(TruncWeek("created_at"))
        .annotate(versions=Count("pk"))
    )
    trained = {week.date(): versions for week, versions in rows}
    week = period.since.date() - timedelta(days=period.since.weekday())
    weeks = []
    while week < period.until.date():
        weeks.append((week, trained.get(week, 0)))
        week += timedelta(weeks=1)
    return weeks
