"""Small rows past their use: answers kept for repeats, logins, counts of limits, runs, alerts."""

import time
from datetime import datetime
from typing import TypedDict

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session

from accounts.models import IdempotencyKey, RateCount
from console.models import Alert, Run
from console.pruning.chunks import before, delete_rows


class PrunedRows(TypedDict):
    """So many rows of each sort."""

    idempotency_keys: int
    browser_sessions: int
    login_records: int
    limit_counts: int
    runs: int
    alerts: int


def prune_rows(now: datetime, *, dry_run: bool) -> PrunedRows:
    """Removes keys, logins, runs and alerts that are old, and browser sessions and counts that ended."""
    keys = runs = alerts = logins = 0
    if (oldest := before(now, settings.PRUNE_KEY_DAYS)) is not None:
        keys = delete_rows(IdempotencyKey.objects.filter(created_at__lt=oldest), dry_run=dry_run)
    if (oldest := before(now, settings.PRUNE_RUN_DAYS)) is not None:
        over = Run.objects.filter(asked_at__lt=oldest).exclude(
            status__in=[Run.Status.WAITING, Run.Status.RUNNING]
        )
        runs = delete_rows(over, dry_run=dry_run)
        alerts = delete_rows(Alert.objects.filter(ended_at__lt=oldest), dry_run=dry_run)
    if (oldest := before(now, settings.PRUNE_LOGIN_DAYS)) is not None:
        for record in (AccessAttempt, AccessFailureLog, AccessLog):
            logins += delete_rows(record.objects.filter(attempt_time__lt=oldest), dry_run=dry_run)
    ended = RateCount.objects.filter(until__lt=min(time.time(), now.timestamp()))
    return PrunedRows(
        idempotency_keys=keys,
        browser_sessions=delete_rows(Session.objects.filter(expire_date__lt=now), dry_run=dry_run),
        login_records=logins,
        limit_counts=delete_rows(ended, dry_run=dry_run),
        runs=runs,
        alerts=alerts,
    )
