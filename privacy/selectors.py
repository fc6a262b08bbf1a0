"""The person whom an export or an erasure is about, and their rows that no foreign key finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models import Q, QuerySet

from accounts.models import ServiceToken, User
from core.errors import NotFound
from feedback.models import Dislike
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession

LOGIN_RECORDS = (AccessAttempt, AccessFailureLog, AccessLog)


@dataclass(frozen=True, slots=True)
class Kept:
    """The size of the record about a person and their profiles; interactions include the dislikes."""

    profiles: int
    lists: int
    interactions: int
    dislikes: int
    tokens: int


def find_person(username: str) -> User:
    """The person of that name, whether active or not. Raises NotFound."""
    person = User.objects.filter(username=username).first()
    if person is None:
        raise NotFound(f"There is nobody named {username!r}.")
    return person


def count_kept(person: User) -> Kept:
    """The size of the record of an account and its profiles, taken back or not."""
    theirs = Q(user=person) | Q(user__owner=person)
    return Kept(
        profiles=person.profiles.count(),
        lists=RecommendationSession.objects.filter(theirs).count(),
        interactions=UserInteraction.objects.filter(theirs).count(),
        dislikes=Dislike.objects.filter(theirs).count(),
        tokens=ServiceToken.objects.filter(user=person).count(),
    )


def login_records(person: User) -> tuple[QuerySet[Any], ...]:
    """The tables of django-axes: failed logins that count, all that failed, all that succeeded.

    They hold the name that was typed, in whatever case, and people type their address for mail, too. What
    else was typed wrongly is nobody's.
    """
    names = Q(username__iexact=person.username)
    for address in {person.email, person.confirmed_email} - {""}:
        # It may be the user name of somebody else.
        if not User.objects.filter(username__iexact=address).exclude(pk=person.pk).exists():
            names |= Q(username__iexact=address)
    return tuple(model.objects.filter(names).order_by("attempt_time", "pk") for model in LOGIN_RECORDS)


def admin_log_about(person: User) -> QuerySet[LogEntry]:
    """The acts of staff in the admin to the person's account, tokens and dislikes.

    Found by what the entry calls the row, since a token that was revoked there has no row any more.
    """
    about = Q(content_type__app_label="accounts", content_type__model="user", object_id=str(person.pk))
    token = Q(content_type__app_label="accounts", content_type__model="servicetoken")
    dislike = Q(content_type__app_label="feedback", content_type__model="dislike")
    about |= token & Q(object_repr__startswith=f"{person.username} (")
    about |= dislike & Q(object_repr__startswith=f"{person.pk} dislikes ")
    return LogEntry.objects.filter(about).order_by("action_time", "pk")


def browser_sessions(person: User) -> Iterator[Session]:
    """The person's logins in browsers. Looks into every session there is: none says outside whose it is."""
    for session in Session.objects.iterator():
        if session.get_decoded().get(SESSION_KEY) == str(person.pk):
            yield session
