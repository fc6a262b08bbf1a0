"""A list for two: somebody gives a link to the one beside them, who opens it and sees what both like."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.selectors import caller
from core.errors import InvalidInput
from serving.together import invite, read_invitation, recommend_together
from web.addresses import query_of
from web.feed import FEED_LENGTH
from web.onboarding import kinds_with_items
from web.roles import asks_for_role
from web.views import chosen_kind, chosen_use_case


@login_required
@never_cache
@require_safe
@asks_for_role
def together(request: HttpRequest) -> HttpResponse:
    """The person's own link; with the link of another, the list of both, recorded as one of the caller's."""
    person, kinds = caller(request), kinds_with_items()
    kind = chosen_kind(request, kinds)
    given = request.GET.get("with", "")
    link = f"{reverse('together')}?with={invite(person)}"
    context: dict[str, object] = {"link": request.build_absolute_uri(link), "given": given, "kinds": kinds}
    if not given or kind is None:
        return render(request, "web/together.html", context)
    try:
        other = read_invitation(given, person)
    except InvalidInput as error:
        return render(request, "web/together.html", context | {"error": error.message}, status=400)
    use_case = chosen_use_case(request, kind)
    served = recommend_together(user_id=person.pk, other_id=other.pk, use_case=use_case, limit=FEED_LENGTH)
    context |= {
        "other": other,
        "kind": kind,
        "use_case": use_case,
        "query": query_of(use_case),
        "served": served,
        "session_id": served.session_id,
        "is_together": True,
    }
    return render(request, "web/together.html", context)
