"""The page of everything a person did, and taking any of it back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.selectors import caller, may_do, use_cases_of
from catalog.selectors import ItemCard, get_cards
from core.domain import ACTIONS, DISLIKE, KINDS, RATED, TYPES
from core.domain.words import done_label
from core.errors import HeedError, InvalidInput, NotFound
from feedback.services import undo_dislike_of_item
from imports.history_formats import WATCHED
from interactions.history import STATES, find_act, read_history, read_looks
from interactions.models import UserInteraction
from interactions.selectors import items_acted_on
from interactions.services import forget_looks, withdraw_state
from recommendations.selectors import RECENT_DAYS, count_passed_over, last_lists_seen, slots_seen
from web.addresses import same_site
from web.forms import HistoryForm

LENGTH = 30
PASSED_OVER, LOOKED_AT, IS_RATED = "passed-over", "looked-at", "rated"
# Of what was passed over, so many titles: those that were seen most often first. So many of what was looked
# at, those of the last looks.
MOST_PASSED_OVER = MOST_LOOKED_AT = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of act that the page can be narrowed to."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A title that the person saw in several lists and did nothing with."""

    item: ItemCard
    times: int
    last: datetime


@login_required
@never_cache
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Everything that a person did, newest first; `?what=` narrows it, `?q=` searches in titles."""
    person = caller(request)
    choices = _choices(person)
    form = HistoryForm(request.GET, choices=[(one.name, one.label) for one in choices])
    context: dict[str, object] = {
        "form": form,
        "choices": choices,
        "what": "",
        "q": "",
        "can_import": WATCHED in ACTIONS,
    }
    if form.is_valid():
        what, text = form.cleaned_data["what"], form.cleaned_data["q"].strip()
        context |= {"what": what, "q": text}
        if what == PASSED_OVER:
            context["passed_over"] = _passed_over(person, text.casefold())
        elif what == LOOKED_AT:
            context["looked_at"] = read_looks(user_id=person.pk, text=text, most=MOST_LOOKED_AT)
        else:
            context |= _acts(person.pk, what, text, form)
    return render(request, "web/history.html", context, status=400 if form.errors else 200)


def _acts(user_id: int, what: str, text: str, form: HistoryForm) -> dict[str, object]:
    try:
        page = read_history(
            user_id=user_id,
            types=STATES if what in ("", IS_RATED) else [what],
            text=text,
            cursor=form.cleaned_data["after"],
            length=LENGTH,
            rated=what == IS_RATED,
        )
    except InvalidInput as error:
        form.add_error(None, error.message)
        return {}
    parameters = {"what": what, "q": text, "after": page.next}
    return {
        "acts": [(act, done_label(act.type)) for act in page.acts],
        "next": urlencode({name: value for name, value in parameters.items() if value}) if page.next else "",
        "is_later": bool(form.cleaned_data["after"]),
    }


def _choices(person: User) -> list[Choice]:
    """Those kinds of act that the person may do with any kind of item, as heed.toml lists them."""
    may = {name for name in STATES for kind in KINDS if may_do(person, kind, name)}
    acts = [Choice(name, done_label(name)) for name in STATES if name in may]
    rated = [Choice(IS_RATED, "Rated")] if RATED else []
    return [*acts, *rated, Choice(LOOKED_AT, "Looked at"), Choice(PASSED_OVER, "Passed over")]


def _passed_over(person: User, text: str) -> list[PassedOver]:
    """The titles seen in the last lists and left alone, those seen most often first: three queries."""
    use_cases = [case.name for kind in KINDS for case in use_cases_of(person, kind)]
    since = timezone.now() - timedelta(days=RECENT_DAYS)
    seen = slots_seen(last_lists_seen(user_id=person.pk, use_cases=use_cases, since=since))
    item_ids = {slot.item_id for slot in seen}
    times = count_passed_over(seen, items_acted_on(user_id=person.pk, item_ids=item_ids))
    last: dict[int, datetime] = {}
    for slot in seen:
        last[slot.item_id] = max(last.get(slot.item_id, slot.shown_at), slot.shown_at)
    found = _matching(get_cards(times).values(), text)
    rows = [PassedOver(card, times[card.id], last[card.id]) for card in found]
    return sorted(rows, key=lambda row: (-row.times, row.item.title))[:MOST_PASSED_OVER]


def _matching(cards: Iterable[ItemCard], text: str) -> list[ItemCard]:
    return [card for card in cards if text in card.title.casefold() or text in card.original_title.casefold()]


@login_required
@require_POST
def undo(request: HttpRequest, act_id: int) -> HttpResponseBase:
    """Takes back what a person did, however long ago. Once more changes nothing."""
    user_id = caller(request).pk
    back = same_site(request, request.POST.get("next", ""), reverse("history"))
    act = find_act(user_id=user_id, act_id=act_id)
    try:
        if act is None:
            raise NotFound("That is taken back already.")
        _take_back(user_id, act)
    except HeedError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, TYPES[act.type].unsaid.format(title=act.item.title))
    return HttpResponseRedirect(back)


@login_required
@require_POST
def forget(request: HttpRequest, item_id: int) -> HttpResponseBase:
    """Takes back that a person looked at an item. Once more changes nothing."""
    back = same_site(request, request.POST.get("next", ""), f"{reverse('history')}?what={LOOKED_AT}")
    try:
        forget_looks(user_id=caller(request).pk, item_id=item_id)
    except NotFound:
        messages.error(request, "That is taken back already.")
    else:
        messages.success(request, "Forgotten. Your lists go by it no more.")
    return HttpResponseRedirect(back)


def _take_back(user_id: int, act: UserInteraction) -> None:
    if act.type == DISLIKE:
        undo_dislike_of_item(user_id=user_id, item_id=act.item_id)
    else:
        withdraw_state(user_id=user_id, item_id=act.item_id, type_name=act.type)
