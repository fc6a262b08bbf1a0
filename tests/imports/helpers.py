"""Shared helpers of the tests of importers."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def run(command: str, *args: object) -> dict[str, Any]:
    """Runs a command with `--json` and returns its summary, which must be all of its standard output."""
    out = StringIO()
    call_command(command, *map(str, args), "--json", stdout=out, stderr=StringIO())
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def refusal(command: str, *args: object) -> str:
    """The error text of a command that must fail with exit code 1; standard output has it as JSON."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(command, *map(str, args), "--json", stdout=out, stderr=StringIO())
    assert caught.value.returncode == 1
    assert json.loads(out.getvalue()) == {"error": str(caught.value)}
    return str(caught.value)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def json_lines(path: Path, *rows: object) -> Path:
    return write(path, "".join(json.dumps(row) + "\n" for row in rows))
