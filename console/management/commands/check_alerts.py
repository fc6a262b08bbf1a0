"""`manage.py check_alerts`: what left its band, for cron (docs/how-to/operations.md)."""

from typing import Any

from console.alerts.keeping import AlertSummary, check_alerts
from core.commands import HeedCommand


class Command(HeedCommand):
    help = "Look for what is wrong, begin and end alerts, and tell staff by mail and webhook. For cron."

    def run(self, options: dict[str, Any]) -> AlertSummary:
        return check_alerts()
