"""An id for each request, in its answer and in its lines of the log, which may be JSON."""

import json
import logging
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from core.log_lines import RequestIdFilter, json_formatter
from core.request_ids import HEADER, RequestIdMiddleware, request_id


def answer(given: str | None = None) -> str:
    headers = {} if given is None else {HEADER: given}
    return Client(headers=headers).get("/health").headers[HEADER]


def test_each_request_has_an_id_of_its_own_or_that_of_the_proxy() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", answer())
    assert answer() != answer()
    assert answer("from-the.proxy_1") == "from-the.proxy_1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "id\u2028line", "<script>", "a,b"])
def test_an_id_that_is_not_plain_is_replaced(given: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", answer(given))


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """The lines that are logged, as JSON."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(json_formatter())
    handler.addFilter(RequestIdFilter())
    logging.root.addHandler(handler)
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        cache_logger_on_first_use=False,
    )
    yield stream
    structlog.configure(**before)
    logging.root.removeHandler(handler)


def test_a_line_is_one_object_with_the_values_of_its_event_and_its_request(lines: StringIO) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        structlog.stdlib.get_logger("ours").warning("a thing happened", film="Heat\nand more", count=3)
        logging.root.warning("of Django: %s", 7)
        return HttpResponse()

    RequestIdMiddleware(view)(RequestFactory().get("/", headers={HEADER: "abc"}))
    ours, theirs = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (ours["event"], ours["film"], ours["count"]) == ("a thing happened", "Heat\nand more", 3)
    assert (ours["level"], ours["logger"], ours["request_id"]) == ("warning", "ours", "abc")
    assert (theirs["event"], theirs["request_id"]) == ("of Django: 7", "abc")
    assert ours["timestamp"].startswith("20")
    assert request_id() == ""


def test_an_error_brings_its_traceback_within_its_line(lines: StringIO) -> None:
    try:
        json.loads("{")
    except ValueError:
        structlog.stdlib.get_logger("ours").exception("it failed")
        logging.root.exception("so did this")
    found: list[dict[str, Any]] = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(found) == 2
    for one in found:
        assert "JSONDecodeError" in one["exception"]
        assert "request_id" not in one


def test_a_plain_line_says_its_request_at_its_end() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "hello", None, None)
    assert RequestIdFilter().filter(record)
    assert record.__dict__["of_request"] == ""
