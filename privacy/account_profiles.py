"""Profiles of an account: made with what their lists leave out, and deleted with all that is kept of them."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import IdempotencyKey, User
from accounts.selectors import find_profile
from accounts.services import create_profile
from catalog.models import Facet
from core.domain import DOMAIN, FACETS
from core.errors import InvalidInput, NotFound
from feedback.rules import Strength
from feedback.steering import WantedRule, add_rules
from privacy.services import Erased, erase_person
from search.said_wishes import parse_wishes, rules_of

FOR_CHILDREN = "for kids"
# The route of the keys of requests that make a profile; their answers hold its name.
MAKING = "account/profiles"
NO_SUCH_PROFILE = "There is no such profile of your account."


def make_profile(*, account: User, name: str, for_children: bool = False, wishes: str = "") -> User:
    """Makes a profile, whose own rules hold on each of its lists until somebody ends them.

    for_children  nothing that heed.toml calls `grown_up`
    wishes        in words, such as `nothing scary, less war`

    Raises InvalidInput for a bad name, one profile too many, and wishes that name nothing.
    """
    wanted = _grown_up() if for_children else []
    if wishes.strip():
        said = parse_wishes(wishes)
        if said.not_understood or not said.wishes:
            raise InvalidInput(
                f"wishes: “{said.not_understood or wishes.strip()}” names nothing to leave out. "
                "Say it like: nothing scary, less war."
            )
        wanted += rules_of(said, timezone.now())
    with transaction.atomic():
        profile = create_profile(account=account, name=name)
        if wanted:
            add_rules(user_id=profile.pk, wanted=wanted)
    return profile


def own_profile(account: User, profile_id: int) -> User:
    """The profile of this account with this id. Raises NotFound, alike for none and for somebody else's."""
    found = find_profile(account, profile_id)
    if found is None:
        raise NotFound(NO_SUCH_PROFILE)
    return found


def delete_profile(*, account: User, profile_id: int) -> Erased:
    """Deletes a profile and every row about it. Raises NotFound."""
    profile = own_profile(account, profile_id)
    with transaction.atomic():
        of_account = Q(user=account) | Q(user__owner=account)
        IdempotencyKey.objects.filter(of_account, route=MAKING).delete()
        return erase_person(user_id=profile.pk)


def _grown_up() -> list[WantedRule]:
    """The rules that leave out what is not for children: one query."""
    kinds = [kind.name for kind in FACETS.values() if kind.taste]
    facets = Facet.objects.filter(kind__in=kinds, name__in=DOMAIN.search.grown_up).order_by("pk")
    return [WantedRule(Strength.NEVER, facet, words=FOR_CHILDREN) for facet in facets]
