"""`manage.py deliver_webhooks`: what waits for other programs, for cron (docs/how-to/webhooks.md)."""

from typing import Any

from core.commands import HeedCommand
from webhooks.models import Webhook
from webhooks.services import DeliverySummary, deliver_due


class Command(HeedCommand):
    help = "Look whether the dislike rate left its band, and deliver what waits for webhooks. For cron."

    def run(self, options: dict[str, Any]) -> DeliverySummary:
        if Webhook.objects.filter(is_active=True).exists():
            from webhooks.dislike_rate import queue_dislike_rate

            queue_dislike_rate()
        return deliver_due()
