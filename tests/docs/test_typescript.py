"""A client in TypeScript, as docs/reference/api.md makes it from our description: no error under --strict."""

import shlex
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command

from tests.docs.pages import ROOT, blocks_of

pytestmark = pytest.mark.slow

PROGRAMS = ROOT / "node_modules" / ".bin"
WRONG = 'await heed.api.itemDetail("12", "movies");\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the description of the API, the client made of it, and the program of the page."""
    made = tmp_path_factory.mktemp("typescript")
    call_command("spectacular", "--format", "openapi-json", "--file", str(made / "heed.json"))
    page = ROOT / "docs" / "reference" / "api.md"
    [program] = [block.text for block in blocks_of(page) if block.language == "ts"]
    (made / "films.ts").write_text(program)
    (made / "wrong.ts").write_text(program + WRONG)
    [generate] = [line for block in blocks_of(page) for line in block.text.splitlines() if "npx " in line]
    words = shlex.split(generate.removeprefix("$ ").removeprefix("npx "))
    words = ["heed.json" if word.startswith("http") else word for word in words]
    done = subprocess.run([PROGRAMS / words[0], *words[1:]], cwd=made, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def compile_strictly(folder: Path, name: str) -> str:
    """The errors that the compiler finds in a program; empty where there is none."""
    options = ["--strict", "--noEmit", "--ignoreConfig", "--target", "es2024", "--module", "preserve"]
    command = [str(PROGRAMS / "tsc"), *options, "--lib", "es2024,dom", "--types", "", name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.stdout


def test_ids_of_an_answer_go_into_addresses_and_bodies(folder: Path) -> None:
    assert compile_strictly(folder, "films.ts") == ""


def test_what_is_wrong_is_found(folder: Path) -> None:
    said = compile_strictly(folder, "wrong.ts")
    assert "Argument of type 'string' is not assignable to parameter of type 'number'." in said
