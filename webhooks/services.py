"""Events become rows that wait, and rows that wait are delivered, again and again until they are heard."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.db.models import QuerySet
from django.utils import timezone

from core.announcements import RETRAIN_ENDED, Facts
from webhooks.models import EVENTS, Delivery, Webhook
from webhooks.sending import NotSent, post, signature

logger = structlog.stdlib.get_logger(__name__)

Status = Delivery.Status
# Seconds from each attempt to the next; after the last it is given up. Two days in all.
PAUSES = (60, 300, 900, 3_600, 4 * 3_600, 10 * 3_600, 12 * 3_600, 20 * 3_600)
# So long deliveries stay on record once nothing is to be done any more.
KEPT = timedelta(days=30)
# A delivery that was due for so long waits for a run that does not come.
LATE = timedelta(minutes=15)
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """The outcome of a run. `waiting`: what another run will try."""

    delivered: int
    failed: int
    given_up: int
    waiting: int


def hear(event: str, facts: Facts) -> None:
    """Takes up what is announced; delivers what waits where a run of retraining ended."""
    if event == RETRAIN_ENDED:
        try:
            deliver_due()
        except Exception:
            # A webhook must not be what a retraining fails by.
            logger.exception("webhooks could not be delivered")
    elif event in EVENTS:
        queue(event, facts)


def queue(event: str, facts: Facts, *, event_id: UUID | None = None, now: datetime | None = None) -> int:
    """Has an event wait for each webhook that asks for it; returns for how many. The same id waits once."""
    now, event_id = now or timezone.now(), event_id or uuid4()
    hooks = [hook for hook in Webhook.objects.filter(is_active=True) if event in hook.events]
    rows = [
        Delivery(webhook=hook, event_id=event_id, event=event, facts=dict(facts), created_at=now, due_at=now)
        for hook in hooks
    ]
    return len(Delivery.objects.bulk_create(rows, ignore_conflicts=True))


def deliver_due(*, now: datetime | None = None) -> DeliverySummary:
    """Delivers what is due, oldest first, each at most once in a run; at most _AT_ONCE of them.

    Two runs at once share them: a row belongs to who counts its attempt up. Whoever dies after sending and
    before noting it sends again later, under the same event id.
    """
    now = now or timezone.now()
    _forget(now)
    due = Delivery.objects.filter(status=Status.WAITING, due_at__lte=now, webhook__is_active=True)
    delivered = failed = given_up = 0
    for delivery in due.select_related("webhook").order_by("due_at", "pk")[:_AT_ONCE]:
        if not _claim(delivery, now):
            continue
        if _deliver(delivery):
            delivered += 1
        elif delivery.status == Status.GIVEN_UP:
            given_up += 1
        else:
            failed += 1
    return DeliverySummary(
        delivered, failed, given_up, Delivery.objects.filter(status=Status.WAITING).count()
    )


def overdue_deliveries(now: datetime) -> QuerySet[Delivery]:
    """The deliveries that should be out by now: those of webhooks that are off wait for somebody."""
    return Delivery.objects.filter(status=Status.WAITING, webhook__is_active=True, due_at__lt=now - LATE)


def deliver_again(delivery: Delivery) -> None:
    """Has a delivery wait again from the beginning, whatever came of it."""
    delivery.status, delivery.attempts, delivery.due_at = Status.WAITING, 0, timezone.now()
    delivery.save(update_fields=["status", "attempts", "due_at"])


def _claim(delivery: Delivery, now: datetime) -> bool:
    """Counts an attempt and names the time of the next one; False where another run was first."""
    pause = PAUSES[min(delivery.attempts, len(PAUSES) - 1)]
    mine = Delivery.objects.filter(pk=delivery.pk, status=Status.WAITING, attempts=delivery.attempts)
    delivery.attempts += 1
    return bool(mine.update(attempts=delivery.attempts, due_at=now + timedelta(seconds=pause)))


def _deliver(delivery: Delivery) -> bool:
    body = body_of(delivery)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Heed-Webhooks/1",
        "Heed-Event": delivery.event,
        "Heed-Delivery": str(delivery.event_id),
        "Heed-Signature": signature(delivery.webhook.secret, body, int(timezone.now().timestamp())),
    }
    try:
        answer = post(delivery.webhook.url, body, headers)
        is_heard, delivery.answer = answer.is_success, f"HTTP {answer.status}"
    except NotSent as error:
        is_heard, delivery.answer = False, str(error)
    if is_heard:
        delivery.status, delivery.delivered_at = Status.DELIVERED, timezone.now()
    elif delivery.attempts > len(PAUSES):
        delivery.status = Status.GIVEN_UP
    delivery.save(update_fields=["status", "delivered_at", "answer"])
    logger.info("webhook", event_id=str(delivery.event_id), heard=is_heard, answer=delivery.answer)
    return is_heard


def body_of(delivery: Delivery) -> bytes:
    """The body that is sent, the same in every attempt."""
    body = {
        "id": str(delivery.event_id),
        "event": delivery.event,
        "created_at": delivery.created_at.isoformat(),
        "data": delivery.facts,
    }
    return json.dumps(body, sort_keys=True, ensure_ascii=False).encode()


def _forget(now: datetime) -> None:
    Delivery.objects.filter(created_at__lt=now - KEPT).exclude(status=Status.WAITING).delete()
