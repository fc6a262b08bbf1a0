"""The README's five minutes, from an empty database to a list that heeds a no, with its very commands."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
from filelock import FileLock

from tests.docs.examples import Shell, examples_of
from tests.docs.pages import README, ROOT, blocks_of

pytestmark = pytest.mark.slow

PYTHON = ".venv/bin/python"
TRAINING = "manage.py retrain"
PATIENCE = 120
HER_GENRES = {"Crime", "Mystery", "Thriller"}


@pytest.fixture(scope="session")
def imported(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A database after the README's commands before the first training; the first worker makes it."""
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent
    made = folder / "imported" / "own.sqlite3"
    with FileLock(folder / "imported.lock"):
        if not made.exists():
            part = folder / "importing"
            part.mkdir()
            script(setting_up()[0], own_environment(part))
            part.rename(made.parent)
    return made


def test_the_commands_of_the_readme_lead_to_a_list_that_heeds_a_no(tmp_path: Path, imported: Path) -> None:
    _, training, server = setting_up()
    naming = [block.text for block in blocks_of(README) if block.language == "sh"][1]
    (curls,) = (block.text for block in blocks_of(README) if block.language == "console")
    environment = own_environment(tmp_path)
    shutil.copyfile(imported, tmp_path / imported.name)
    script(training, {**environment, "DEBUG": "1"})
    token = script(naming + 'echo "$TOKEN"', environment).strip()
    with serving(server, environment) as address:
        shell = Shell({**environment, "HOST": address, "TOKEN": token})
        for example in examples_of(curls):
            shell.run(example)
        assert [served_to_ann(address, token, kind) for kind in ("movies", "dramas")] == [True, True]


def served_to_ann(address: str, token: str, kind: str) -> bool:
    """True where a model made Ann's list, and most of it is crime, mystery or thriller."""
    request = Request(  # noqa: S310
        f"{address}/api/recommendations/personalized/{kind}?limit=10",
        headers={"Authorization": f"Token {token}"},
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        shown = json.load(answer)
    hers = [one for one in shown["recommendations"] if set(one["item"]["genres"]) & HER_GENRES]
    return shown["model_version"] != "" and len(hers) >= 7


def setting_up() -> tuple[str, str, str]:
    """The lines that import, without the installation, those from the first training on, and the server's."""
    block, _ = (block.text for block in blocks_of(README) if block.language == "sh")
    *lines, server = [line for line in block.splitlines() if "pip install" not in line]
    assert server == f"{PYTHON} manage.py runserver"
    first = next(number for number, line in enumerate(lines) if TRAINING in line)
    return "\n".join(lines[:first]), "\n".join(lines[first:]), server


def own_environment(folder: Path) -> dict[str, str]:
    places = {name: str(folder / name) for name in ("MODEL_DIR", "DATASET_DIR", "REPORT_DIR", "LOCK_DIR")}
    return {
        **os.environ,
        **places,
        "DATABASE_URL": f"sqlite:///{folder / 'own.sqlite3'}",
        "EXPLORATION_SHARE": "0",
    }


def script(text: str, environment: dict[str, str], folder: Path = ROOT) -> str:
    done = subprocess.run(
        ["bash", "-euc", text.replace(PYTHON, sys.executable)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 5,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def serving(line: str, environment: dict[str, str], folder: Path = ROOT) -> Iterator[str]:
    """The address of the server that a line of the README starts in a checkout, on a port of its own."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    _, *words = line.split()
    process = subprocess.Popen(
        [sys.executable, *words, "--noreload", str(port)],
        cwd=folder,
        env={**environment, "DEBUG": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(address, timeout=5):  # noqa: S310
                return
        except URLError:
            time.sleep(0.1)
    raise AssertionError("The server did not answer.")
