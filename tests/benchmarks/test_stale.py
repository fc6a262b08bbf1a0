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


def test_what_changed_since_is_found() -> None:
    log = ["git", "log", "--format=%h", "-3", "--", "serving/"]
    commits = subprocess.run(log, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    if len(commits) < 3:
        pytest.skip("a shallow clone has no history to compare with")
    newest, _, older = commits
    assert len(stale.changes_since(stale.Stamp("a.md", "2026-01-01", older, ("serving/",)))) >= 2
    assert stale.changes_since(stale.Stamp("a.md", "2026-01-01", newest, ("serving/",))) == []


def test_a_commit_of_another_history_is_said_and_no_failure() -> None:
    stamp = stale.Stamp("als.md", "2026-11-29", "0123abc", ("ranking/",))
    assert stale.changes_since(stamp) == ["0123abc is no commit of this history"]
