"""Alerts begin and end: rows, mail and webhooks."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from console.alerts.finding import FINDERS, Found
from console.models import Alert
from core.announcements import ALERT_BEGAN, ALERT_ENDED, Facts, announce
from core.domain import DOMAIN
from core.mail import send_later

logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """The alerts that this run began and ended, and those that are on now."""

    began: int
    ended: int
    on: int


def check_alerts(*, now: datetime | None = None) -> AlertSummary:
    """Looks for all that is wrong; begins an alert for what is new and ends those of what is over.

    Whoever is to be told is told once at its beginning and once at its end.
    """
    now = now or timezone.now()
    found = {(kind, one.subject): one for kind, find in FINDERS.items() for one in find(now)}
    on = {(alert.kind, alert.subject): alert for alert in Alert.objects.filter(ended_at=None)}
    began = [alert for key, one in found.items() if (alert := _begin_or_go_on(key, one, on.get(key), now))]
    ended = [alert for key, alert in on.items() if key not in found and _end(alert, now)]
    _mail(began, ended)
    return AlertSummary(len(began), len(ended), Alert.objects.filter(ended_at=None).count())


def _begin_or_go_on(key: tuple[str, str], found: Found, alert: Alert | None, now: datetime) -> Alert | None:
    """The alert where it is new; one that is on takes the newest sentence."""
    if alert is not None:
        Alert.objects.filter(pk=alert.pk).update(text=found.text, value=found.value)
        return None
    kind, subject = key
    alert = Alert(kind=kind, subject=subject, text=found.text, value=found.value, began_at=now)
    try:
        with transaction.atomic():
            alert.save()
            announce(ALERT_BEGAN, _facts(alert))
    except IntegrityError:
        # Another run was first, and tells of it.
        return None
    return alert


def _end(alert: Alert, now: datetime) -> bool:
    with transaction.atomic():
        is_ours = bool(Alert.objects.filter(pk=alert.pk, ended_at=None).update(ended_at=now))
        if is_ours:
            announce(ALERT_ENDED, _facts(alert))
    return is_ours


def _facts(alert: Alert) -> Facts:
    return {"kind": alert.kind, "subject": alert.subject, "text": alert.text, "value": alert.value}


def _mail(began: list[Alert], ended: list[Alert]) -> None:
    """One mail for each alert that began or ended, to ALERT_EMAILS."""
    if not settings.ALERT_EMAILS:
        return
    address = f"{settings.SITE_ADDRESS or ''}{reverse('admin:console_alert_changelist')}"
    told = [("", alert) for alert in began] + [("Over: ", alert) for alert in ended]
    for opening, alert in told:
        subject = " ".join(f"[{DOMAIN.site.name}] {opening}{alert.text}".split())
        body = f"{opening}{alert.text}\n\nSince {alert.began_at:%Y-%m-%d %H:%M} UTC. {address}\n"
        message = EmailMessage(subject=subject[:200], body=body, to=settings.ALERT_EMAILS)
        send_later(message).result()
