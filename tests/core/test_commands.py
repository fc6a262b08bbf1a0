"""The form that all commands share."""

import json
import logging
from argparse import ArgumentParser
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
import structlog
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from core import commands
from core.commands import HeedCommand
from core.errors import Conflict, LockHeld


@dataclass(frozen=True, slots=True)
class Summary:
    rows: int
    share: float
    parts: dict[str, int]
    notes: tuple[str, ...] = ()


class Probe(HeedCommand):
    """Does what `--outcome` says."""

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--outcome", default="done")

    def run(self, options: dict[str, Any]) -> object:
        match options["outcome"]:
            case "held":
                raise LockHeld("Another run holds the lock. Wait for it to end.")
            case "conflict":
                raise Conflict("This contradicts what is recorded.")
            case "database":
                raise OperationalError("deadlock detected\n")
            case "full":
                raise OSError(28, "No space left on device", "/models/x")
            case "mistake":
                raise RuntimeError("a mistake of ours")
            case "query":
                connection.cursor().execute("SELECT 1")
                return {"logged": len(connection.queries_log)}
            case "log":
                structlog.stdlib.get_logger(__name__).warning("a warning")
        return Summary(12_345, 0.25, {"new": 1_000}, ("first", "second"))


def out_of(*arguments: str) -> str:
    out = StringIO()
    call_command(Probe(), *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_people_get_a_line_for_each_value_and_nothing_is_called_none() -> None:
    told = "\n".join(commands._lines({"not_trained": "", "notes": [], "rows": 12_345}))
    assert told == "not trained: none\nnotes: none\nrows: 12,345"


def test_json_is_one_object_and_all_of_standard_output() -> None:
    assert json.loads(out_of("--json")) == {
        "rows": 12345,
        "share": 0.25,
        "parts": {"new": 1000},
        "notes": ["first", "second"],
    }


def test_the_summary_for_people_has_a_line_for_each_value() -> None:
    assert out_of().splitlines() == [
        "rows: 12,345",
        "share: 0.25",
        "parts:",
        "  new: 1,000",
        "notes:",
        "  first",
        "  second",
    ]


def test_quiet_prints_nothing_but_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert out_of("--quiet") == ""
    assert json.loads(out_of("--quiet", "--json"))["rows"] == 12345
    capsys.readouterr()
    assert out_of("--quiet", "--outcome", "log") == ""
    assert "a warning" not in capsys.readouterr().err
    assert not logging.root.manager.disable
    with pytest.raises(CommandError):
        out_of("--quiet", "--outcome", "conflict")


@pytest.mark.parametrize(
    ("outcome", "code", "text"),
    [
        ("held", 3, "Another run holds the lock"),
        ("conflict", 1, "This contradicts what is recorded."),
        ("database", 1, "The database refused or went away: deadlock detected"),
        ("full", 1, "A file could not be read or written: /models/x: No space left on device."),
    ],
)
def test_errors_become_exit_codes_with_their_sentence(outcome: str, code: int, text: str) -> None:
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(Probe(), "--json", "--outcome", outcome, stdout=out, stderr=StringIO())
    assert caught.value.returncode == code
    assert str(caught.value).startswith(text)
    assert json.loads(out.getvalue()) == {"error": str(caught.value)}


def test_a_mistake_of_ours_stays_one() -> None:
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        out_of("--json", "--outcome", "mistake")


@pytest.mark.django_db
def test_debug_keeps_no_queries_while_a_command_runs(settings: LazySettings) -> None:
    settings.DEBUG = True
    assert json.loads(out_of("--json", "--outcome", "query")) == {"logged": 0}
    connection.cursor().execute("SELECT 1")
    assert len(connection.queries_log) > 0
