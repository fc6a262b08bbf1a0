"""The one who acts in a request: an account, or the profile of it that the browser or a header names.

Only here an account becomes one of its profiles. Whatever comes after knows a person and asks no more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeAlias

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in
from django.db.models import Q
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.utils.functional import SimpleLazyObject
from rest_framework.exceptions import PermissionDenied

from accounts.models import User
from accounts.selectors import account_of, find_profile, profiles_of
from core.values import ID

if TYPE_CHECKING:
    from rest_framework.request import Request

P = ParamSpec("P")
View: TypeAlias = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

PROFILE_HEADER = "X-Profile"
PROFILE_KEY = "profile"
"""The key of a browser's session under which the id of the profile in use stands."""
NAMES_KEY = "profiles"
"""The key under which ids and names of the profiles stand, for the menu of each page."""
NO_SUCH_PROFILE = f"{PROFILE_HEADER} names no profile of this account."


class ActingMiddleware(AuthenticationMiddleware):
    """Django's own, which finds the account; where the browser uses a profile of it, that acts."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _person_of(request))  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Choice:
    """An account or a profile of it to change to."""

    pk: int
    shown_name: str


def choices(request: HttpRequest) -> list[Choice]:
    """The account and its profiles without the one that acts, as this browser knows them: no query."""
    if not isinstance(request.user, User):
        return []
    account = account_of(request.user)
    known = request.session.get(NAMES_KEY, ())
    people = [Choice(account.pk, account.shown_name), *(Choice(pk, name) for pk, name in known)]
    return [one for one in people if one.pk != request.user.pk]


def remember_profiles(request: HttpRequest, account: User) -> list[User]:
    """The profiles of the account, whose names the browser's session keeps from now on: one query."""
    profiles = list(profiles_of(account))
    names = [[profile.pk, profile.profile_name] for profile in profiles]
    if names != request.session.get(NAMES_KEY, []):
        request.session[NAMES_KEY] = names
    return profiles


@receiver(user_logged_in)
def _remember_at_login(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    remember_profiles(request, user)


def use_profile(request: HttpRequest, profile: User | None) -> None:
    """Makes a browser act as a profile of its account from now on; None for the account itself."""
    if profile is None:
        request.session.pop(PROFILE_KEY, None)
    else:
        request.session[PROFILE_KEY] = profile.pk


def as_account(view: View[P]) -> View[P]:
    """Makes the account the one who acts in a view, whichever of its profiles the browser uses."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if isinstance(request.user, User):
            request.user = account_of(request.user)
        return view(request, *args, **kwargs)

    return answer


def asked_profile_id(request: "Request") -> int | None:
    """The id in the header; None where there is no such header. Raises PermissionDenied for what is no id."""
    text = request.headers.get(PROFILE_HEADER)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(ID.high)) - 1):
        raise PermissionDenied(NO_SUCH_PROFILE)
    return int(text)


def as_asked(request: "Request", person: User) -> User:
    """The person, or the profile of their account that the header names; at most one query.

    The header may name the account itself too. Raises PermissionDenied, alike for a profile that is not there
    and for one of somebody else.
    """
    wanted = asked_profile_id(request)
    if wanted is None or wanted == person.pk:
        return person
    account = account_of(person)
    found = account if wanted == account.pk else find_profile(account, wanted)
    if found is None:
        raise PermissionDenied(NO_SUCH_PROFILE)
    return found


def _person_of(request: HttpRequest) -> User | AnonymousUser:
    """The profile in use; the account in the admin, and where the profile is gone or not theirs."""
    match = request.resolver_match
    profile_id = request.session.get(PROFILE_KEY)
    if not isinstance(profile_id, int) or (match is not None and match.route.startswith("admin/")):
        return _account_of(request)
    found = _account_and_profile(request, profile_id)
    if found is not None:
        return found
    # One query did not do: Django's own way tells who is logged in.
    account = _account_of(request)
    return (find_profile(account, profile_id) or account) if isinstance(account, User) else account


def _account_of(request: HttpRequest) -> User | AnonymousUser:
    person: User | AnonymousUser = auth.get_user(request)
    return person


def _account_and_profile(request: HttpRequest, profile_id: int) -> User | None:
    """The profile, by the query that finds its account too; None where the login is not proved by it.

    It checks what Django's `get_user` checks: the backend, the account and the hash of its password.
    """
    account_id = str(request.session.get(SESSION_KEY, ""))
    backend = request.session.get(BACKEND_SESSION_KEY)
    if not account_id.isdecimal() or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    of_both = Q(pk=account_id, owner=None) | Q(pk=profile_id, owner_id=account_id)
    people = {person.owner_id is None: person for person in User.objects.filter(of_both, is_active=True)}
    account, profile = people.get(True), people.get(False)
    if account is None or profile is None:
        return None
    kept = str(request.session.get(HASH_SESSION_KEY, ""))
    if not constant_time_compare(kept, account.get_session_auth_hash()):
        return None
    profile.owner = account
    return profile
