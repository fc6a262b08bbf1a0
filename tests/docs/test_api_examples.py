"""Every example of docs/reference/api.md, run in the order of the page with docs/examples/ loaded."""

import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from accounts.services import issue_service_token
from tests.docs.examples import Example, Shell, examples_of
from tests.docs.pages import ROOT, blocks_of
from tests.factories import make_user
from tests.threads import threads_db  # noqa: F401  a fixture

PAGE = ROOT / "docs" / "reference" / "api.md"
EXAMPLES = ROOT / "docs" / "examples"
# Ids in the page are those of a fresh database.
pytestmark = pytest.mark.django_db(transaction=True, reset_sequences=True)


@pytest.fixture
def environment(threads_db: None, settings: LazySettings) -> Iterator[dict[str, str]]:  # noqa: F811
    """The variables of the examples: the address of a server, and the tokens of ann and of a service."""
    settings.ALLOWED_HOSTS = ["localhost"]
    ann, _ = make_user("ann"), make_user("bob")
    service = make_user("films-site")
    call_command("import_items", str(EXAMPLES / "catalog.csv"), "--quiet", stdout=StringIO())
    call_command("import_interactions", str(EXAMPLES / "history.csv"), "--quiet", stdout=StringIO())
    server = LiveServer("localhost")
    yield {
        **os.environ,
        "HOST": server.url,
        "TOKEN": issue_service_token(user=ann),
        "SERVICE_TOKEN": issue_service_token(user=service, may_act_for_others=True),
    }
    server.stop()


@pytest.mark.slow
def test_the_examples_with_curl_answer_as_shown(environment: dict[str, str]) -> None:
    shell = Shell(environment)
    examples = [
        one for block in blocks_of(PAGE) if block.language == "console" for one in examples_of(block.text)
    ]
    assert len(examples) > 20
    for example in examples:
        shell.run(example)


def test_the_examples_in_python_print_what_is_shown(environment: dict[str, str], tmp_path: Path) -> None:
    blocks = blocks_of(PAGE)
    program = tmp_path / "example.py"
    program.write_text(
        "\n".join(block.text for block in blocks if block.language == "python"), encoding="utf-8"
    )
    shown = "".join(block.text for block in blocks if block.language == "text")
    assert shown
    done = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout == shown, f"printed\n{done.stdout}"


ONE, OTHER, THIRD = (f"b9e1b1f2-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("shown", "answer", "agrees"),
    [
        ('{"id":1,"score":0.5}', '{"id":1,"score":0.5051}', True),
        ('{"id":1,"score":0.5}', '{"id":1,"score":0.6}', False),
        ('{"id":1}', '{"id":2}', False),
        ('{"id":1,…}', '{"id":1,"title":"Low Orbit"}', True),
        ('{"id":1}', '{"id":1,"title":"Low Orbit"}', False),
        ('["2025-03-02T18:15:00Z"]', '["2026-11-21T12:09:32.369373Z"]', True),
        ('["2025-03-02T18:15:00Z"]', '["yesterday"]', False),
        (f'["{ONE}","{ONE}"]', f'["{OTHER}","{OTHER}"]', True),
        (f'["{ONE}","{ONE}"]', f'["{OTHER}","{THIRD}"]', False),
    ],
)
def test_an_answer_that_differs_is_noticed(shown: str, answer: str, *, agrees: bool) -> None:
    assert Shell({}).agrees(shown, answer) is agrees


def test_a_command_ends_where_its_quotes_do() -> None:
    block = """$ curl -d '{\n  "a": 1}' \\\n  $HOST/\n{"b":2,\n"c":3}\n\n$ curl $HOST\n"""
    assert examples_of(block) == [
        Example("""curl -d '{\n  "a": 1}' \\\n  $HOST/""", '{"b":2,"c":3}'),
        Example("curl $HOST", ""),
    ]
