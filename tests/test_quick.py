"""`make quick` chooses the tests of what changed by path, and stops by the clock."""

import os
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from tests import time_limit
from tests.quick import CONTRACT, OF_SCHEMATHESIS, ROOT, chosen_for, options_for

# A run of pytest with no plugin that is not named: all of those installed take a second to load.
PYTEST = (sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider")


def without_plugins(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(folder)}


@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        ("serving/pipeline.py", ["tests/serving/test_pipeline.py", "tests/serving"]),
        ("feedback/migrations/0001_initial.py", ["tests/feedback"]),
        ("tests/serving/test_seen.py", ["tests/serving/test_seen.py"]),
        ("tests/privacy/builders.py", ["tests/privacy"]),
        ("tests/factories.py", []),
        ("templates/web/feed.html", ["tests/web", "tests/console"]),
        ("ranking/recommenders/als/model.py", ["tests/ranking/recommenders/als"]),
        ("ranking/recommenders/linear.py", [CONTRACT, "tests/ranking/recommenders"]),
        ("ranking/kinds.py", [CONTRACT, "tests/ranking"]),
        ("tests/ranking/recommenders/kinds.py", [CONTRACT, "tests/ranking/recommenders"]),
        ("LICENSE", []),
    ],
)
def test_the_path_of_a_file_names_its_tests(changed: str, chosen: list[str]) -> None:
    found = chosen_for([changed])
    assert [one for one in chosen if one not in found] == []
    assert bool(found) == bool(chosen)
    assert found[-1:] == chosen[-1:]


def test_a_page_is_tested_by_the_checks_of_pages() -> None:
    assert chosen_for(["README.md", "docs/reference/api.md"]) == [
        "tests/docs/test_links.py",
        "tests/docs/test_glossary.py",
        "tests/docs/test_commands.py",
    ]


def test_a_folder_within_another_is_named_once() -> None:
    found = chosen_for(["ranking/recommenders/als/model.py", "ranking/scoring.py"])
    assert [one for one in found if not one.endswith(".py")] == ["tests/ranking"]


def test_the_tests_of_code_come_before_those_of_its_configuration() -> None:
    found = chosen_for(["heed.toml", "ranking/kinds.py"])
    assert found[0] == CONTRACT
    assert "tests/core/domain" in found


def test_a_change_of_the_next_release_is_tested_by_the_checks_of_changes() -> None:
    assert chosen_for(["changelog.d/+feed-sorting.added.md"]) == ["tests/docs/test_changelog.py"]


def test_schemathesis_is_loaded_for_its_file_alone() -> None:
    users = [
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if "import schemathesis\n" in path.read_text("utf-8")
    ]
    assert [path.relative_to(ROOT).as_posix() for path in users] == [OF_SCHEMATHESIS]
    assert "no:schemathesis" in options_for(["tests/web"])
    assert "no:schemathesis" not in options_for([OF_SCHEMATHESIS])


def test_every_app_has_a_folder_of_tests() -> None:
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")}
    assert sorted(app for app in apps if not chosen_for([f"{app}/models.py"])) == []


def test_what_does_not_start_in_time_is_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "time_limit.py").read_text("utf-8"), "utf-8")
    (tmp_path / "test_two.py").write_text("def test_a(): pass\ndef test_b(): assert False\n", "utf-8")
    options = ["-c", "/dev/null", f"--rootdir={tmp_path}", "--seconds=0.001", str(tmp_path)]
    done = subprocess.run(
        [*PYTEST, *options], capture_output=True, text=True, check=False, env=without_plugins(tmp_path)
    )
    assert "2 skipped" in done.stdout
    assert "left to make test" in done.stdout


@pytest.mark.slow
def test_workers_that_start_late_get_what_is_left_of_the_time(tmp_path: Path) -> None:
    """The second of the first process is over when the worker comes, which begins with a pause."""
    late = "def pytest_sessionstart(session): time.sleep(1.5 * hasattr(session.config, 'workerinput'))"
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "time_limit.py").read_text("utf-8"), "utf-8")
    (tmp_path / "late.py").write_text(f"import time\n{late}\n", "utf-8")
    (tmp_path / "test_one.py").write_text("def test_a(): assert False\n", "utf-8")
    options = [
        "-c",
        "/dev/null",
        f"--rootdir={tmp_path}",
        "-n",
        "1",
        "-p",
        "xdist",
        "-p",
        "late",
        "--seconds=1",
    ]
    done = subprocess.run(
        [*PYTEST, *options, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env=without_plugins(tmp_path),
    )
    assert "1 skipped" in done.stdout, done.stdout


def test_files_run_in_the_order_in_which_they_are_named(tmp_path: Path) -> None:
    limit = (ROOT / "tests" / "time_limit.py").read_text("utf-8")
    # As pytest-django does: what uses the database first.
    order = "\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_collection_modifyitems(items): items.reverse()\n"
    (tmp_path / "test_near.py").write_text("def test_a(): pass\n", "utf-8")
    (tmp_path / "test_far.py").write_text("def test_b(): pass\n", "utf-8")
    (tmp_path / "conftest.py").write_text("", "utf-8")
    (tmp_path / "limit.py").write_text(limit, "utf-8")
    (tmp_path / "reorder.py").write_text("import pytest" + order, "utf-8")
    options = [
        "-v",
        "-p",
        "limit",
        "-p",
        "reorder",
        "-c",
        "/dev/null",
        f"--rootdir={tmp_path}",
        "--seconds=100",
    ]
    done = subprocess.run(
        [*PYTEST, *options, str(tmp_path / "test_near.py"), str(tmp_path / "test_far.py")],
        capture_output=True,
        text=True,
        check=False,
        env=without_plugins(tmp_path),
    )
    assert done.stdout.index("test_near.py::test_a") < done.stdout.index("test_far.py::test_b")


def test_a_test_that_runs_too_long_is_left_out_but_not_while_an_object_is_taken_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    again: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda which, seconds: again.append(seconds))
    thing = type("Thing", (), {})()
    weakref.finalize(thing, lambda: time_limit._leave_out(signal.SIGALRM, sys._getframe()))
    del thing
    assert again == [time_limit.AGAIN]
    with pytest.raises(pytest.skip.Exception, match="too long for make quick"):
        time_limit._leave_out(signal.SIGALRM, sys._getframe())
