"""Erasing a person: the account and every row about it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import structlog
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.selectors import profiles_of
from core.errors import ACCOUNT_GONE, AccountGone
from interactions.models import UserInteraction
from privacy.selectors import LOGIN_RECORDS, admin_log_about, browser_sessions, login_records
from recommendations.models import RecommendationSession

logger = structlog.stdlib.get_logger(__name__)

# Django reads what it deletes with everything that hangs on it: so many rows at once are held in memory.
SLICE = 2_000


@dataclass(frozen=True, slots=True)
class Erased:
    """The person who was erased, and the rows of each table, by its name in words and by its label."""

    user: str
    rows: dict[str, int]
    counted: Counter[str] = field(default_factory=Counter)


def erase_person(*, user_id: int) -> Erased:
    """Deletes an account with its profiles, or a profile, and every row about it, all in one transaction.

    Whoever writes about the person meanwhile waits, and is then told that the account is gone. What was
    learned from the person stays in the models until they are trained anew, and rows of theirs in datasets:
    see privacy.datasets. Raises AccountGone.
    """
    person = User.objects.filter(pk=user_id).first()
    # Looking through all sessions takes a while, so it is done before the lock.
    is_account = person is not None and person.owner_id is None
    sessions = (
        [] if person is None or not is_account else [session.pk for session in browser_sessions(person)]
    )
    gone: Counter[str] = Counter()
    with transaction.atomic():
        # Not lock_person: rows that point at the person must wait as well.
        person = User.objects.select_for_update().filter(pk=user_id).first()
        if person is None:
            raise AccountGone(ACCOUNT_GONE)
        for profile_id in profiles_of(person).values_list("pk", flat=True):
            gone.update(erase_person(user_id=profile_id).counted)
        for rows in (
            UserInteraction.objects.filter(user=person),
            RecommendationSession.objects.filter(user=person),
        ):
            gone += _delete_in_slices(rows)
        for traces in (
            *login_records(person),
            admin_log_about(person),
            Session.objects.filter(pk__in=sessions),
        ):
            gone.update(traces.delete()[1])
        gone.update(person.delete()[1])
    logger.info("[PRIVACY] person erased", user_id=user_id, rows=gone.total())
    return Erased(person.username, {_name(label): gone[label] for label in sorted(+gone)}, gone)


def follow_new_name(*, person: User, before: str) -> None:
    """Puts what is kept of a person under their name of before under the one that they have now.

    No foreign key leads to it, so an export or an erasure would not find it.
    """
    with transaction.atomic():
        for records in LOGIN_RECORDS:
            theirs = records.objects.filter(username__iexact=before)
            # Tries that count for a lock-out are one row for each name and address, and end by themselves.
            theirs.delete() if records is AccessAttempt else theirs.update(username=person.username)
        token = Q(content_type__app_label="accounts", content_type__model="servicetoken")
        for entry in LogEntry.objects.filter(token, object_repr__startswith=f"{before} ("):
            entry.object_repr = f"{person.username}{entry.object_repr.removeprefix(before)}"[:200]
            entry.save(update_fields=["object_repr"])


def _delete_in_slices(rows: QuerySet[Any]) -> Counter[str]:
    gone: Counter[str] = Counter()
    while ids := list(rows.values_list("pk", flat=True)[:SLICE]):
        gone.update(rows.filter(pk__in=ids).only("pk").delete()[1])
    return gone


def _name(label: str) -> str:
    return str(apps.get_model(label)._meta.verbose_name_plural)  # noqa: SLF001  documented, whatever its name
