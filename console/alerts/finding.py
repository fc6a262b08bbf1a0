"""Finders of what is wrong now: one function for each kind of alert."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.utils.timesince import timesince

from catalog.models import Item
from console.models import Alert, Run, ScheduledJob
from core.domain import USE_CASES, UseCase
from ranking.models import ModelVersion
from recommendations.models import RecommendationSession
from recommendations.selectors import PRUNED_METHOD
from webhooks.dislike_rate import find_band
from webhooks.services import overdue_deliveries

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# A job that is due for so long is late.
LATE = timedelta(minutes=15)
# What is older than this is nobody's news.
NEWS = timedelta(days=7)
# Of the newest lists of a day so many tell whether all are alike; with fewer than the least nothing does.
MOST_LISTS, LEAST_LISTS = 500, 100
SAME_TITLES = 10
# Features that moved are named, so many.
_MOST_NAMED = 3
# Runs that somebody watches need no alert.
_BY_THEMSELVES = (Run.Source.CRON, Run.Source.SYSTEMD, Run.Source.SCHEDULE)


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that is wrong: what it is about, a sentence, and the figure that left its band."""

    subject: str
    text: str
    value: float | None = None


Finder = Callable[[datetime], Iterator[Found]]


def dislike_rate(now: datetime) -> Iterator[Found]:
    """The dislike rate of the last whole day, outside of what four weeks before had."""
    band = find_band(now)
    if band is not None and band.is_left:
        usual = f"{band.low:.1%} to {band.high:.1%}"
        text = f"On {band.day} people turned down {band.rate:.1%} of what they saw; {usual} is usual."
        yield Found("", text, band.rate)


def sameness(now: datetime) -> Iterator[Found]:
    """Use cases whose lists of a day are nearly the same for everybody."""
    for use_case, lists, counts in _shown_in_a_day(now):
        # Short lists hold few titles, however different they are.
        if counts.total() <= SAME_TITLES * lists:
            continue
        share = sum(count for _, count in counts.most_common(SAME_TITLES)) / counts.total()
        if share > settings.ALERT_SAMENESS:
            text = f"{use_case.label}: {SAME_TITLES} titles fill {share:.0%} of the last {lists} lists."
            yield Found(use_case.name, text, share)


def coverage(now: datetime) -> Iterator[Found]:
    """Use cases whose lists of a day reach little of the catalog."""
    if not settings.ALERT_COVERAGE:
        return
    for use_case, lists, counts in _shown_in_a_day(now):
        titles = Item.objects.filter(kind=use_case.kind, is_active=True).count()
        # No more can be shown than there are slots.
        share = len(counts) / max(1, min(titles, counts.total()))
        if share < settings.ALERT_COVERAGE:
            reached = f"{len(counts):,} titles of {titles:,}"
            yield Found(use_case.name, f"{use_case.label}: the last {lists} lists show {reached}.", share)


def _shown_in_a_day(now: datetime) -> Iterator[tuple[UseCase, int, Counter[int]]]:
    """The newest lists of a day by use case, where there are enough: their number, and that of each item."""
    made = RecommendationSession.objects.filter(created_at__gte=now - DAY, is_external=False)
    for name, use_case in USE_CASES.items():
        lists = made.filter(use_case=name).exclude(method=PRUNED_METHOD).order_by("-created_at")
        shown = [list(row) for row in lists.values_list("recommendations_shown", flat=True)[:MOST_LISTS]]
        if len(shown) >= LEAST_LISTS:
            yield use_case, len(shown), Counter(slot["item_id"] for row in shown for slot in row)


def model_age(now: datetime) -> Iterator[Found]:
    """Use cases whose newest model in service is old."""
    if not settings.ALERT_MODEL_DAYS:
        return
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE, use_case__in=list(USE_CASES))
    newest = active.order_by("use_case").values_list("use_case").annotate(made=Max("created_at"))
    for name, made in newest:
        days = (now - made) / DAY
        if days > settings.ALERT_MODEL_DAYS:
            label = USE_CASES[name].label
            yield Found(name, f"{label}: no model in service is younger than {int(days)} days.", days)


def drift(now: datetime) -> Iterator[Found]:
    """Rankers in service whose scores are others than those of the lists that they learned from."""
    if not settings.ALERT_DRIFT:
        return
    # Asked for here, since it brings every kind of model: commands that end at once do without.
    from ranking.drift import active_orderers, get_drift

    for version in active_orderers().filter(use_case__in=list(USE_CASES)):
        found = get_drift(version, now=now)
        # Lists made up from the log hold other items than those that people are shown.
        if not found.of_shown or found.score is None or found.score.index <= settings.ALERT_DRIFT:
            continue
        moved = [one.name for one in found.shifts if one.name != found.score.name][:_MOST_NAMED]
        text = (
            f"{version.label}: the scores of the last {found.lists:,} lists are not those that it learned "
            f"from, by {found.score.index:.2f}; {', '.join(moved)} moved most."
        )
        yield Found(version.label, text, found.score.index)


def slow_lists(now: datetime) -> Iterator[Found]:
    """Use cases of whose lists of the last hour one in twenty took long to make."""
    if not settings.ALERT_LIST_MS:
        return
    made = RecommendationSession.objects.filter(created_at__gte=now - HOUR, made_in_ms__isnull=False)
    for name, use_case in USE_CASES.items():
        newest = made.filter(use_case=name).order_by("-created_at").values_list("made_in_ms", flat=True)
        times = sorted(milliseconds for milliseconds in newest[:MOST_LISTS] if milliseconds is not None)
        if len(times) < LEAST_LISTS:
            continue
        slow = times[-len(times) // 20]
        if slow > settings.ALERT_LIST_MS:
            takes = f"one list in twenty takes {slow:,} ms or more to make"
            yield Found(name, f"{use_case.label}: {takes}, of the last {len(times)}.", slow)


def failed_run(now: datetime) -> Iterator[Found]:
    """Commands that nobody watches and that failed the last time."""
    ended = Run.objects.filter(source__in=_BY_THEMSELVES, asked_at__gte=now - NEWS, ended_at__isnull=False)
    seen: set[tuple[str, str]] = set()
    for run in ended.exclude(status__in=(Run.Status.CANCELED, Run.Status.LOCKED)).order_by("-asked_at"):
        if (run.command, run.use_case) in seen:
            continue
        seen.add((run.command, run.use_case))
        if run.status in (Run.Status.FAILED, Run.Status.LOST):
            why = f": {run.why}" if run.why else "."
            yield Found(str(run), f"{run} {run.get_status_display().lower()}{why}")


def late_job(now: datetime) -> Iterator[Found]:
    """Jobs of the schedule that were due and did not begin."""
    late = ScheduledJob.objects.filter(next_at__lt=now - LATE, next_at__gte=now - NEWS)
    for name, due in late.values_list("name", "next_at"):
        since = timesince(due, now, depth=1)
        yield Found(
            name, f"The job {name} was due {since} ago and did not begin.", (now - due).total_seconds()
        )


def webhooks_overdue(now: datetime) -> Iterator[Found]:
    """Deliveries to webhooks that wait although they are due."""
    overdue = overdue_deliveries(now).count()
    if overdue:
        text = f"{overdue:,} deliveries to webhooks are overdue: nothing runs deliver_webhooks."
        yield Found("", text, overdue)


FINDERS: Mapping[str, Finder] = {
    Alert.Kind.DISLIKE_RATE: dislike_rate,
    Alert.Kind.SAMENESS: sameness,
    Alert.Kind.COVERAGE: coverage,
    Alert.Kind.MODEL_AGE: model_age,
    Alert.Kind.DRIFT: drift,
    Alert.Kind.SLOW_LISTS: slow_lists,
    Alert.Kind.FAILED_RUN: failed_run,
    Alert.Kind.LATE_JOB: late_job,
    Alert.Kind.WEBHOOKS_OVERDUE: webhooks_overdue,
}
