"""The page of what would be: one's list without one act, beside the list of now; nothing is kept."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.selectors import caller
from core.domain import DISLIKE
from core.domain.words import done_label
from core.errors import HeedError
from interactions.history import find_act
from interactions.models import UserInteraction
from serving.pipeline import DEFAULT_LIMIT
from serving.what_if import Supposition, acts_to_leave_out, what_if
from web.addresses import query_of
from web.onboarding import kinds_with_items
from web.roles import asks_for_role
from web.views import chosen_kind, chosen_use_case

_GONE = "That does not stand any more, so there is nothing to leave out. Choose another title."
# Longer than any id.
_LONGEST = 18


@login_required
@never_cache
@require_safe
@asks_for_role
def what_if_page(request: HttpRequest) -> HttpResponse:
    """The form; with `?without=`, an act of the person, both lists."""
    person, kinds = caller(request), kinds_with_items()
    given = request.GET.get("without", "")
    act = _act(person.pk, given)
    kind = chosen_kind(request, kinds)
    if act is not None and not request.GET.get("kind"):
        kind = next((one for one in kinds if one.name == act.item.kind), kind)
    context: dict[str, object] = {
        "kinds": kinds,
        "kind": kind,
        "acts": acts_to_leave_out(person.pk),
        "act": act,
        "given": given,
    }
    if kind is None or not given:
        return render(request, "web/what_if.html", context)
    if act is None:
        return render(request, "web/what_if.html", {**context, "error": _GONE}, status=404)
    use_case = chosen_use_case(request, kind)
    try:
        compared = what_if(
            user_id=person.pk, use_case=use_case, limit=DEFAULT_LIMIT, supposed=Supposition(without=act)
        )
    except HeedError:
        return render(request, "web/what_if.html", {**context, "error": _GONE}, status=404)
    context |= {
        "use_case": use_case,
        "query": query_of(use_case),
        "compared": compared,
        "now": [(slot, slot in compared.left) for slot in compared.now.served.slots],
        "is_dislike": act.type == DISLIKE,
        "said": done_label(act.type),
    }
    return render(request, "web/what_if.html", context)


def _act(user_id: int, text: str) -> UserInteraction | None:
    """The person's own act that an id names; None where none of theirs stands."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST):
        return None
    return find_act(user_id=user_id, act_id=int(text))
