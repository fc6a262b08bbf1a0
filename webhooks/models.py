"""Webhooks as staff define them, and what waits to be delivered to them."""

import secrets
import uuid

from django.core.exceptions import ValidationError
from django.db import models

from catalog.models import validate_web_address
from core.announcements import ALERT_BEGAN, ALERT_ENDED, MODEL_ACTIVATED, MODEL_REJECTED, RETRAIN_FAILED
from core.web_addresses import MAX_WEB_ADDRESS

DISLIKE_RATE = "dislike_rate.out_of_band"
# The events that a webhook may ask for, and what each says.
EVENTS = {
    MODEL_ACTIVATED: "a model version serves from now on",
    MODEL_REJECTED: "a model version was not good enough, or was rolled back",
    RETRAIN_FAILED: "a run of retraining ended with an error",
    ALERT_BEGAN: "something left its band, as the admin shows under Alerts",
    ALERT_ENDED: "what an alert told of is over",
    DISLIKE_RATE: "the share of what was seen that was turned down left its usual band",
}


def new_secret() -> str:
    """A secret of 256 random bits."""
    return "whsec_" + secrets.token_urlsafe(32)


def check_events(value: object) -> None:
    """Raises ValidationError for anything but a list of events that there are."""
    if not isinstance(value, list) or not value or not {*map(str, value)} <= EVENTS.keys():
        raise ValidationError(f"Events are a list of {', '.join(EVENTS)}.")


class Webhook(models.Model):
    """An address that is told of events. Its secret is kept as it is, because bodies are signed with it."""

    url = models.CharField("URL", max_length=MAX_WEB_ADDRESS, validators=[validate_web_address])
    events = models.JSONField(default=list, validators=[check_events])
    description = models.CharField(max_length=200, blank=True)
    secret = models.CharField(max_length=100, default=new_secret, editable=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.description or self.url


class Delivery(models.Model):
    """One event for one webhook: what is sent, and how far that got."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        GIVEN_UP = "given up"

    # Its index is the beginning of `one_delivery_per_event`.
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event_id = models.UUIDField(default=uuid.uuid4)
    event = models.CharField(max_length=64)
    facts = models.JSONField()
    created_at = models.DateTimeField(db_index=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(help_text="when it is tried next")
    delivered_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=300, blank=True, help_text="what came of the last attempt")

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["due_at"], name="delivery_due", condition=models.Q(status="waiting")),
        ]
        constraints = [models.UniqueConstraint(fields=["webhook", "event_id"], name="one_delivery_per_event")]

    def __str__(self) -> str:
        return f"{self.event} {self.event_id}"
