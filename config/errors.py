"""The errors that services raise and people read.

HeedError                 the base: `status` is the HTTP status, the text is one sentence for a person
├── InvalidInput    400   a value is not of its type or range
├── NotAllowed      403   the caller may not do this
├── NotFound        404   no such thing, or none that the caller may see
├── Conflict        409   what is asked contradicts what is recorded
├── KeyReused       422   an idempotency key came again with another body
└── LockHeld        503   another run is at the same work; a command exits with 3
"""

DATABASE_AWAY = "The database cannot be reached at the moment. Try again in a few seconds."


class HeedError(Exception):
    """Base of all errors whose text may be shown to the person who caused them."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(HeedError):
    status = 400


class NotAllowed(HeedError):
    status = 403


class NotFound(HeedError):
    status = 404


class Conflict(HeedError):
    status = 409


class KeyReused(HeedError):
    status = 422


class LockHeld(HeedError):
    status = 503
