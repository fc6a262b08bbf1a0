"""Signing up, and the first favorites."""

from collections.abc import Collection
from contextlib import suppress

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.selectors import caller
from catalog.selectors import ItemCard, get_cards
from core.domain import DISLIKE, UseCase
from core.errors import NotFound
from feedback.rules import get_rules
from imports.history_formats import WATCHED
from interactions.selectors import active_interactions, get_states
from interactions.services import record_interaction, withdraw_state
from serving.live import get_context
from serving.opening import barred_by
from web.addresses import list_address, query_of
from web.forms import SignUpForm
from web.mail_links import ask_to_confirm
from web.onboarding import kinds_with_items, popular_items
from web.pairs import ENOUGH, Answer, answers_of, keep_answers, next_pair, taken_of
from web.roles import asks_for_role
from web.views import chosen_kind, chosen_use_case

PICKS = 24
# A form with more than this was not made by the page.
MOST_NAMED = 200


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponseBase:
    """Makes an account, logs it in and goes on to the first favorites."""
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = _create_person(form)
        if person is not None:
            login(request, person, backend="django.contrib.auth.backends.ModelBackend")
            if person.email:
                ask_to_confirm(request, person)
            return redirect("welcome")
    return render(request, "registration/signup.html", {"form": form})


def _create_person(form: SignUpForm) -> User | None:
    try:
        with transaction.atomic():
            person: User = form.save()
            return person
    except IntegrityError:
        # Somebody took the name between the check and the insert.
        form.add_error("username", "A user with that username already exists.")
        return None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@asks_for_role
def welcome(request: HttpRequest) -> HttpResponseBase:
    """Pairs of well-known titles to take one of, and more of them to tick; unticking one takes it back.

    Each pick is the first success of the use case: a like of one kind, an application to another.
    """
    kinds = kinds_with_items()
    kind = chosen_kind(request, kinds)
    if kind is None:
        return redirect("feed")
    user_id, use_case = caller(request).pk, chosen_use_case(request, kind)
    if request.method == "POST":
        return _take_picks(request, user_id, use_case)
    answers = answers_of(request, use_case)
    pair, offered = _offered(user_id, use_case, {one for answer in answers for one in answer.shown})
    context = {
        "kind": kind,
        "kinds": kinds,
        "use_case": use_case,
        "pair": pair,
        "answered": taken_of(answers),
        "can_go_back": bool(answers),
        "enough": ENOUGH,
        "offered": offered,
        "picked": _picked(user_id, [card.id for card in offered], use_case),
        "query": query_of(use_case),
        "can_import": WATCHED in kind.actions,
    }
    return render(request, "web/welcome.html", context)


def _offered(
    user_id: int, use_case: UseCase, shown: Collection[int]
) -> tuple[tuple[ItemCard, ItemCard] | None, list[ItemCard]]:
    """The next pair; and to tick, the titles picked before, then well-known ones, none turned down."""
    mine = active_interactions().filter(user_id=user_id, item__kind=use_case.kind)
    said = list(mine.filter(is_state=True).order_by("occurred_at", "pk").values_list("item_id", "type"))
    turned_down = {item_id for item_id, name in said if name == DISLIKE}
    turned_down |= barred_by(get_rules(user_id), get_context(use_case.name).catalog)
    picked = [item_id for item_id, name in said if name == _type_of_pick(use_case)][:PICKS]
    known = [
        card
        for card in popular_items(use_case, PICKS + 2 * ENOUGH + len(turned_down) + len(shown))
        if card.id not in turned_down
    ]
    pair = next_pair(known, {*shown, *(item_id for item_id, _ in said)})
    cards = get_cards(picked)
    for card in known:
        if len(cards) < PICKS and (pair is None or card not in pair):
            cards.setdefault(card.id, card)
    return pair, list(cards.values())


def _type_of_pick(use_case: UseCase) -> str:
    return use_case.positive_interactions[0]


def _picked(user_id: int, item_ids: Collection[int], use_case: UseCase) -> set[int]:
    """The items that are picked already."""
    states = get_states(user_id=user_id, item_ids=item_ids)
    return {item_id for item_id, names in states.items() if _type_of_pick(use_case) in names}


def _take_picks(request: HttpRequest, user_id: int, use_case: UseCase) -> HttpResponse:
    picked, shown = _named(request, "pick", use_case.kind), _named(request, "shown", use_case.kind)
    before, type_name = _picked(user_id, picked | shown, use_case), _type_of_pick(use_case)
    with transaction.atomic():
        for item_id in sorted(picked - before):
            record_interaction(user_id=user_id, item_id=item_id, type_name=type_name)
        for item_id in sorted((shown - picked) & before):
            withdraw_state(user_id=user_id, item_id=item_id, type_name=type_name)
    if request.POST.keys() & {"this", "neither", "back"}:
        return _take_answer(request, user_id, use_case)
    if picked:
        count = "your pick" if len(picked) == 1 else f"your {len(picked)} picks"
        messages.success(request, f"This list follows {count}. It learns from whatever you do here.")
    return redirect(list_address(use_case))


def _take_answer(request: HttpRequest, user_id: int, use_case: UseCase) -> HttpResponse:
    """Records which of two was taken, or takes the last answer back; after enough the list comes next."""
    answers, type_name = answers_of(request, use_case), _type_of_pick(use_case)
    here = f"{reverse('welcome')}?{query_of(use_case)}"
    if "back" in request.POST:
        if answers and (chosen := answers.pop().chosen) is not None:
            with suppress(NotFound):  # It is taken back already, elsewhere.
                withdraw_state(user_id=user_id, item_id=chosen, type_name=type_name)
        keep_answers(request, use_case, answers)
        return redirect(here)
    pair, this = _named(request, "pair", use_case.kind), _named(request, "this", use_case.kind)
    if len(pair) != 2 or not this <= pair or any(pair == set(answer.shown) for answer in answers):
        return redirect(here)
    chosen = next(iter(this), None)
    if chosen is not None:
        record_interaction(user_id=user_id, item_id=chosen, type_name=type_name)
    one, other = sorted(pair)
    answers.append(Answer((one, other), chosen))
    keep_answers(request, use_case, answers)
    if chosen is None or taken_of(answers) != ENOUGH:
        return redirect(here)
    messages.success(
        request, format_html('This list follows your answers. <a href="{}">Answer more</a>', here)
    )
    return redirect(list_address(use_case))


def _named(request: HttpRequest, name: str, kind: str) -> set[int]:
    """The items of `kind` that the form names; anything else in it is passed over."""
    values = request.POST.getlist(name)[:MOST_NAMED]
    ids = [int(value) for value in values if value.isascii() and value.isdigit() and len(value) <= 18]
    return {card.id for card in get_cards(ids).values() if card.kind == kind}
