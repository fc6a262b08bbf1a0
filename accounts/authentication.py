"""Authentication of callers: a session, a program's token and for whom it acts, or another site's page."""

import structlog
from django.contrib.auth.models import AnonymousUser
from django.core.signing import BadSignature
from django.db.models import Exists, Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.acting import PROFILE_HEADER, as_asked, asked_profile_id
from accounts.models import ServiceToken, User
from accounts.page_tokens import PageToken, read_page_token
from accounts.selectors import (
    find_profile_to_act_for,
    find_token,
    people_to_act_for,
)
from accounts.services import note_use_of
from accounts.usernames import normal_username

logger = structlog.stdlib.get_logger(__name__)

ACTING_HEADER = "X-User-ID"
# The same by the name that an app gives the person.
NAMING_HEADER = "X-User-Name"
_REFUSAL = f"{ACTING_HEADER} and {NAMING_HEADER} are only for a service token that may act for others."
_NO_PAGE_TOKEN = "This page token is not valid or has ended. Get a new one from the server of your site."  # noqa: S105


class ServiceTokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`, and with the permission for it a header that names whom it acts for.

    `X-User-ID` names them by id, `X-User-Name` by user name.
    """

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[User, ServiceToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.lower().encode():
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Write the header as `Authorization: Token <token>`.")
        digest = ServiceToken.hash(parts[1].decode("latin-1"))
        token, named = find_token(digest, _named_id(request))
        if token is None or not token.user.is_active or token.user.owner_id:
            raise AuthenticationFailed("This token is not valid.")
        now = timezone.now()
        if token.has_ended(now):
            raise AuthenticationFailed("This token has ended. Ask for a new one.")
        if token.reads_only and request.method not in SAFE_METHODS:
            raise PermissionDenied("This token may only read.")
        note_use_of(token, now)
        if not names_somebody(request):
            return as_asked(request, token.user), token
        if not token.may_act_for_others:
            raise PermissionDenied(_REFUSAL)
        return self._person(request, token, named), token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword

    @staticmethod
    def _person(request: Request, token: ServiceToken, named: User | None) -> User:
        """The person in the headers; `named` is the one of X-User-ID, where a token may act for them."""
        acting_for, name = (request.headers.get(header) for header in (ACTING_HEADER, NAMING_HEADER))
        if acting_for is not None and name is not None:
            raise PermissionDenied(f"Name the person in {ACTING_HEADER} or in {NAMING_HEADER}, not in both.")
        header = ACTING_HEADER if name is None else NAMING_HEADER
        profile_id = asked_profile_id(request)
        if acting_for is not None:
            account_id = _named_id(request)
            if profile_id is not None and profile_id != account_id:
                person = find_profile_to_act_for(profile_id, pk=account_id)
            else:
                person = named
        elif profile_id is not None:
            person = find_profile_to_act_for(profile_id, username=_username(name))
        else:
            person = people_to_act_for().filter(username=_username(name)).first()
        if person is None:
            also = "" if profile_id is None else f", or {PROFILE_HEADER} no profile of theirs"
            raise PermissionDenied(f"{header} names nobody that this token may act for{also}.")
        logger.info("service token acts for a person", token_user_id=token.user_id, user_id=person.pk)
        return person


def names_somebody(request: Request) -> bool:
    """True where a header of the request says for whom it is made."""
    return ACTING_HEADER in request.headers or NAMING_HEADER in request.headers


def _named_id(request: Request) -> int:
    """The id in X-User-ID; 0, which nobody has, for none."""
    given = request.headers.get(ACTING_HEADER, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= 18 else 0


def _username(header: str | None) -> str:
    """The user name in a header, which comes as Latin-1 and is meant as UTF-8; "" for none that can be."""
    try:
        return normal_username((header or "").encode("latin-1").decode())
    except ValueError:
        return ""


class PageTokenAuthentication(BaseAuthentication):
    """`Authorization: Page-Token …`: a page of another site asks for the person its token was issued for.

    One query finds the person and sees that the service token behind it still may act for others.
    """

    keyword = "Page-Token"

    def authenticate(self, request: Request) -> tuple[User, PageToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != self.keyword.lower().encode():
            return None
        if names_somebody(request):
            raise PermissionDenied(_REFUSAL)
        if len(parts) != 2:
            raise AuthenticationFailed("Write the header as `Authorization: Page-Token <token>`.")
        try:
            token = read_page_token(parts[1].decode("latin-1"))
        except BadSignature:
            raise AuthenticationFailed(_NO_PAGE_TOKEN) from None
        issuers = ServiceToken.objects.filter(
            Q(ends_at=None) | Q(ends_at__gt=timezone.now()),
            digest=token.issued_to,
            may_act_for_others=True,
            user__is_active=True,
        )
        person = people_to_act_for().filter(Exists(issuers), pk=token.person_id).first()
        if person is None:
            raise AuthenticationFailed(_NO_PAGE_TOKEN)
        person = as_asked(request, person)
        logger.info("page token acts for a person", service_token=token.issued_to[:8], user_id=person.pk)
        return person, token

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


class OwnSessionAuthentication(SessionAuthentication):
    """The browser's login with CSRF protection; it never acts for anyone but a profile of its account."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, None] | None:
        if names_somebody(request):
            raise PermissionDenied(_REFUSAL)
        found = super().authenticate(request)
        if found is None or not isinstance(found[0], User):
            return found
        return as_asked(request, found[0]), None


# The authentication of the views that a page of another site may ask too.
EMBEDDABLE = [ServiceTokenAuthentication, PageTokenAuthentication, OwnSessionAuthentication]
