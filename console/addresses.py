"""Addresses of the admin's lists, filtered as a figure counts, so that it can be followed to its rows."""

from django.urls import reverse
from django.utils.http import urlencode


def dislikes_address(**chosen: str) -> str:
    """The list of dislikes, filtered by fields that have these values."""
    return _filtered("admin:feedback_dislike_changelist", chosen)


def dislikes_to_review_address() -> str:
    """The list of what `dislikes_to_review` counts."""
    return f"{dislikes_address(review_state='new')}&stands=yes"


def versions_address(**chosen: str) -> str:
    """The list of model versions, filtered by fields that have these values."""
    return _filtered("admin:ranking_modelversion_changelist", chosen)


def _filtered(name: str, chosen: dict[str, str]) -> str:
    query = urlencode({f"{field}__exact": value for field, value in chosen.items()})
    return f"{reverse(name)}?{query}" if query else reverse(name)
