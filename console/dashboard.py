"""The admin's first page: below the overview what dislikes say of the models, over the period of `?days=`."""

from typing import Any

from django.http import HttpRequest

from console.overview import get_overview
from console.panels import make_dashboard
from console.responsiveness import responsiveness_tiles
from console.selectors.feedback import parse_period


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: adds what the first page says to those who may see it.

    `overview` is for staff who may see model versions, `dashboard` for those who may see dislikes, and
    `responsiveness` for those who may see what a no was measured to be worth.
    """
    period = parse_period(request.GET.get("days"))
    may_see_dislikes = request.user.has_perm("feedback.view_dislike")
    if request.user.has_perm("ranking.view_modelversion"):
        context["overview"] = get_overview(period=period, with_dislikes=may_see_dislikes)
    if may_see_dislikes:
        context["dashboard"] = make_dashboard(period)
    if request.user.has_perm("experiments.view_responsivenessreport"):
        context["responsiveness"] = responsiveness_tiles()
    return context
