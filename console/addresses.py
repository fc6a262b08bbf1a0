"""Addresses of the admin's lists, filtered as a figure counts, so that it can be followed to its rows."""

from datetime import datetime

from django.urls import reverse
from django.utils.http import urlencode

from feedback.models import Dislike

_DISLIKES = "admin:feedback_dislike_changelist"


def counted_dislikes_address(since: datetime, until: datetime, **chosen: str) -> str:
    """The list of what `counted_dislikes` counts, filtered by fields that have these values."""
    counted = [state for state in Dislike.ReviewState.values if state != Dislike.ReviewState.EXCLUDED]
    period = {"created_at__gte": since.isoformat(), "created_at__lt": until.isoformat()}
    query = urlencode({**period, "review_state__in": ",".join(counted), "stands": "yes"})
    return f"{_filtered(_DISLIKES, chosen)}{'&' if chosen else '?'}{query}"


def dislikes_to_review_address() -> str:
    """The list of what `dislikes_to_review` counts."""
    return f"{_filtered(_DISLIKES, {'review_state': Dislike.ReviewState.NEW.value})}&stands=yes"


def versions_address(**chosen: str) -> str:
    """The list of model versions, filtered by fields that have these values."""
    return _filtered("admin:ranking_modelversion_changelist", chosen)


def alerts_address() -> str:
    """The list of the alerts that are on."""
    return f"{reverse('admin:console_alert_changelist')}?on=yes"


def _filtered(name: str, chosen: dict[str, str]) -> str:
    query = urlencode({f"{field}__exact": value for field, value in chosen.items()})
    return f"{reverse(name)}?{query}" if query else reverse(name)
