"""Lock-outs of logins, as django-axes counts them."""

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone


class Lockouts(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """The counts of axes, without attempts that are dated far ahead: the clock was wrong then.

    Those of the next minutes count, because the clocks of two machines differ a little.
    """

    def get_failures(self, request: HttpRequest, credentials: dict[str, Any] | None = None) -> int:
        latest = timezone.now() + settings.AXES_COOLOFF_TIME
        AccessAttempt.objects.filter(attempt_time__gt=latest).delete()
        failures: int = super().get_failures(request, credentials)
        return failures
