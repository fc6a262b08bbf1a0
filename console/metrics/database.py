"""Measures that the database knows, read when Prometheus asks and kept for some seconds."""

import threading
import time
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import Error as DatabaseFailure
from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from console.models import Run, ScheduledJob
from console.runs.services import settle_lost_runs
from core.database import in_one_line
from feedback.selectors import dislikes_to_review, get_feedback_rates
from feedback.training import get_retrainings
from ranking.models import ModelVersion
from webhooks.models import Delivery
from webhooks.services import overdue_deliveries

# However often somebody asks, the database is asked no oftener, in seconds.
KEPT_SECONDS = 10.0
DAY = timedelta(days=1)
_UP = "1 where the database answers, 0 where it is away."

logger = structlog.stdlib.get_logger(__name__)


class DatabaseCollector(Collector):
    """Measures that are the same whichever worker answers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._read_at = -KEPT_SECONDS

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if time.monotonic() - self._read_at >= KEPT_SECONDS:
                self._kept = _read_or_say_why_not()
                self._read_at = time.monotonic()
            return self._kept

    def forget(self) -> None:
        """Has the next question read the database."""
        self._read_at = -KEPT_SECONDS


def _read_or_say_why_not() -> list[Metric]:
    """All measures; without the database that it is away, for what the workers count is told all the same."""
    try:
        found = list(_read(timezone.now()))
    except DatabaseFailure as error:
        logger.error("the database tells nothing to measure", error=in_one_line(error))
        return [_one("heed_database_up", _UP, 0)]
    return [_one("heed_database_up", _UP, 1), *found]


def _read(now: datetime) -> Iterable[Metric]:
    settle_lost_runs(now)
    yield _model_ages(now)
    rates = get_feedback_rates(now - DAY, now)
    yield _one("heed_dislikes_of_a_day", "Dislikes of what lists showed, in the last day.", rates.dislikes)
    yield _one(
        "heed_slots_seen_of_a_day", "Slots of lists that people saw, in the last day.", rates.slots_seen
    )
    if rates.dislike_rate is not None:
        yield _one("heed_dislike_rate", "Dislikes per slot seen, in the last day.", rates.dislike_rate)
    yield _one("heed_dislikes_to_review", "Dislikes that nobody reviewed yet.", dislikes_to_review().count())
    waiting = GaugeMetricFamily(
        "heed_dislikes_untrained", "Dislikes that wait for a new model.", labels=["use_case"]
    )
    for one in get_retrainings():
        waiting.add_metric([one.use_case], one.untrained)
    yield waiting
    deliveries = Delivery.objects.filter(status=Delivery.Status.WAITING)
    yield _one("heed_webhooks_waiting", "Deliveries to webhooks that wait.", deliveries.count())
    overdue = overdue_deliveries(now).count()
    yield _one("heed_webhooks_overdue", "Deliveries that were due 15 minutes ago: nothing delivers.", overdue)
    yield from _runs(now)


def _model_ages(now: datetime) -> Metric:
    ages = GaugeMetricFamily(
        "heed_model_age_seconds", "Age of each active model version.", labels=["use_case", "kind"]
    )
    for version in ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).only(
        "use_case", "kind", "created_at"
    ):
        ages.add_metric([version.use_case, version.kind], (now - version.created_at).total_seconds())
    return ages


def _runs(now: datetime) -> Iterable[Metric]:
    counts = GaugeMetricFamily(
        "heed_runs_of_a_day", "Runs asked for in the last day.", labels=["command", "status"]
    )
    made = Run.objects.filter(asked_at__gte=now - DAY).order_by().values_list("command", "status")
    for command, status, count in made.annotate(runs=Count("pk")):
        counts.add_metric([command, status], count)
    yield counts
    late = GaugeMetricFamily(
        "heed_job_late_seconds", "Time since a job of the schedule was due and did not begin.", labels=["job"]
    )
    for name, due in ScheduledJob.objects.values_list("name", "next_at"):
        late.add_metric([name], max(0.0, (now - due).total_seconds()))
    yield late


def _one(name: str, says: str, value: float) -> Metric:
    return GaugeMetricFamily(name, says, value=value)
