"""The app of docs/examples does without the admin and without commands all that it says."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from pytest_django.live_server_helper import LiveServer

from accounts.services import issue_service_token
from feedback.models import Dislike
from tests.docs.pages import ROOT
from tests.factories import make_user
from tests.threads import threads_db  # noqa: F401  a fixture


@pytest.fixture
def environment(threads_db: None, settings: LazySettings) -> Iterator[dict[str, str]]:  # noqa: F811
    settings.ALLOWED_HOSTS = ["localhost"]
    token = issue_service_token(user=make_user("my-app"), may_act_for_others=True)
    server = LiveServer("localhost")
    clients = str(ROOT / "clients" / "python")
    yield {**os.environ, "HEED_ADDRESS": server.url, "HEED_TOKEN": token, "PYTHONPATH": clients}
    server.stop()


@pytest.mark.slow
def test_the_app_lives_on_the_api_alone(environment: dict[str, str]) -> None:
    program = [sys.executable, str(ROOT / "docs" / "examples" / "app.py")]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = done.stdout
    assert "catalog: 60 new, 0 as before" in said
    assert "events: 1000 recorded" in said
    # Of 20 dramas 12 are of 2000 or later.
    assert "pages: 12 films, 12 different ones" in said
    assert "page 5: nothing more" in said
    assert re.search(r"a no holds back: \{'\w+': -0\.15\}", said)
    assert "turned down and gone: True" in said
    assert "export: 60 items, 1001 interactions, 1 dislikes" in said
    dislike = Dislike.objects.get()
    assert dislike.context_source == Dislike.ContextSource.SESSION
