"""Errors that arise outside DRF's views, answered as the API and the pages promise."""

import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponsePermanentRedirect,
    JsonResponse,
)
from django.middleware.common import CommonMiddleware
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.http import escape_leading_slashes
from django.views.defaults import page_not_found

from core.database import in_one_line, is_away, is_still_referred_to, is_unstorable, logged
from core.errors import ACCOUNT_GONE, DATABASE_AWAY, STILL_REFERRED_TO, UNSTORABLE_VALUE, AccountGone

logger = structlog.stdlib.get_logger(__name__)

# Requests that Django refuses before a view is reached: an unknown address, a request it cannot read.
_REFUSALS = {
    400: "This request is not well-formed.",
    403: "You may not do this.",
    404: "There is nothing at this address.",
}


class ErrorsMiddleware:
    """Turns a lost database connection outside DRF views into a 503 that says to try again.

    A value that no column can hold is a 400, wherever no form refused it; what is deleted while something of
    a newer release refers to it, a 409.
    Who was erased in the middle of their own request is sent to the start, where they are told; the API,
    whose views let through what they do not know, answers 401.
    At the addresses of the API it also turns Django's own error pages into the JSON that every other error
    there has.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # `sessionid="\000…"` is decoded to a NUL, which PostgreSQL refuses to be asked about.
        request.COOKIES = {name: value for name, value in request.COOKIES.items() if "\0" not in value}
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if is_page and response.status_code in _REFUSALS and _is_api(request):
            response = _json_error(_REFUSALS[response.status_code], response.status_code)
        # What is made for a request is for whoever sent it: no proxy may keep it for the next one.
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if is_away(exception):
            return _unavailable(request, exception)
        if is_unstorable(exception):
            logger.error("value refused by the database", path=request.path, exc_info=exception)
            return _refusal(request, UNSTORABLE_VALUE, 400)
        was_erased = isinstance(exception, DatabaseError) and _is_gone(request)
        if was_erased or isinstance(exception, AccountGone):
            return _account_gone(request)
        if is_still_referred_to(exception):
            logger.error("still referred to", path=request.path, error=in_one_line(exception))
            return _refusal(request, STILL_REFERRED_TO, 409)
        return None


class SlashMiddleware(CommonMiddleware):
    """Django's CommonMiddleware, which sends on to a page's address with its slash; a write keeps its body.

    Django refuses a write there in debug mode with an exception, and makes a GET of it elsewhere.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.status_code == 404 and self.should_redirect_with_slash(request):
            address = escape_leading_slashes(request.get_full_path(force_append_slash=True))
            is_read = request.method in ("GET", "HEAD")
            return HttpResponsePermanentRedirect(address, preserve_request=not is_read)
        return super().process_response(request, response)


def without_charset(application: WSGIApplication) -> WSGIApplication:
    """`application`, never told of a charset: what we are sent is UTF-8, whatever the header says.

    Django looks the name up before any middleware could catch it, and `charset=rot13` makes it raise.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        content_type = environ.get("CONTENT_TYPE", "")
        environ["CONTENT_TYPE"] = re.sub(r";\s*charset\b[^;]*", "", content_type, flags=re.IGNORECASE)
        return application(environ, start_response)

    return answer


class PolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy, built once for all answers to which nothing is added."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The answer with its policy. JSON is read by programs, which run nothing of it."""
        if response.headers.get("Content-Type") != "application/json" or hasattr(request, "_csp_nonce"):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _plain_policy())
        return response


@cache
def _plain_policy() -> str:
    return build_policy()


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler404`. A program at an address of the API gets JSON, and no page is made for it."""
    if _is_api(request):
        return _json_error(_REFUSALS[404], 404)
    return page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: also reached by errors in middleware, such as a lost session store."""
    error = sys.exc_info()[1]
    if error is not None and is_away(error):
        return _unavailable(request, error)
    return _refusal(request, "Something went wrong on our side. It has been logged.", 500)


def _unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    logger.error("database unavailable", path=request.path, error=in_one_line(error))
    response = _refusal(request, DATABASE_AWAY, 503)
    response.headers["Retry-After"] = "2"
    return logged(response)


def _is_gone(request: HttpRequest) -> bool:
    """True where the caller was logged in and has no account any more: the reason of a refused write."""
    person = getattr(request, "user", None)
    if person is None or person.pk is None:
        return False
    return not get_user_model().objects.filter(pk=person.pk).exists()


def _account_gone(request: HttpRequest) -> HttpResponse:
    """The login ended with the account, so that what comes next is what visitors see."""
    if _is_api(request):
        return _json_error(ACCOUNT_GONE, AccountGone.status)
    messages.error(request, ACCOUNT_GONE, fail_silently=True)
    return redirect("feed")


def _is_api(request: HttpRequest) -> bool:
    """True where JSON is expected: under /api/, and at the views of the API that stand elsewhere."""
    match = request.resolver_match
    return request.path.startswith("/api/") or (match is not None and hasattr(match.func, "cls"))


def _refusal(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    """JSON under /api/; else a page that needs neither the database nor the session nor static files."""
    if _is_api(request):
        return _json_error(sentence, status)
    return HttpResponse(render_to_string("500.html", {"sentence": sentence}), status=status)


def _json_error(sentence: str, status: int) -> HttpResponse:
    return JsonResponse({"success": False, "error": sentence}, status=status)
