"""Roles of a person: choosing them, and being asked where a list needs one."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.selectors import caller
from accounts.services import set_roles
from core.domain import ACTIONS, KINDS_BY_WORD, ROLES, USE_CASES, InteractionType, Role
from core.errors import InvalidInput, RoleNeeded
from web.addresses import same_site

View = Callable[[HttpRequest], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """A role as it is offered, with the lists that it opens and what may be done with their items."""

    role: Role
    lists: tuple[str, ...]
    actions: tuple[InteractionType, ...]
    is_held: bool


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def roles(request: HttpRequest) -> HttpResponseBase:
    """The form of the roles that the person has. None is a choice too."""
    back = same_site(request, request.POST.get("next") or request.GET.get("next", ""), reverse("feed"))
    if request.method != "POST":
        return _ask(request, back, status=200)
    try:
        set_roles(user=caller(request), roles=request.POST.getlist("role"))
    except InvalidInput as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(reverse("roles"))
    messages.success(request, "Saved. You can change it at any time.")
    return HttpResponseRedirect(back)


def asks_for_role(view: View) -> View:
    """Lets a view raise RoleNeeded, which asks the person for a role and then goes on to where they wanted.

    Who asks for the list of a role by name, or sends something, is refused with a 403; else it is a page.
    """

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponseBase:
        try:
            return view(request)
        except RoleNeeded:
            is_refused = bool(request.GET.get("use_case")) or request.method == "POST"
            return _ask(request, request.get_full_path(), status=403 if is_refused else 200)

    return answer


def _ask(request: HttpRequest, back: str, *, status: int) -> HttpResponse:
    context = {
        "choices": _choices(caller(request).roles),
        "next": back,
        "asked_kind": KINDS_BY_WORD.get(request.GET.get("kind", "")),
    }
    return render(request, "web/roles.html", context, status=status)


def _choices(held: Collection[str]) -> list[RoleChoice]:
    choices = []
    for role in ROLES.values():
        use_cases = [use_case for use_case in USE_CASES.values() if use_case.role == role.name]
        types = {name for use_case in use_cases for name in use_case.positive_interactions}
        choices.append(
            RoleChoice(
                role=role,
                lists=tuple(use_case.label for use_case in use_cases),
                actions=tuple(row for row in ACTIONS.values() if row.name in types),
                is_held=role.name in held,
            )
        )
    return choices
