"""The feed: a list of one kind for a person, narrowed and sorted as they like, page after page."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.selectors import caller, open_use_case, use_cases_of
from core.domain import ROLES, UseCase
from core.domain.words import listed
from core.errors import InvalidInput, NotFound
from feedback.rules import Strength, standing_rules
from serving.list_request import ListRequest
from serving.pipeline import MAX_LIMIT, recommend
from web.addresses import query_of
from web.filters import FeedFilters, choices_of
from web.onboarding import kinds_with_items, popular_items
from web.roles import asks_for_role
from web.views import chosen_kind, chosen_use_case

# The first pick stands large above the rest; 24 fill whole rows of two, three, four and six.
FEED_LENGTH, MORE_LENGTH = 25, 24
LANDING_LENGTH = 12


@require_safe
@asks_for_role
def feed(request: HttpRequest) -> HttpResponse:
    """The person's list of one kind, recorded as a session; for visitors, what this place is."""
    kinds = kinds_with_items()
    kind = chosen_kind(request, kinds)
    if not request.user.is_authenticated:
        picks = popular_items(open_use_case(None, kind.name), LANDING_LENGTH) if kind else []
        return render(request, "web/landing.html", {"picks": picks, "kind": kind})
    if kind is None:
        return render(request, "web/feed.html", {"served": None})
    person, use_case = caller(request), chosen_use_case(request, kind)
    context = _served(request, person, use_case)
    context |= {
        "kinds": kinds,
        "kind": kind,
        "use_cases": use_cases_of(person, kind.name),
        "role": ROLES.get(use_case.role or ""),
        "blocked": "" if context["served"].slots else _blocked_in_words(person.pk),
    }
    return render(request, "web/feed.html", context)


@login_required
@never_cache
@require_safe
@asks_for_role
def feed_again(request: HttpRequest) -> HttpResponse:
    """The list alone, for the feed to take over: made anew after a no, or the page behind it."""
    kind = chosen_kind(request, kinds_with_items())
    if kind is None:
        raise Http404
    person, use_case = caller(request), chosen_use_case(request, kind)
    return render(request, "web/_wall.html", _served(request, person, use_case))


def _served(request: HttpRequest, person: User, use_case: UseCase) -> dict[str, Any]:
    """The list that the address asks for, by the very request that the API would make of it.

    Raises Http404 for filters that there are not, and for a page that is not the person's.
    """
    filters = FeedFilters(request.GET, choices_of(use_case.kind))
    if not filters.is_valid():
        raise Http404
    cursor = request.GET.get("cursor", "")
    given: dict[str, Any] = {"cursor": cursor} if cursor else {**filters.asked(), "use_case": use_case.name}
    given["limit"] = _length(request, is_more=bool(cursor))
    try:
        asked = ListRequest.of_page(given, person.pk)
        # Of another use case the page before is not found.
        served = recommend(user_id=person.pk, use_case=use_case, limit=asked.limit, wishes=asked.wishes)
    except (InvalidInput, NotFound) as error:
        raise Http404 from error
    return {
        "use_case": use_case,
        "query": query_of(use_case),
        "filters": filters,
        "narrowed": filters.query(),
        "served": served,
        "session_id": served.session_id,
        "is_more": bool(cursor),
        "cursor": asked.cursor_after(served, person.pk),
    }


def _length(request: HttpRequest, *, is_more: bool) -> int:
    """The length of the list: that of a page, or as many as stand there when a whole wall is made anew."""
    text = request.GET.get("length", "")
    if text.isascii() and text.isdecimal() and len(text) <= 4 and not is_more:
        return min(MAX_LIMIT, max(FEED_LENGTH, int(text)))
    return MORE_LENGTH if is_more else FEED_LENGTH


def _blocked_in_words(user_id: int) -> str:
    """The sentence that says which wishes leave nothing to show; "" where none blocks anything."""
    rules = standing_rules(user_id).filter(strength=Strength.NEVER).exclude(facet=None)
    names = list(rules.values_list("facet__name", flat=True))
    return f"You never want {listed(names)}, and what is left you chose or turned down." if names else ""
