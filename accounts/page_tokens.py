"""Page tokens, which another site's server puts into its pages so that they may ask for one of its people.

A page token is signed, ends after PAGE_TOKEN_SECONDS and stands for one person. It is bound to the service
token that it was issued to, and ends with it. Which addresses take one is said by each view: those with
EMBEDDABLE (accounts/authentication.py) as their authentication.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core import signing

from accounts.models import ServiceToken, User

_SALT = "heed.page-token"


@dataclass(frozen=True, slots=True)
class PageToken:
    """The content of a page token: the person, and the digest of the service token it was issued to.

    Anyone who holds it can read both. A digest of 256 random bits leads nowhere.
    """

    person_id: int
    issued_to: str


def issue_page_token(*, person: User, service_token: ServiceToken) -> str:
    """A page token for `person`. Nothing is stored."""
    return signing.dumps({"person": person.pk, "issued_to": service_token.digest}, salt=_SALT)


def read_page_token(text: str) -> PageToken:
    """The content of a page token. Raises signing.BadSignature when we did not sign it or it is too old."""
    content = signing.loads(text, salt=_SALT, max_age=settings.PAGE_TOKEN_SECONDS)
    return PageToken(person_id=content["person"], issued_to=content["issued_to"])
