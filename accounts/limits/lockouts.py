"""Lock-outs of logins, as django-axes counts them."""

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.http import HttpRequest
from django.utils import timezone


class Lockouts(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """The counts of axes, without attempts of a time that has not come: the clock was wrong then."""

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        AccessAttempt.objects.filter(attempt_time__gt=timezone.now()).delete()
        failures: int = super().get_failures(request, credentials)
        return failures
