"""Writes about people: the lock that orders one person's writes, tokens, idempotency keys."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction

from accounts.models import IdempotencyKey, ServiceToken, User
from config.errors import KeyReused

MAX_KEY_LENGTH = 200


def lock_person(*, user_id: int) -> None:
    """Makes this transaction the only writer about one person until it ends.

    "Is there one already? Then nothing, else insert" is safe under this lock, without a retry loop.
    On SQLite an IMMEDIATE transaction is the only writer anyway and the query merely reads.
    """
    User.objects.select_for_update(no_key=True).only("pk").get(pk=user_id)


def issue_service_token(*, user: User, may_act_for_others: bool = False) -> str:
    """Creates a token for `user` and returns it: the only time that it can be read."""
    token = ServiceToken.generate()
    ServiceToken.objects.create(
        digest=ServiceToken.hash(token), user=user, may_act_for_others=may_act_for_others
    )
    return token


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
            return known.response_status, known.response_body
        status, answer = act()
        IdempotencyKey.objects.create(
            user=user, route=route, key=key, body_digest=digest, response_status=status, response_body=answer
        )
        return status, answer
