"""Lines of the log: one for what a stranger may bring about, however often and however long it is."""

import logging
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client

from core.log_lines import StrangersFilter


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.handler.addFilter(StrangersFilter())
    return caplog


@pytest.mark.parametrize("host", ["evil.example", "x" * 7000, "a\nb", "[::1", "127.0.0.1:x"])
def test_another_host(lines: pytest.LogCaptureFixture, host: str) -> None:
    assert Client().get("/health", headers={"Host": host}).status_code == 400
    # The captured text has the tracebacks, too.
    told = [line for line in lines.text.splitlines() if "Bad Request" not in line]
    assert len(told) == 1
    assert len(told[0]) < 400


def test_our_own_mistakes_keep_their_traceback(lines: pytest.LogCaptureFixture) -> None:
    try:
        int("ours")
    except ValueError as error:
        record = logging.LogRecord(
            "django.request", logging.ERROR, "", 1, "Server Error", (), (ValueError, error, None)
        )
        lines.handler.handle(record)
    assert "ValueError" in lines.text


def test_the_log_of_the_server_has_the_filter() -> None:
    filters = [type(one) for handler in logging.root.handlers for one in handler.filters]
    assert StrangersFilter in filters


@pytest.mark.parametrize("debug", ["0", "1"])
def test_what_is_logged_is_written_once(debug: str) -> None:
    """With DEBUG too, where Django has a handler of its own for what it logs."""
    names = ["django.request", "django.security.csrf", "django.server", "catalog"]
    program = (
        "import logging, django; django.setup()\n"
        f"for name in {names}: logging.getLogger(name).error('told by %s', name)"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DEBUG": debug,
        "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": "heed.example",
    }
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [ran.stderr.count(f"told by {name}") for name in names] == [1] * len(names)
