"""The pages of an item and what is done with it, and the watchlist."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.selectors import caller, open_use_case, use_case_for, use_cases_of
from catalog.selectors import ItemCard, get_cards
from core.domain import ACTIONS, DEFAULT_KIND, DISLIKE, KINDS, KINDS_BY_WORD, VIEW, ItemKind, UseCase
from core.errors import HeedError, InvalidInput, NotFound
from interactions.selectors import active_interactions, get_rating, get_states
from interactions.services import record_interaction
from serving.carousels import similar_items
from web.actions import RATED_TAG, perform
from web.addresses import same_site
from web.forms import ActionForm
from web.onboarding import kinds_with_items

SIMILAR_LENGTH = 12
PAGE_LENGTH = 24


def chosen_kind(request: HttpRequest, kinds: list[ItemKind]) -> ItemKind | None:
    """The kind that `?kind=` names, else the first; None where the catalog is empty. Raises Http404."""
    wanted = request.GET.get("kind")
    if not wanted:
        return kinds[0] if kinds else None
    kind = KINDS_BY_WORD.get(wanted)
    if kind is None or kind not in kinds:
        raise Http404
    return kind


def chosen_use_case(request: HttpRequest, kind: ItemKind) -> UseCase:
    """The use case of `kind` that `?use_case=` names, else the first that the person's roles open.

    Raises Http404 where there is none of that name, and RoleNeeded.
    """
    try:
        return use_case_for(caller(request), kind.name, request.GET.get("use_case") or None)
    except InvalidInput as error:
        raise Http404 from error


@require_safe
def item(request: HttpRequest, item_id: int) -> HttpResponse:
    """One item. Opening it records a view, with the list it was met in where `?session=` names one."""
    card = active_item(item_id)
    person = caller(request) if request.user.is_authenticated else None
    similar = _similar_cards(card, person)
    context: dict[str, object] = {"item": card, "session_id": None, "states": set(), "rating": None}
    states: dict[int, set[str]] = {}
    if person is not None:
        user_id = person.pk
        states = get_states(user_id=user_id, item_ids=[card.id, *(near.id for near in similar)])
        context |= {
            "session_id": _record_view(user_id, card.id, request.GET.get("session", "")),
            "states": states.get(card.id, set()),
            "rating": get_rating(user_id=user_id, item_id=card.id),
            "lacks_role": not use_cases_of(person, card.kind),
        }
    context["similar"] = [(near, states.get(near.id, set())) for near in similar]
    return render(request, "web/item.html", context)


def _similar_cards(card: ItemCard, person: User | None) -> list[ItemCard]:
    """The items most similar to an item; nothing where the models do not know it yet."""
    use_case = open_use_case(person, card.kind)
    try:
        user_id = None if person is None else person.pk
        near = similar_items(item_id=card.id, use_case=use_case, limit=SIMILAR_LENGTH, user_id=user_id)
    except NotFound:
        return []
    return [similar.item for similar in near]


def _record_view(user_id: int, item_id: int, named: str) -> UUID | None:
    """Records a view; returns the session if it is the person's own and showed the item, else None."""
    try:
        session_id = UUID(named)
        record_interaction(user_id=user_id, item_id=item_id, type_name=VIEW, session_id=session_id)
    except (ValueError, NotFound):
        record_interaction(user_id=user_id, item_id=item_id, type_name=VIEW)
        return None
    return session_id


@require_POST
def act(request: HttpRequest, item_id: int) -> HttpResponseBase:
    """Does or undoes something with an item and goes back to where the person was."""
    card = active_item(item_id)
    back = same_site(request, request.POST.get("next", ""), reverse("item", args=[card.id]))
    if not request.user.is_authenticated:
        return redirect(f"{reverse('login')}?next={reverse('item', args=[card.id])}")
    form = ActionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "That did not work. Try it again from the page of the title.")
        return HttpResponseRedirect(back)
    asked = form.cleaned_data
    try:
        sentence = perform(
            user_id=caller(request).pk,
            item=card,
            name=asked["action"] or asked["undo"],
            undo=bool(asked["undo"]),
            session_id=asked["session"],
            rating=asked["rating"],
        )
    except HeedError as error:
        messages.error(request, error.message)
    else:
        tag = RATED_TAG if asked["action"] and asked["rating"] is not None else ""
        messages.success(request, _with_way_back(sentence, card, asked["action"]), tag)
    return HttpResponseRedirect(back)


def _with_way_back(sentence: str, card: ItemCard, action: str) -> str:
    """Adds to the sentence of a dislike a link to the page of the item, the only place to take it back."""
    if action != DISLIKE:
        return sentence
    return format_html('{} <a href="{}">Undo on its page</a>', sentence, reverse("item", args=[card.id]))


@login_required
@require_safe
def watchlist(request: HttpRequest) -> HttpResponse:
    """The items that the person kept of the kinds that are kept like the default one, the last first.

    `?kind=` names one that is kept in other ways: what it names is that alone.
    """
    kinds = kinds_with_items()
    others = [kind for kind in kinds if kind.kept and kind.kept != KINDS[DEFAULT_KIND].kept]
    kind = chosen_kind(request, others) if request.GET.get("kind") else None
    alike = KINDS[DEFAULT_KIND] if kind is None else kind
    kept = active_interactions().filter(
        user=caller(request),
        item__is_active=True,
        item__kind__in=[one.name for one in KINDS.values() if one.kept == alike.kept],
        type__in=[ACTIONS[action].name for action in alike.kept],
    )
    # An item may be kept in two ways, and stands here once.
    items = kept.order_by().values("item_id").annotate(last=Max("occurred_at"), newest=Max("pk"))
    ids = items.order_by("-last", "-newest").values_list("item_id", flat=True)
    page: Page[int] = Paginator(ids, PAGE_LENGTH).get_page(request.GET.get("page"))
    cards = get_cards(page.object_list)
    found = [cards[item_id] for item_id in page.object_list if item_id in cards]
    context = {
        "page": page,
        "found": with_states(request, found),
        "kept": kind,
        "others": others,
        "parameters": urlencode({"kind": kind.plural}) if kind else "",
    }
    return render(request, "web/watchlist.html", context)


def with_states(request: HttpRequest, cards: list[ItemCard]) -> list[tuple[ItemCard, set[str]]]:
    """The cards with what stands between each and the person; nothing for visitors."""
    if not request.user.is_authenticated:
        return [(card, set()) for card in cards]
    states = get_states(user_id=caller(request).pk, item_ids=[card.id for card in cards])
    return [(card, states.get(card.id, set())) for card in cards]


def active_item(item_id: int) -> ItemCard:
    """The item to show, with its attributes. Raises Http404 where there is none, or it is hidden."""
    card = get_cards([item_id], with_attributes=True).get(item_id)
    if card is None:
        raise Http404
    return card
