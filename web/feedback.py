"""Turning something down without a script, and the page of all that a person turned down."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.selectors import caller
from catalog.models import Item
from core.charts import Bar, bars
from core.domain import CATEGORIES, DISLIKE, KINDS, PEOPLE, REASONS, TYPES
from core.domain.roles import use_cases_of_kind
from core.domain.words import heading_of, reason_label
from core.errors import HeedError
from feedback.effect import in_force
from feedback.models import Dislike
from feedback.rules import standing_rules
from feedback.selectors import (
    DislikePatterns,
    active_dislikes,
    get_dislike_pattern_analysis,
)
from feedback.services import undo_dislike
from feedback.steering import Refusal, add_rules, allow_item, end_rule, refuse_item
from feedback.wording import recorded_sentence, rule_sentence
from ranking.registry.lineage import learned_until
from recommendations.selectors import PUSHED_OUT_DAYS, count_pushed_out
from search.said_wishes import LONGEST, parse_wishes, rules_of
from web.addresses import same_site
from web.forms import DislikeForm
from web.held_back import held_back_of
from web.kept_out import kept_out_by
from web.said import said_chips
from web.views import active_item

PAGE_LENGTH = 20
HELD_BACK_SHOWN = 10

TRENDS = {
    "rising": "You turned down more in the last 30 days than in the 30 before.",
    "falling": "You turned down less in the last 30 days than in the 30 before.",
    "steady": "You turned down as much in the last 30 days as in the 30 before.",
}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dislike(request: HttpRequest, item_id: int) -> HttpResponseBase:
    """Asks whether and why, and records the dislike, as the dialog does, in a page of its own."""
    card = active_item(item_id)
    asked = request.POST if request.method == "POST" else request.GET
    back = same_site(request, asked.get("next", ""), reverse("item", args=[card.id]))
    form = DislikeForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        try:
            saved = _save(caller(request).pk, card.id, form)
        except HeedError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _recorded_message(caller(request).pk, saved))
            return HttpResponseRedirect(back)
    context = {
        "item": card,
        "form": form,
        "reason": asked.get("reason", ""),
        "text": asked.get("feedback_text", ""),
        "session_id": _as_uuid(asked.get("session", "")),
        "back": back,
    }
    return render(request, "web/dislike.html", context, status=400 if form else 200)


@login_required
@require_POST
def undo(request: HttpRequest, dislike_id: int) -> HttpResponseBase:
    """Takes a dislike back and goes back to where the person was."""
    try:
        taken_back = undo_dislike(user_id=caller(request).pk, dislike_id=dislike_id)
    except HeedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, TYPES[DISLIKE].unsaid.format(title=taken_back.title))
    return HttpResponseRedirect(same_site(request, request.POST.get("next", ""), reverse("feedback")))


@login_required
@require_POST
def end_wish(request: HttpRequest, wish_id: int) -> HttpResponseBase:
    """Ends a wish for one's lists and goes back to where the person was."""
    try:
        rule = end_rule(user_id=caller(request).pk, rule_id=wish_id)
    except HeedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"No longer: {rule_sentence(rule)}")
    return HttpResponseRedirect(same_site(request, request.POST.get("next", ""), reverse("feedback")))


@login_required
@require_POST
def say(request: HttpRequest) -> HttpResponseBase:
    """Makes rules of what a person says in their own words, once they have seen what it means."""
    said = parse_wishes(request.POST.get("say", ""))
    try:
        rules = add_rules(user_id=caller(request).pk, wanted=rules_of(said, timezone.now()))
    except HeedError as error:
        messages.error(request, error.message)
    else:
        if rules:
            messages.success(request, " ".join(rule_sentence(rule) for rule in rules))
    return HttpResponseRedirect(reverse("feedback"))


@login_required
@require_POST
def allow(request: HttpRequest, item_id: int) -> HttpResponseBase:
    """Lets one title through, whatever the person said of what it has."""
    card = active_item(item_id)
    try:
        allow_item(user_id=caller(request).pk, item=Item.objects.get(pk=card.id))
    except HeedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{card.title} is let through.")
    return HttpResponseRedirect(same_site(request, request.POST.get("next", ""), reverse("feedback")))


@login_required
@require_safe
def feedback(request: HttpRequest) -> HttpResponse:
    """The person's dislikes, the patterns in them, and their effect on the lists."""
    user_id = caller(request).pk
    page: Page[Dislike] = Paginator(active_dislikes(user_id), PAGE_LENGTH).get_page(request.GET.get("page"))
    patterns = get_dislike_pattern_analysis(user_id=user_id)
    held_back, not_held_back_in = held_back_of(user_id)
    wishes = list(standing_rules(user_id).select_related("facet", "item"))
    kept_out = kept_out_by(caller(request), page.object_list, wishes)
    context = {
        "page": page,
        "say": (typed := request.GET.get("say", "")[:LONGEST]),
        "said": said_chips(typed),
        "dislikes": [(one, kept_out.get(("dislike", one.pk), [])) for one in page.object_list],
        "wishes": [(one, rule_sentence(one), kept_out.get(("wish", one.pk), [])) for one in wishes],
        "learned": _learned(page.object_list),
        "patterns": patterns,
        "trend": TRENDS[patterns.recent_trend],
        "charts": _charts(patterns),
        "held_back": held_back[:HELD_BACK_SHOWN],
        "held_back_more": held_back[HELD_BACK_SHOWN:],
        "not_held_back_in": not_held_back_in,
        "pushed_out": count_pushed_out(user_id=user_id),
        "pushed_out_days": PUSHED_OUT_DAYS,
    }
    return render(request, "web/feedback.html", context)


def _learned(dislikes: Iterable[Dislike]) -> set[int]:
    """The ids of those that a model in service has learned from: its data reaches past their moment."""
    until = learned_until()
    latest = {
        kind: max((until[case.name] for case in use_cases_of_kind(kind) if case.name in until), default=None)
        for kind in KINDS
    }
    return {
        dislike.pk
        for dislike in dislikes
        if REASONS[dislike.reason].weight > 0
        and (moment := latest.get(dislike.item.kind)) is not None
        and dislike.created_at <= moment
    }


def _save(user_id: int, item_id: int, form: DislikeForm) -> Refusal:
    return refuse_item(
        user_id=user_id,
        item=Item.objects.get(pk=item_id),
        scope=form.scope(),
        about=form.cleaned_data["about"],
        reason=form.said_reason(),
        feedback_text=form.cleaned_data["feedback_text"],
        session_id=form.cleaned_data["session"],
    )


def _recorded_message(user_id: int, refusal: Refusal) -> str:
    """The sentence that confirms it, with the way back: its button belongs to the form of every page."""
    rule, saved = refusal.rule, refusal.dislike
    if saved is not None:
        undo = reverse("dislike-undo", args=[saved.dislike.pk])
        sentence = recorded_sentence(in_force(saved.deltas, user_id=user_id, kind=refusal.item.kind))
    if rule is not None:
        sentence = rule_sentence(rule)
        undo = reverse("wish-end", args=[rule.pk]) if saved is None else undo
    return format_html('{} <button class="link" form="actions" formaction="{}">Undo</button>', sentence, undo)


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _charts(patterns: DislikePatterns) -> list[tuple[str, list[Bar]]]:
    reasons = [(reason_label(name), count) for name, count in patterns.reason_distribution.items()]
    charts = [
        ("Your reasons", _bars(sorted(reasons, key=lambda row: -row[1]))),
        (heading_of(CATEGORIES), _bars(patterns.top_categories)),
        (heading_of(PEOPLE), _bars(patterns.top_people)),
    ]
    return [(heading, rows) for heading, rows in charts if rows]


def _bars(rows: Sequence[tuple[str, int]]) -> list[Bar]:
    return bars([(label, "", f"{count:,}", count, "") for label, count in rows])
