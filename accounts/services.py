"""Writes about people: the lock that orders one person's writes, roles, tokens, idempotency keys."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from uuid import uuid4

import structlog
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX, make_password
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import MAX_PROFILE_NAME, IdempotencyKey, ServiceToken, User
from accounts.selectors import account_of, people_of_apps, profiles_of
from core.domain import ROLES
from core.errors import ACCOUNT_GONE, AccountGone, Conflict, InvalidInput, KeyReused, NotFound
from core.text import is_seen
from core.values import BadValue, Name

logger = structlog.stdlib.get_logger(__name__)

MAX_KEY_LENGTH = 200
MAX_PROFILES = 5
PROFILE_PREFIX = "profile-"
PROFILE_NAME = Name(MAX_PROFILE_NAME)
NO_SUCH_PERSON = "There is no such person, or none that an app keeps."


def lock_person(*, user_id: int) -> User:
    """Makes this transaction the only writer about one person until it ends; returns them with their roles.

    "Is there one already? Then nothing, else insert" is safe under this lock, without a retry loop.
    On SQLite an IMMEDIATE transaction is the only writer anyway and the query merely reads.
    Raises AccountGone where they were erased meanwhile.
    """
    people = User.objects.select_for_update(no_key=True).only("pk", "roles", "first_acted_at")
    person = people.filter(pk=user_id).first()
    if person is None:
        raise AccountGone(ACCOUNT_GONE)
    return person


def note_first_act(person: User, now: datetime) -> None:
    """Notes when somebody who is locked did something for the first time; from then on an account ages."""
    if person.first_acted_at is None:
        User.objects.filter(pk=person.pk).update(first_acted_at=now)


def lock_people_of_apps(names: Collection[str]) -> dict[str, tuple[int, list[str]]]:
    """The id and the roles of the active people of apps with these user names, locked as by `lock_person`.

    They are locked in one order, so that two batches wait for each other and never deadlock.
    """
    people = people_of_apps().filter(is_active=True, username__in=names).order_by("pk")
    locked = people.select_for_update(no_key=True, of=("self",)).values_list("username", "pk", "roles")
    return {name: (user_id, roles) for name, user_id, roles in locked}


def create_people(names: Iterable[str]) -> None:
    """Creates people without a usable password; one that another run created meanwhile stays as they are."""
    # As `make_password` has it, at a tenth of its cost.
    people = [User(username=name, password=UNUSABLE_PASSWORD_PREFIX + token_hex(20)) for name in names]
    User.objects.bulk_create(people, ignore_conflicts=True)


def create_profile(*, account: User, name: str) -> User:
    """Creates a profile of an account with its roles. Raises InvalidInput for a bad name or one too many."""
    name = _profile_name(name)
    with transaction.atomic():
        lock_person(user_id=account.pk)
        there = set(profiles_of(account).values_list("profile_name", flat=True))
        if len(there) >= MAX_PROFILES:
            raise InvalidInput(f"An account has at most {MAX_PROFILES} profiles. Delete one of yours first.")
        _check_is_new(name, there)
        profile = User(
            username=f"{PROFILE_PREFIX}{uuid4().hex}",
            password=make_password(None),
            owner=account,
            profile_name=name,
            roles=account.roles,
            is_synthetic=account.is_synthetic,
        )
        profile.save()
    logger.info("profile made", user_id=account.pk, profile_id=profile.pk)
    return profile


def rename_profile(*, profile: User, name: str) -> None:
    """Gives a profile another name. Raises InvalidInput for a bad one."""
    name = _profile_name(name)
    account = account_of(profile)
    with transaction.atomic():
        lock_person(user_id=account.pk)
        others = profiles_of(account).exclude(pk=profile.pk)
        _check_is_new(name, set(others.values_list("profile_name", flat=True)))
        profile.profile_name = name
        profile.save(update_fields=["profile_name"])


def _profile_name(name: str) -> str:
    """The name with single spaces. Raises InvalidInput.

    Others see it beside a list for two, so it looks like what it is.
    """
    try:
        chosen = PROFILE_NAME(" ".join(name.split()))
    except BadValue as error:
        raise InvalidInput(f"name {error}.") from error
    if not is_seen(chosen):
        raise InvalidInput("name holds nothing that can be seen, or a mark that turns writing around.")
    return chosen


def _check_is_new(name: str, there: Collection[str]) -> None:
    if name.casefold() in {one.casefold() for one in there}:
        raise InvalidInput(f"You have a profile named {name} already. Choose another name.")


def set_roles(*, user: User, roles: Iterable[str]) -> list[str]:
    """Gives a person these roles and no others; returns them in the order of ROLES.

    What they did in a role that they leave stays on record. Raises InvalidInput for a role there is not.
    """
    wanted = set(roles)
    if unknown := sorted(wanted.difference(ROLES)):
        raise InvalidInput(f"roles: there is no {unknown[0]}; there are {', '.join(ROLES)}.")
    chosen = [name for name in ROLES if name in wanted]
    user.roles = chosen
    user.save(update_fields=["roles"])
    return chosen


def create_program(*, username: str) -> User:
    """Creates the account of a program: it has tokens and no password. Raises InvalidInput for a bad name."""
    user = User(username=username)
    user.set_unusable_password()
    try:
        user.full_clean()
    except ValidationError as error:
        raise InvalidInput(f"{username!r} is no user name: {' '.join(error.messages)}") from error
    user.save()
    return user


def save_person(
    *, username: str, create: bool, is_active: bool | None = None, roles: Iterable[str] | None = None
) -> tuple[User, bool]:
    """Creates or changes a person of an app by the name the app gives them; True where they are new.

    What is None stays as it is. Raises NotFound where they do not exist and are not to be created, Conflict
    for a name that staff or an app has, and InvalidInput for a role there is not.
    """
    with transaction.atomic():
        people = people_of_apps().select_for_update(no_key=True, of=("self",))
        person = people.filter(username=username).first()
        created = person is None
        if person is None:
            if not create:
                raise NotFound(NO_SUCH_PERSON)
            new = User(username=username, password=make_password(None))
            User.objects.bulk_create([new], ignore_conflicts=True)
            person = people.filter(username=username).first()
        if person is None:
            raise Conflict("This name is taken by an account that is not of an app's people.")
        if is_active is not None and is_active != person.is_active:
            person.is_active = is_active
            person.save(update_fields=["is_active"])
        if roles is not None:
            set_roles(user=person, roles=roles)
    return person, created


def issue_service_token(
    *,
    user: User,
    may_act_for_others: bool = False,
    name: str = "",
    reads_only: bool = False,
    ends_at: datetime | None = None,
) -> str:
    """Creates a token for `user` and returns it: the only time that it can be read."""
    token = ServiceToken.generate()
    ServiceToken.objects.create(
        digest=ServiceToken.hash(token),
        user=user,
        may_act_for_others=may_act_for_others,
        name=name,
        reads_only=reads_only,
        ends_at=ends_at,
    )
    return token


def note_use_of(token: ServiceToken, now: datetime) -> None:
    """Writes down the day on which a token was last used: one UPDATE a day, and none where it cannot be.

    A request that only reads must go on where the database takes no writes.
    """
    today = now.astimezone(UTC).date()
    if token.last_used_on == today:
        return
    try:
        ServiceToken.objects.filter(pk=token.pk).update(last_used_on=today)
    except DatabaseError as error:
        logger.warning("use of a token is not written down", token=token.digest[:8], error=str(error))


def answer_once(
    *, user: User, route: str, key: str, body: object, act: Callable[[], tuple[int, dict[str, Any]]]
) -> tuple[int, dict[str, Any]]:
    """Runs `act` at most once for (user, route, key) and returns its (status, body), now and ever after.

    The key and what `act` writes are committed together. An empty key runs `act` every time.
    Raises KeyReused when the key came before with another body.
    """
    if not key:
        with transaction.atomic():
            return act()
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    with transaction.atomic():
        lock_person(user_id=user.pk)
        known = IdempotencyKey.objects.filter(user=user, route=route, key=key).first()
        if known is not None:
            if known.body_digest != digest:
                raise KeyReused("This Idempotency-Key was used before with another body. Use a new key.")
            return known.response_status, known.answer()
        status, answer = act()
        # As text: PostgreSQL's JSON has an order of names of its own, and an answer is to be the same. The
        # first answer is read from it too, so that a moment in it looks as it will in the next.
        text = json.dumps(answer, cls=JSONEncoder)
        IdempotencyKey.objects.create(
            user=user,
            route=route,
            key=key,
            body_digest=digest,
            response_status=status,
            response_body=text,
        )
        return status, json.loads(text)
