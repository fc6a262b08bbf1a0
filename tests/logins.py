"""A login of a test's client in two queries: what a browser holds afterwards, without what is noted of it."""

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client
from django.utils.crypto import get_random_string

from accounts.acting import remember_profiles
from accounts.models import User

# Django's own, for a test about what is noted of a login.
log_in_as_noted = Client.force_login


def log_in(client: Client, user: User, backend: str | None = None) -> None:
    """Logs a person in where a test does not say how.

    Django's `force_login` makes nineteen queries, most of them for records that few tests look at. A client
    that has a session already logs in by it.
    """
    if client.cookies:
        log_in_as_noted(client, user, backend)
        return
    backend = backend or client._get_backend()  # type: ignore[attr-defined]
    key = get_random_string(32, VALID_KEY_CHARS)
    user.backend = backend
    request = HttpRequest()
    request.session = SessionStore(key)
    request.session._session_cache = {}  # type: ignore[attr-defined]
    request.session[SESSION_KEY] = str(user.pk)
    request.session[BACKEND_SESSION_KEY] = backend
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    remember_profiles(request, user)
    Session(
        session_key=key,
        session_data=request.session.encode(dict(request.session.items())),
        expire_date=request.session.get_expiry_date(),
    ).save(force_insert=True)
    client._set_login_cookies(request)  # type: ignore[attr-defined]
