"""`python -m tests.quick`: the tests of what changed, nearest first, for as long as a pause may last.

A test file mirrors the module that it tests, so the path of a changed file names its tests: first the files
of that name, then the folder they lie in. Nothing is recorded between two runs. Tests that drive a browser,
and whatever does not start within SECONDS, are left to `make test`.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 22
# So few tests are handed to a process at once: by default the second of two begins in the middle of the list.
AT_ONCE = 4
# After every change: what docstrings and spelling must be like takes a second.
ALWAYS = ("tests/test_docstrings.py", "tests/test_spelling.py")
# The one file whose tests Schemathesis makes.
OF_SCHEMATHESIS = "tests/test_openapi.py"
# What has no test file of its own name.
ELSEWHERE = {
    "static": ("tests/web/test_scripts.py", "tests/web"),
    "templates": ("tests/web", "tests/console"),
    "clients": ("tests/clients",),
    "docs": ("tests/docs/test_links.py", "tests/docs/test_glossary.py", "tests/docs/test_commands.py"),
    "heed.toml": ("tests/core/domain", "tests/test_use_cases.py"),
    "pyproject.toml": (
        "tests/test_contracts.py",
        "tests/docs/test_versions.py",
        "tests/docs/test_changelog.py",
    ),
    "changelog.d": ("tests/docs/test_changelog.py",),
}
# What the suite of all recommenders tries, and the suite.
OF_RECOMMENDERS = ("ranking/recommenders", "ranking/kinds.py", "tests/ranking/recommenders/kinds.py")
CONTRACT = "tests/ranking/recommenders/test_contract.py"


def changed_files() -> list[str]:
    """Files that differ from the last commit shared with main, and files that git does not know yet."""
    listed = _git("diff", "--name-only", "--relative", _base())
    return sorted({*listed, *_git("ls-files", "--others", "--exclude-standard")})


def _base() -> str:
    for main in ("origin/main", "main"):
        if found := _git("merge-base", "HEAD", main):
            return found[0]
    return "HEAD"


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def chosen_for(changed: Iterable[str], root: Path = ROOT) -> list[str]:
    """Test files and folders of changed files: those of the same name first, then folders; each once."""
    near: dict[str, None] = {}
    far: dict[str, None] = {}
    # Code first: what a page or heed.toml has for tests is further off.
    for name in sorted(changed, key=lambda name: not name.endswith(".py")):
        path = Path(name)
        for found in _nearest(path, root):
            near.setdefault(found)
        if folder := _folder(path, root):
            far.setdefault(folder)
    inside = [one for one in far if not any(Path(other) in Path(one).parents for other in far)]
    return [*(one for one in near if (root / one).exists()), *inside]


def _nearest(path: Path, root: Path) -> list[str]:
    """`serving/pipeline.py` has `tests/serving/test_pipeline.py`; a test file has itself."""
    if path.parts[0] in ELSEWHERE:
        return list(ELSEWHERE[path.parts[0]])
    if path.suffix == ".md":
        return list(ELSEWHERE["docs"])
    contract = [CONTRACT] if any(path.is_relative_to(one) for one in OF_RECOMMENDERS) else []
    if path.parts[0] == "tests":
        is_test = path.name.startswith("test_") and path.suffix == ".py"
        return [path.as_posix()] if is_test else contract
    places = [root / "tests" / path.parent, *(root / "tests" / path.parent).parents]
    named = [place / f"test_{name}.py" for place in places for name in (path.stem, path.parent.name)]
    found = [one.relative_to(root).as_posix() for one in named if one.exists() and root in one.parents]
    return [*found, *contract]


def _folder(path: Path, root: Path) -> str:
    """The folder of tests nearest to a module or to a helper of tests; "" for what has none."""
    if path.suffix != ".py" or path.name.startswith("test_") or len(path.parts) == 1:
        return ""
    inner = path.parent.relative_to("tests") if path.parts[0] == "tests" else path.parent
    for place in (inner, *inner.parents):
        if place != Path() and (root / "tests" / place).is_dir():
            return (Path("tests") / place).as_posix()
    return ""


def options_for(chosen: Iterable[str]) -> list[str]:
    """Options of pytest. The plugin of Schemathesis takes a second to load, in each of three processes."""
    options = ["-q", "-rfE", "-n", "2", f"--maxschedchunk={AT_ONCE}", "-p", "no:randomly"]
    options += ["-m", "not browser", f"--seconds={SECONDS}"]
    return options if OF_SCHEMATHESIS in chosen else [*options, "-p", "no:schemathesis"]


def main() -> int:
    changed = changed_files()
    if not changed:
        sys.stdout.write("Nothing changed since main.\n")
        return 0
    chosen = [*ALWAYS, *(one for one in chosen_for(changed) if one not in ALWAYS)]
    sys.stdout.write(
        f"{len(changed)} files changed; skipped is what no time is left for: {', '.join(chosen)}\n"
    )
    sys.stdout.flush()
    environment = {"DEBUG": "1", **os.environ}
    command = [sys.executable, "-m", "pytest", *options_for(chosen), *chosen]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
