"""Pages of research say which commit their figures are of, and the check names those with newer code."""

import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT

stale: Any = import_module("benchmarks.stale")


def test_every_page_with_figures_names_its_code_and_that_exists() -> None:
    missing = [path for stamp in stale.stamps() for path in stamp.paths if not (ROOT / path).exists()]
    assert len(stale.stamps()) > 5
    assert missing == []


def test_a_page_without_a_stamp_is_refused(tmp_path: Path) -> None:
    (tmp_path / "speed.md").write_text("# How fast?\n\nVery.\n")
    with pytest.raises(ValueError, match=r"speed\.md names no commit"):
        stale.stamps(tmp_path)


FIRST = """\"\"\"Speed.\"\"\"

import math

LIMIT = 3


def kept(x: int) -> int:
    return x


def moved(x: int) -> int:
    return x + 1


def changed(x: int) -> int:
    return x + 2
"""
THEN = """\"\"\"Another word for speed.\"\"\"

from math import pi

LIMIT = 4


def kept(x: int) -> int:
    \"\"\"The same.\"\"\"
    return x  # as it was


def changed(x: int) -> int:
    return x + 3


def new() -> float:
    return pi
"""
ELSEWHERE = """def moved(x: int) -> int:
    return x + 1
"""


@pytest.fixture
def history(tmp_path: Path) -> tuple[Path, str]:
    """A repository in which figures were written down at a commit, and code and data changed after it."""

    def git(*words: str) -> str:
        own = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        return subprocess.run(own, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    def write(**files: str) -> None:
        for name, text in files.items():
            (tmp_path / "app" / name.replace("_", ".")).write_text(text)
        git("add", "-A")
        git("commit", "-m", "a change")

    git("init", "-q")
    (tmp_path / "app").mkdir()
    write(speed_py=FIRST, gone_py="GONE = 1\n", data_csv="1\n")
    commit = git("rev-parse", "HEAD").strip()
    (tmp_path / "app" / "gone.py").unlink()
    write(speed_py=THEN, data_csv="2\n", added_py="NEW = 1\n", elsewhere_py=ELSEWHERE)
    return tmp_path, commit


def test_what_is_another_one_now_is_named_and_words_moves_and_additions_are_not(
    history: tuple[Path, str],
) -> None:
    root, commit = history
    found = stale.changes_since(stale.Stamp("a.md", "2026-01-01", commit, ("app/",)), root)
    names = [one.removeprefix("app/") for one in found]
    assert names == ["data.csv", "gone.py: GONE", "speed.py: LIMIT", "speed.py: changed"]


def test_what_lies_outside_of_the_paths_makes_no_figure_old(history: tuple[Path, str]) -> None:
    root, commit = history
    assert stale.changes_since(stale.Stamp("a.md", "2026-01-01", commit, ("other/",)), root) == []


def test_a_commit_of_another_history_is_said_and_no_failure() -> None:
    stamp = stale.Stamp("als.md", "2026-11-29", "0123abc", ("ranking/",))
    assert stale.changes_since(stamp) == ["0123abc is no commit of this history"]
