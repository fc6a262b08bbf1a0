"""Lines of the log: with the id of the request that they belong to, and on request as JSON."""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from core.request_ids import request_id

_LONGEST = 200


class RequestIdFilter(logging.Filter):
    """Lets every line through, and has it say which request it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        found = request_id()
        record.request_id = found
        record.of_request = f" request_id={found}" if found else ""
        return True


class StrangersFilter(logging.Filter):
    """Lets every line through, and makes one of what a stranger may bring about as often as they like.

    Django logs a refused host or a forged session with its traceback, and with all that was sent.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
            record.msg, record.args = record.getMessage()[:_LONGEST].replace("\n", " "), ()
        return True


def json_formatter() -> logging.Formatter:
    """A formatter that makes one JSON object of each line, whoever logged it."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            *shared,
            _with_request,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ],
    )


def _with_request(logger: Any, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    found = request_id()
    return {**event, "request_id": found} if found else event
