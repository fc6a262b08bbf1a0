"""A page for staff on one item: how often it is shown and where, how people respond, and what is like it."""

from typing import Any

import numpy as np
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from catalog.models import Item
from console.panels import Panel
from console.rules.pages import lists_of, people_of
from console.selectors.items import USUAL_WEEKS, WEEKS, ItemWeek, get_item_figures, label_of
from core.charts import Point, column_chart
from core.domain import KINDS, REASONS, UseCase
from core.domain.roles import use_cases_of_kind
from core.errors import NotFound
from curation.models import Rule
from feedback.patterns import reasons_against
from serving.carousels import SimilarItem, similar_items
from serving.live import get_state

NEIGHBORS = 12


@require_GET
def item_page(request: HttpRequest, item_id: int) -> HttpResponse:
    """The page, for those who may see items and lists."""
    may_see = ("catalog.view_item", "recommendations.view_recommendationsession")
    if not request.user.has_perms(may_see):
        raise PermissionDenied
    item = get_object_or_404(Item, pk=item_id)
    weeks = _weeks(request.GET.get("weeks", ""))
    figures = get_item_figures(item_id=item.pk, kind=item.kind, weeks=weeks, now=timezone.now())
    reasons = reasons_against(item_id=item.pk) if request.user.has_perm("feedback.view_dislike") else []
    may_see_rules = request.user.has_perm("curation.view_rule")
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": item.title,
        "item": item,
        "kind": KINDS.get(item.kind),
        "figures": figures,
        "is_sampled": figures.is_sampled,
        "weeks": weeks,
        "choices": WEEKS,
        "panels": _panels(figures.weeks),
        "places": [(label_of(one.use_case), one, one.mean_rank) for one in figures.places],
        "reasons": [(_reason(name), count) for name, count in reasons],
        "rules": _rules(item) if may_see_rules else [],
        "neighbors": [(one, _neighbors(item.pk, one)) for one in use_cases_of_kind(item.kind)],
    }
    return render(request, "admin/item_page.html", context)


def _rules(item: Item) -> list[tuple[Rule, str, str]]:
    """The rules of staff that now act on lists and name the item, with whose lists these are: two queries."""
    now = timezone.now().timestamp()
    rule_ids = {
        rule.rule_id
        for use_case in use_cases_of_kind(item.kind)
        for rule in get_state(use_case.name).rules
        if rule.begins <= now < rule.ends and rule.names(np.array([item.pk])).any()
    }
    found = Rule.objects.filter(pk__in=rule_ids).select_related("item").order_by("pk")
    return [(rule, lists_of(rule), people_of(rule)) for rule in found]


def _weeks(text: str) -> int:
    """The number of weeks that an address names, which is one of WEEKS. Raises Http404."""
    if not text:
        return USUAL_WEEKS
    found = next((weeks for weeks in WEEKS if text == str(weeks)), None)
    if found is None:
        raise Http404
    return found


def _reason(name: str) -> str:
    return REASONS[name].label if name in REASONS else name


def _neighbors(item_id: int, use_case: UseCase) -> tuple[SimilarItem, ...]:
    """The items like it as they are served; none where the catalog of the lists does not have it."""
    try:
        return similar_items(item_id=item_id, use_case=use_case, limit=NEIGHBORS)
    except NotFound:
        return ()


def _panels(weeks: list[ItemWeek]) -> list[Panel]:
    """Impressions, response rate and dislike rate by week."""
    seen = [Point(_day(week), week.tally.seen or None, _seen(week)) for week in weeks]
    taken = [
        Point(_day(week), week.tally.response_rate, _share(week.tally.taken, week.tally.seen))
        for week in weeks
    ]
    disliked = [
        Point(_day(week), week.tally.dislike_rate, _share(week.tally.disliked, week.tally.seen))
        for week in weeks
    ]
    return [
        _panel("Impressions", "Slots with it that people really saw.", "impressions", seen, "{:,.0f}"),
        _panel(
            "Response rate", "Liked, kept or otherwise taken up, per impression.", "share", taken, "{:.1%}"
        ),
        _panel("Dislike rate", "Turned down, per impression.", "share", disliked, "{:.1%}"),
    ]


def _panel(title: str, note: str, unit: str, points: list[Point], scale: str) -> Panel:
    return Panel(
        f"{title} per week", note, ("week from", unit), column_chart(f"{title} per week", points, scale=scale)
    )


def _day(week: ItemWeek) -> str:
    return f"{week.first:%d %b}".lstrip("0")


def _seen(week: ItemWeek) -> str:
    tally, lists = week.tally, "list" if week.made == 1 else "lists"
    of = "" if week.looked == week.made else f"the last {week.looked:,} of "
    return f"{tally.seen:,} seen of {tally.shown:,} shown in {of}{week.made:,} {lists}"


def _share(count: int, seen: int) -> str:
    return f"{count / seen:.1%}: {count:,} of {seen:,}" if seen else "nobody saw it"
