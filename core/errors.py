"""The errors that services raise and people read.

HeedError                 the base: `status` is the HTTP status, the text is one sentence for a person
├── InvalidInput    400   a value is not of its type or range
├── AccountGone     401   the account was erased while it was at work
├── NotAllowed      403   the caller may not do this
│   └── RoleNeeded        not without a role that they do not hold
├── NotFound        404   no such thing, or none that the caller may see
├── Conflict        409   what is asked contradicts what is recorded
├── KeyReused       422   an idempotency key came again with another body
└── LockHeld        503   another run is at the same work; a command exits with 3
"""

from dataclasses import dataclass

ACCOUNT_GONE = "This account no longer exists. Log in as somebody else, or sign up."
UNSTORABLE_VALUE = "A value is outside the range that can be stored."
STILL_REFERRED_TO = (
    "Something else refers to this, or what it refers to has just gone. Nothing was changed; try again later."
)
DATABASE_AWAY = "The database cannot be reached at the moment. Try again in a few seconds."


@dataclass(frozen=True, slots=True)
class RowError:
    """A row of a batch that was not taken: its place in the request, from 0, and the cause."""

    row: int
    error: str


class HeedError(Exception):
    """Base of all errors whose text may be shown to the person who caused them."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(HeedError):
    status = 400


class AccountGone(HeedError):
    status = 401


class NotAllowed(HeedError):
    status = 403


class RoleNeeded(NotAllowed):
    pass


class NotFound(HeedError):
    status = 404


class Conflict(HeedError):
    status = 409


class KeyReused(HeedError):
    status = 422


class LockHeld(HeedError):
    status = 503
