"""demo/client.py as its heading says: from an empty catalog to a list that heeds a no."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import LazySettings
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from accounts.services import issue_service_token
from tests.docs.pages import ROOT
from tests.factories import make_user
from tests.threads import threads_db  # noqa: F401  a fixture


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_client_goes_from_an_empty_catalog_to_a_list_that_heeds_a_no(
    threads_db: None,  # noqa: F811
    settings: LazySettings,
) -> None:
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.CATALOG_REFRESH_SECONDS = 0.0
    token = issue_service_token(user=make_user("ann"))
    server = LiveServer("localhost")
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "HEED_ADDRESS": server.url,
        "HEED_TOKEN": token,
    }
    try:
        done = subprocess.run(
            [sys.executable, "demo/client.py"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        server.stop()
    assert done.returncode == 0, done.stderr
    assert "signed in as ann" in done.stdout
    assert "created: 16" in done.stdout
    before, after = done.stdout.split("after two likes")[1].split("after a no to the first")
    assert "'Drama': -0.15" in after
    first, *others = scores(before)
    assert first not in scores(after)
    assert any(scores(after)[title] < scores(before)[title] for title in others if title in scores(after))


def scores(printed: str) -> dict[str, float]:
    """The titles of a list with their scores, best first."""
    lines = re.findall(r"^\d\. (.+?) (\d\.\d\d) ", printed, re.MULTILINE)
    return {title: float(score) for title, score in lines}


def database_url() -> str:
    """The test's own database, for another process."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    login = ":".join(filter(None, (database["USER"], database["PASSWORD"])))
    return f"postgres://{login}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
