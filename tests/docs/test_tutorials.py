"""docs/tutorials/ and the notebook run as they stand: first list, first recommender, experiment."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.services import issue_service_token
from demo import loading
from tests.docs.examples import Shell, examples_of
from tests.docs.pages import ROOT, blocks_of, read
from tests.docs.test_readme import imported, own_environment, script, serving
from tests.threads import threads_db  # noqa: F401  a fixture

pytestmark = pytest.mark.slow

__all__ = ["imported"]
TUTORIALS = ROOT / "docs" / "tutorials"
FIRST_LIST = TUTORIALS / "first-list.md"
RECOMMENDER = TUTORIALS / "your-first-recommender.md"
EXPERIMENT = TUTORIALS / "an-experiment.md"
# What a checkout holds that neither a server nor the suite of recommenders needs.
NOT_NEEDED = ("docs/", "tests/web/", "benchmarks/", "clients/", ".")


def blocks(page: Path, language: str) -> list[str]:
    return [block.text for block in blocks_of(page) if block.language == language]


@pytest.fixture
def demo(
    threads_db: None,  # noqa: F811
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """The address of a small demo, whose models nobody trains: tests/demo/ does that."""
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["localhost"]
    monkeypatch.setattr(loading, "train_and_activate", lambda *_: None)
    call_command("load_demo", people=8, nights=0, quiet=True)
    server = LiveServer("localhost")
    yield server.url
    server.stop()


# Ids in the page are those of a fresh database.
@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_the_first_list_heeds_a_no(demo: str) -> None:
    starting, naming = blocks(FIRST_LIST, "sh")
    assert starting == "git clone … heed && cd heed\nmake demo\n"
    assert "issue_token demo)" in naming
    token = issue_service_token(user=User.objects.get(username="demo"), may_act_for_others=False)
    shell = Shell({**os.environ, "HOST": demo, "TOKEN": token})
    examples = [one for block in blocks(FIRST_LIST, "console") for one in examples_of(block)]
    assert len(examples) == 4
    for example in examples:
        shell.run(example)


def test_the_page_makes_a_recommender(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    house = checkout(tmp_path / "heed")
    folder = house / "ranking" / "recommenders" / "overlap"
    folder.mkdir()
    for name, text in zip(("__init__.py", "recommender.py"), blocks(RECOMMENDER, "python"), strict=True):
        assert f"`overlap/{name}`" in read(RECOMMENDER)
        (folder / name).write_text(text, encoding="utf-8")
    kinds, *of_the_file = blocks(RECOMMENDER, "diff")
    change(house / "ranking" / "kinds.py", kinds)
    for one in of_the_file:
        change(house / "heed.toml", one)
    environment = {**own_environment(tmp_path), "DEBUG": "1"}
    (trying,) = blocks(RECOMMENDER, "sh")
    assert re.search(r"^\d\d passed", script(trying, environment, house), re.MULTILINE)
    # Its list, for somebody of the README's history. Another worker may be at it, so it is asked for late.
    shutil.copyfile(request.getfixturevalue("imported"), tmp_path / "own.sqlite3")
    token = script(".venv/bin/python manage.py issue_token ann\n", environment, house).strip()
    with serving("python manage.py runserver", environment, house) as address:
        shell = Shell({**environment, "HOST": address, "TOKEN": token})
        for example in [one for block in blocks(RECOMMENDER, "console") for one in examples_of(block)]:
            shell.run(example)


def checkout(folder: Path) -> Path:
    """A copy of the files of the repository that Heed runs by, with what is not yet committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if not name.startswith(NOT_NEEDED) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def change(file: Path, diff: str) -> None:
    """Makes the change of a file that a block shows; its old lines must be there, once."""
    old, new = (
        "".join(line[1:] for line in diff.splitlines(keepends=True) if line.startswith(sign)) for sign in "-+"
    )
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file.name} does not have once: {old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_experiment_is_answered_as_the_page_says() -> None:
    (line,) = blocks(EXPERIMENT, "sh")
    (shown,) = blocks(EXPERIMENT, "text")
    _, _, program = line.strip().rpartition(" ")
    done = subprocess.run(
        [sys.executable, program], cwd=ROOT, env={**os.environ, "DEBUG": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert without_figures(done.stdout) == without_figures(shown)


def test_the_notebook_runs_from_the_import_to_a_recommender_of_its_own() -> None:
    program = "docs/examples/notebook.py"
    done = subprocess.run(
        [sys.executable, program], cwd=ROOT, env={**os.environ, "DEBUG": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "3,520 acts of 110 people" in done.stdout
    ndcg = dict(re.findall(r"^(\S+): NDCG@10 (\S+)", done.stdout, re.MULTILINE))
    assert float(ndcg["als-movie_home-1"]) > float(ndcg["popularity"]) > 0
    popular, kindred = re.findall(r"': (0\.\d+)", done.stdout)
    assert float(kindred) > 2 * float(popular) > 0


def without_figures(text: str) -> list[str]:
    """The lines of a report with `#` for each figure, which may differ on another machine."""
    return [re.sub(r"\d+(?:\.\d+)?", "#", line) for line in text.split("\n") if line]
