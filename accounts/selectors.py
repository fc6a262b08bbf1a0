"""Reads about people, and what their roles let them have and do."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.http import HttpRequest

from accounts.models import ServiceToken, User
from core.domain import KINDS, ROLES, USE_CASES, UseCase
from core.domain.roles import roles_for, use_cases_of_kind
from core.errors import InvalidInput, NotAllowed, NotFound, RoleNeeded
from core.queries import CompiledQuery, Parameter, columns_of, instance_of

if TYPE_CHECKING:
    from rest_framework.request import Request

logger = structlog.stdlib.get_logger(__name__)

# Names that are ids: a number that every id column holds, alone or as the documents write it.
_ID = re.compile(r"(?:user_)?([0-9]{1,18})", re.ASCII)


def caller(request: "Request | HttpRequest") -> User:
    """The person on whose behalf a request is made. Raises NotAuthenticated where there is none."""
    if not isinstance(request.user, User):
        # Commands ask here for people too, and have no requests.
        from rest_framework.exceptions import NotAuthenticated

        raise NotAuthenticated
    return request.user


def people_to_act_for() -> QuerySet[User]:
    """The accounts for which a token may act.

    Staff never, for it must not become a way to their permissions.
    """
    return User.objects.filter(is_active=True, is_staff=False, is_superuser=False, owner=None)


def profiles_of(account: User) -> QuerySet[User]:
    """The profiles of an account, the oldest first."""
    return User.objects.filter(owner=account, is_active=True).order_by("pk")


def find_profile(account: User, profile_id: int) -> User | None:
    """The profile of this account with this id, or None; one query."""
    found = profiles_of(account).filter(pk=profile_id).first()
    if found is not None:
        found.owner = account
    return found


def account_of(person: User) -> User:
    """The account of a person: the owner of a profile, else the person."""
    return person if person.owner is None else person.owner


def _token_and_person() -> "QuerySet[Any, Any]":
    """The user of a token, and the token; then the person to act for, with nothing in its place."""
    token = ServiceToken.objects.filter(digest=Parameter("digest", str)).order_by()
    person = people_to_act_for().filter(pk=Parameter("person_id")).order_by()
    fields = ServiceToken._meta.concrete_fields  # noqa: SLF001  documented
    nothing = {f"no_{field.attname}": Value(None, output_field=field) for field in fields}
    return token.values_list(*columns_of(User, "user__"), *columns_of(ServiceToken)).union(
        person.annotate(**nothing).values_list(*columns_of(User), *nothing), all=True
    )


_TOKEN_AND_PERSON = CompiledQuery(_token_and_person)


def find_token(digest: str, person_id: int) -> tuple[ServiceToken | None, User | None]:
    """The token of this digest with its user, and the person of this id where a token may act for them.

    One query. The person alone says nothing of the caller: whoever has no token acts for nobody.
    """
    token = person = None
    for row in _TOKEN_AND_PERSON.ask(digest=digest, person_id=person_id):
        user, of_token = instance_of(User, row[: len(_USER)]), row[len(_USER) :]
        if of_token[0] is None:
            person = user
        else:
            token = instance_of(ServiceToken, of_token)
            token.user = user
    return token, person


_USER = columns_of(User)


def find_profile_to_act_for(profile_id: int, **of_account: object) -> User | None:
    """A profile of the account that `of_account` finds where a token may act for that; one query.

    An account is among those of its own, so that whoever has its id may name it.
    """
    accounts = people_to_act_for().filter(**of_account)
    is_it = Q(owner__in=accounts) | Q(pk__in=accounts.values("pk"))
    return User.objects.filter(is_it, pk=profile_id, is_active=True).select_related("owner").first()


def check_keeps(request: "Request", permission: str) -> None:
    """Raises NotAllowed unless the caller keeps what an app keeps: its catalog, its people, its log.

    These are the token of an app, which may act for others and names nobody now, and staff with `permission`.
    """
    person = caller(request)
    if not (is_app(request) or (person.is_staff and person.has_perm(permission))):
        raise NotAllowed(
            "This is for a token issued with --may-act-for-others that names nobody, and for staff with the "
            f"permission {permission}."
        )


def check_speaks_for_many(request: "Request") -> None:
    """Raises NotAllowed unless the caller is the token of an app, which may act for others."""
    if not is_app(request):
        raise NotAllowed(
            "Only a token issued with --may-act-for-others that names nobody now says what others did."
        )


def is_app(request: "Request") -> bool:
    """True where the caller is the token of an app, which may act for others and names nobody now."""
    person, token = caller(request), request.auth
    return isinstance(token, ServiceToken) and token.may_act_for_others and token.user_id == person.pk


def people_served() -> QuerySet[User]:
    """Those for whom lists are made: neither staff nor the accounts of apps, nor profiles."""
    apps = ServiceToken.objects.filter(user=OuterRef("pk"), may_act_for_others=True)
    return User.objects.filter(~Exists(apps), is_staff=False, is_superuser=False, owner=None)


def people_of_apps() -> QuerySet[User]:
    """Those whom an app may create, change and delete by their names: of those served, who has no password.

    Who signed up chose their name themselves. It may be the one that an app gives to somebody else, whose
    history they would get, or lose their own account by.
    """
    return people_served().filter(_has_no_password())


def is_new_account(now: datetime, path: str = "") -> Q:
    """The condition that an account is one that anybody can make in a minute, and made or woke lately.

    That is one with a password that joined, or did its first act, less than NEW_ACCOUNT_DAYS ago: accounts
    that are made in stock do not age. People of apps and of imports are none, nor are profiles: models and
    popularity never learn from those (`counts_for_others`). `path` leads to the person, such as `user__`.
    """
    since = now - timedelta(days=settings.NEW_ACCOUNT_DAYS)
    lately = Q(**{f"{path}date_joined__gt": since}) | Q(**{f"{path}first_acted_at__gt": since})
    return lately & ~_has_no_password(path)


def _has_no_password(path: str = "") -> Q:
    """The condition that nobody logs in as a person: an app or an import made them."""
    none, unusable = f"{path}password", f"{path}password__startswith"
    return Q(**{none: ""}) | Q(**{unusable: UNUSABLE_PASSWORD_PREFIX})


def is_account(path: str = "user") -> Q:
    """The condition that a person is an account and no profile: nobody gets a second voice by a profile.

    What a profile does shapes its own lists. Popularity, models, figures and thresholds go by
    `counts_for_others`.
    """
    return ~Q(**{f"{path}__in": User.objects.exclude(owner=None).order_by().values("pk")})


def counts_for_others(path: str = "user") -> Q:
    """The condition that what a person does counts beyond their own lists.

    They are an account and no profile (`is_account`), and staff did not discount it.
    """
    discounted = User.objects.filter(discounted_at__isnull=False).order_by().values("pk")
    # Each by its index: SQLite would read all people for both in one.
    return is_account(path) & ~Q(**{f"{path}__in": discounted})


def names_with_password() -> set[str]:
    """The user names of those who can log in: they chose their names themselves."""
    return set(User.objects.exclude(_has_no_password()).values_list("username", flat=True))


def person_named(request: "Request", name: str, permission: str) -> User:
    """The person whom an address or a body names: the caller, or another whom the caller may ask for.

    A name is an id, `user_<id>` or a user name. Others may be asked for by whoever holds `permission`, and by
    a service token that may act for others. Raises NotFound, alike for nobody and for somebody out of reach.
    """
    person = caller(request)
    found = person if name == str(person.pk) else _find_person(name)
    if found is not None and found.pk == person.pk:
        return person
    if found is None or not (person.has_perm(permission) or _acts_for(request, found)):
        raise NotFound("There is no such person, or none that you may ask for.")
    logger.info("a person is named by another", named_by=person.pk, user_id=found.pk)
    return found


def _find_person(name: str) -> User | None:
    """The active person of that name. Digits alone are always an id; `user_<id>` may be a user name first."""
    people = User.objects.filter(is_active=True)
    is_id = _ID.fullmatch(name)
    named = None if name.isdecimal() else people.filter(username=name).first()
    return named or (people.filter(pk=int(is_id[1])).first() if is_id else None)


def _acts_for(request: "Request", person: User) -> bool:
    token = request.auth
    if not isinstance(token, ServiceToken) or not token.may_act_for_others:
        return False
    return people_to_act_for().filter(pk=person.pk).exists()


def use_cases_of(person: User, kind: str) -> list[UseCase]:
    """The use cases of a kind whose lists a person may have, in the order of USE_CASES."""
    return [use_case for use_case in use_cases_of_kind(kind) if use_case.role in (None, *person.roles)]


def use_case_for(person: User, kind: str, name: str | None = None) -> UseCase:
    """The use case of `kind` called `name`, or the first whose lists the person may have.

    Raises InvalidInput where the two do not fit, and RoleNeeded.
    """
    if name is not None and (name not in USE_CASES or USE_CASES[name].kind != kind):
        raise InvalidInput(f"use_case: {name} is not about {KINDS[kind].plural}.")
    if name is not None:
        check_use_case(person, USE_CASES[name])
        return USE_CASES[name]
    allowed = use_cases_of(person, kind)
    if not allowed:
        raise _role_needed(use_case.role for use_case in use_cases_of_kind(kind))
    return allowed[0]


def open_use_case(person: User | None, kind: str) -> UseCase:
    """The use case in which a person, or a visitor, sees items of `kind` where no role is asked for.

    It is the first that their roles open, else the first of the kind.
    """
    allowed = use_cases_of(person, kind) if person is not None else []
    return (allowed or use_cases_of_kind(kind))[0]


def check_use_case(person: User, use_case: UseCase) -> None:
    """Raises RoleNeeded where the lists of a use case are not for this person."""
    if use_case.role not in (None, *person.roles):
        raise _role_needed([use_case.role])


def may_do(person: User, kind: str, type_name: str) -> bool:
    """True where the roles of a person let them do this with items of `kind`."""
    needed = roles_for(kind, type_name)
    return not needed or not needed.isdisjoint(person.roles)


def check_may_do(person: User, kind: str, type_name: str) -> None:
    """Raises RoleNeeded where `may_do` is false."""
    if not may_do(person, kind, type_name):
        raise _role_needed(roles_for(kind, type_name))


def _role_needed(roles: Iterable[str | None]) -> RoleNeeded:
    wanted = set(roles)
    names = " or ".join(name for name in ROLES if name in wanted)
    return RoleNeeded(f"This is for the role {names}: choose it at /roles/, or with PUT /api/roles.")
