"""Signing up, and the first favorites."""

from collections.abc import Collection

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.selectors import caller
from catalog.selectors import ItemCard, get_cards
from core.domain import DISLIKE, UseCase
from feedback.rules import get_rules
from interactions.selectors import active_interactions, get_states
from interactions.services import record_interaction, withdraw_state
from serving.live import get_context
from serving.pipeline import barred_by
from web.addresses import list_address, query_of
from web.forms import SignUpForm
from web.onboarding import kinds_with_items, popular_items
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
    """Well-known titles to pick favorites from; unticking one takes it back.

    Each pick is the first success of the use case: a like of one kind, an application to another.
    """
    kinds = kinds_with_items()
    kind = chosen_kind(request, kinds)
    if kind is None:
        return redirect("feed")
    user_id, use_case = caller(request).pk, chosen_use_case(request, kind)
    if request.method == "POST":
        return _take_picks(request, user_id, use_case)
    offered = _offered(user_id, use_case)
    context = {
        "kind": kind,
        "kinds": kinds,
        "use_case": use_case,
        "offered": offered,
        "picked": _picked(user_id, [card.id for card in offered], use_case),
        "query": query_of(use_case),
    }
    return render(request, "web/welcome.html", context)


def _offered(user_id: int, use_case: UseCase) -> list[ItemCard]:
    """The titles picked before, then well-known titles, none that the person turned down."""
    mine = active_interactions().filter(user_id=user_id, item__kind=use_case.kind)
    picked = mine.filter(type=_type_of_pick(use_case)).order_by("occurred_at", "pk")
    cards = get_cards(picked.values_list("item_id", flat=True)[:PICKS])
    turned_down = set(mine.filter(type=DISLIKE).values_list("item_id", flat=True))
    turned_down |= barred_by(get_rules(user_id), get_context(use_case.name).catalog)
    for card in popular_items(use_case, PICKS + len(turned_down)):
        if len(cards) < PICKS and card.id not in turned_down:
            cards.setdefault(card.id, card)
    return list(cards.values())


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
    if picked:
        count = "your pick" if len(picked) == 1 else f"your {len(picked)} picks"
        messages.success(request, f"This list follows {count}. It learns from whatever you do here.")
    return redirect(list_address(use_case))


def _named(request: HttpRequest, name: str, kind: str) -> set[int]:
    """The items of `kind` that the form names; anything else in it is passed over."""
    values = request.POST.getlist(name)[:MOST_NAMED]
    ids = [int(value) for value in values if value.isascii() and value.isdigit() and len(value) <= 18]
    return {card.id for card in get_cards(ids).values() if card.kind == kind}
