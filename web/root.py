"""Addresses where a browser and a program ask for different things (docs/research/seeds.md)."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from profiles.api import FeedbackView
from serving.api import HealthView
from web.feed import feed


def feed_or_health(request: HttpRequest) -> HttpResponseBase:
    """The feed for a browser, `GET /health` for a client that prefers JSON."""
    is_program = request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    response = HealthView.as_view()(request) if is_program else feed(request)
    patch_vary_headers(response, ["Accept"])
    return response


@csrf_exempt  # The view of the API asks for the CSRF token itself where a browser's login is used.
def feedback_or_page(request: HttpRequest) -> HttpResponseBase:
    """`POST /api/feedback` for a program, the way to the page for a browser."""
    if request.method in ("GET", "HEAD"):
        return redirect("feedback")
    return FeedbackView.as_view()(request)
