"""Pages answer 503 with a sentence, not 500, while the database is away."""

import logging
import sys
from collections.abc import Callable

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.errors import DATABASE_AWAY

logger = logging.getLogger(__name__)


class UnavailableDatabaseMiddleware:
    """Turns a lost database connection outside DRF views into a 503 that says to try again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):
            return _unavailable(request)
        return None


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: also reached by errors in middleware, such as a lost session store."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _unavailable(request)
    sentence = "Something went wrong on our side. It has been logged."
    if request.path.startswith("/api/"):
        return JsonResponse({"success": False, "error": sentence}, status=500)
    return HttpResponse(sentence, status=500, content_type="text/plain; charset=utf-8")


def _unavailable(request: HttpRequest) -> HttpResponse:
    logger.error("database unavailable at %s", request.path, exc_info=sys.exc_info())
    headers = {"Retry-After": "2"}
    if request.path.startswith("/api/"):
        return JsonResponse({"success": False, "error": DATABASE_AWAY}, status=503, headers=headers)
    return HttpResponse(DATABASE_AWAY, status=503, content_type="text/plain; charset=utf-8", headers=headers)
