"""Sends mail outside of the request, so that the time of an answer does not tell if there was any."""

from concurrent.futures import Future, ThreadPoolExecutor
from smtplib import SMTPException

import structlog
from django.core.mail import EmailMessage

logger = structlog.stdlib.get_logger(__name__)

# One after the other: a slow server holds up mail and no request. Its thread starts with the first mail.
_POOL = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


def send_later(message: EmailMessage) -> Future[None]:
    """Sends a mail in a thread of its own. Where that fails the log says so, without the address."""
    return _POOL.submit(_send, message)


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except (OSError, SMTPException) as error:
        logger.error("a mail was not sent", subject=message.subject, error=type(error).__name__)
