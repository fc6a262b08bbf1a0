"""Rows of what is like something the person knows: below the feed, and as a page of their own."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.selectors import caller
from serving.carousels import because_you_watched
from web.onboarding import kinds_with_items
from web.roles import asks_for_role
from web.views import chosen_kind, chosen_use_case

CAROUSELS = 3
# The page is whole at once and its rows are shorter, so that it stays light.
ROW_LENGTH, PAGE_ROW_LENGTH = 10, 8


@login_required
@never_cache
@require_safe
@asks_for_role
def because(request: HttpRequest) -> HttpResponse:
    """The rows as a page, to which the feed's link leads without a script."""
    return render(request, "web/because.html", _rows(request, PAGE_ROW_LENGTH))


@login_required
@never_cache
@require_safe
@asks_for_role
def rows(request: HttpRequest) -> HttpResponse:
    """The rows alone, which the feed takes over. Each is recorded as a session of its own."""
    return render(request, "web/_carousels.html", _rows(request, ROW_LENGTH))


def _rows(request: HttpRequest, length: int) -> dict[str, object]:
    kinds = kinds_with_items()
    kind = chosen_kind(request, kinds)
    if kind is None:
        return {"kinds": kinds, "carousels": []}
    use_case = chosen_use_case(request, kind)
    carousels = because_you_watched(
        user_id=caller(request).pk, use_case=use_case, carousels=CAROUSELS, limit=length
    )
    return {"kinds": kinds, "kind": kind, "use_case": use_case, "carousels": carousels}
