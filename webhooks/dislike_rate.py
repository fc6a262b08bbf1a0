"""Finds the day whose dislike rate left the band in which it usually lies.

The band is the mean of the daily rates of four weeks ± 3 standard deviations of these days: how far days
differ is measured, because people who dislike much come and go, and no formula of coins knows that.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import fmean, stdev
from uuid import UUID, uuid5

from django.utils import timezone

from core.announcements import Facts
from feedback.selectors import get_daily_feedback
from webhooks.models import DISLIKE_RATE
from webhooks.services import queue

DAYS = 28
# Days with fewer slots seen say nothing; with fewer such days there is no band.
LEAST_SEEN = 100
LEAST_DAYS = 7
WIDTH = 3.0
_EVENTS = UUID("3b0d5f0e-8e0b-5c4f-8d62-0a4f3f6a9c11")


@dataclass(frozen=True, slots=True)
class Band:
    """The rate of a day, and the band of the days before."""

    day: date
    rate: float
    low: float
    high: float

    @property
    def is_left(self) -> bool:
        return not self.low <= self.rate <= self.high


def find_band(now: datetime) -> Band | None:
    """The last whole day (UTC) and its band; None where too little was seen. Two queries."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)
    rates = {
        on: rates.dislike_rate
        for on, rates in get_daily_feedback(midnight - (DAYS + 1) * day, midnight).items()
        if rates.slots_seen >= LEAST_SEEN
    }
    last_day = (midnight - day).date()
    last = rates.pop(last_day, None)
    known = [rate for rate in rates.values() if rate is not None]
    if last is None or len(known) < LEAST_DAYS:
        return None
    mean, spread = fmean(known), stdev(known)
    return Band(last_day, last, max(0.0, mean - WIDTH * spread), mean + WIDTH * spread)


def queue_dislike_rate(*, now: datetime | None = None) -> int:
    """Has the event wait where the last day left its band: once a day, however often this is called."""
    now = now or timezone.now()
    band = find_band(now)
    if band is None or not band.is_left:
        return 0
    facts: Facts = {"day": band.day.isoformat(), "rate": band.rate, "low": band.low, "high": band.high}
    return queue(DISLIKE_RATE, facts, event_id=uuid5(_EVENTS, band.day.isoformat()), now=now)
