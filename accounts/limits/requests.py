"""The callers of requests and what they do, at the API and at the pages."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from django.contrib.auth.signals import user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.limits.counting import COUNTS
from accounts.limits.rules import Rule, rules
from accounts.models import ServiceToken, User
from core.client_address import client_address
from core.domain import DISLIKE

_READS = ("GET", "HEAD", "OPTIONS")
# Names of pages by what they do: read, and written to. Every other write is an event, and so is to open an
# item, which is put on record.
_READ = {
    "item": "events",
    "my-data-download": "imports",
    "feed": "lists",
    "feed-again": "lists",
    "because-rows": "lists",
    "because": "lists",
    "together": "lists",
    "what-if": "lists",
    "search": "search",
}
_WRITTEN = {
    "signup": "sign-up",
    "password-forgotten": "password-reset",
    "mail-send": "password-reset",
    "dislike": "dislikes",
    "history-import": "imports",
}
# Wherever a password is asked for, wrong ones are counted together.
_LOGINS = (
    *("login", "admin:login", "admin:password_change"),
    *("account-mail", "log-out-everywhere", "password-change", "my-data-erase"),
)


class TooOften(Throttled):
    """A 429 with the seconds to wait."""

    default_detail = "That was too often."
    extra_detail_singular = "Try again in {wait} second."
    extra_detail_plural = "Try again in {wait} seconds."


class RequestLimits(BaseThrottle):
    """The limits of the API: a view says in `limited_as` what it does, and every other write is an event."""

    def allow_request(self, request: Request, view: object) -> bool:
        """True; raises TooOften where a limit is reached."""
        action = getattr(view, "limited_as", "")
        if request.method in _READS and (request.method == "OPTIONS" or action in ("", "dislikes")):
            return True
        done = {action: 1} if action else _written(request)
        if wait := max(_take(request, name, cost) for name, cost in done.items() if cost):
            raise TooOften(wait)
        return True


class LimitsMiddleware:
    """The limits of the pages."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if hasattr(view, "cls") or request.resolver_match is None:
            return None
        name = request.resolver_match.view_name
        if name in _LOGINS and request.method == "POST":
            return _refusal(_spent_by_logins(request))
        is_read = request.method in _READS
        action = _READ.get(name, "") if is_read else _WRITTEN.get(name, "events")
        if name == "act" and request.POST.get("action") == DISLIKE:
            action = "dislikes"
        # Visitors have no list and are not put on record: what they are shown is the same for all.
        if not action or (is_read and action != "search" and not request.user.is_authenticated):
            return None
        return _refusal(_take(request, action, 1))


def _take(request: HttpRequest | Request, action: str, cost: int) -> float:
    """Counts what a request does; the seconds to wait where a limit is reached, else 0."""
    rule = rules().get(action)
    if rule is None:
        return 0.0
    return max((COUNTS.take(one, who, cost) for one, who in _counted(request, rule)), default=0.0)


def _counted(request: HttpRequest | Request, rule: Rule) -> Iterator[tuple[Rule, str]]:
    """All who are counted for a request, each with their limit.

    A program answers for itself alone: behind it are many people, and its address is that of all of them.
    """
    token = getattr(request, "auth", None)
    if isinstance(token, ServiceToken):
        yield rule.times(rule.program), f"program {token.pk}"
        return
    if isinstance(request.user, User):
        yield rule, f"person {request.user.account_id}"
    if address := client_address(request):
        yield rule.times(rule.address), f"address {address}"


def _written(request: Request) -> dict[str, int]:
    """The number of things that a request writes, of each limit: those of a batch, and its noes apart."""
    body = request.data if isinstance(request.data, dict) else {}
    rows = body.get("interactions", [body])
    rows = rows if isinstance(rows, list) and rows else [body]
    noes = sum(
        isinstance(row, dict) and DISLIKE in (row.get("type"), row.get("interaction_type")) for row in rows
    )
    return {"dislikes": noes, "events": len(rows) - noes}


def _spent_by_logins(request: HttpRequest) -> float:
    rule, address = rules().get("login"), client_address(request)
    return COUNTS.spent(rule, f"address {address}") if rule and address else 0.0


@receiver(user_login_failed)
def _count_failed_login(sender: object, request: HttpRequest | None = None, **_: object) -> None:
    rule = rules().get("login")
    if rule and request is not None and (address := client_address(request)):
        COUNTS.take(rule, f"address {address}")


def _refusal(wait: float) -> HttpResponse | None:
    """The page that says when to try again; None where there is nothing to wait for."""
    if not wait:
        return None
    detail = str(TooOften(wait).detail)
    return HttpResponse(
        render_to_string("500.html", {"sentence": detail}),
        status=429,
        headers={"Retry-After": str(ceil(wait))},
    )
