"""The contracts between and inside the folders hold, and a planted violation is caught."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
RULES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
FOLDERS = RULES["root_packages"]
FROM_BELOW = ("models", "selectors", "services", "api")
# A database of an older version is upgraded, and a browser walks the pages.
BESIDE_THE_FOLDERS = {"upgrade", "web/browser"}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the code and of its contracts."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in FOLDERS:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "data")
        )
    return tmp_path


def broken_contracts(house: Path) -> list[str]:
    """The names of the contracts that import-linter finds broken."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=house, capture_output=True, text=True, timeout=60, check=False)
    broken = re.findall(r"^(.+?) BROKEN", done.stdout, re.MULTILINE)
    assert bool(broken) == bool(done.returncode), done.stdout + done.stderr
    return broken


def plant(house: Path, module: str, statement: str) -> None:
    path = house / module
    path.write_text(f"{statement}\n{path.read_text()}")


@pytest.mark.slow
def test_the_contracts_hold(house: Path) -> None:
    assert broken_contracts(house) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_folder_has_a_contract_with_tables_below_reads_below_writes_below_answers(folder: str) -> None:
    contract = next(one for one in RULES["contracts"] if one.get("containers") == [folder])
    names = [{name.strip("() ") for name in re.split("[|:]", layer)} for layer in contract["layers"]]
    order = [one for layer in reversed(names) for one in FROM_BELOW if one in layer]
    assert contract["exhaustive"]
    assert order == [one for one in FROM_BELOW if one in order]
    assert {"admin", "api", "management"}.isdisjoint(set[str]().union(*names[1:]))


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("interactions/models.py", "import interactions.api", "Inside interactions"),
        ("privacy/selectors.py", "import privacy.services", "Inside privacy"),
        (
            "catalog/models.py",
            "import search.text_index",
            "Each folder imports only from those below it here",
        ),
        (
            "ranking/statistics/metrics.py",
            "import catalog.models",
            "The mathematics knows nothing of Django or of the product",
        ),
        ("serving/pipeline.py", "import torch", "Only training asks for PyTorch"),
    ],
)
def test_a_planted_import_is_caught(house: Path, module: str, statement: str, contract: str) -> None:
    plant(house, module, statement)
    assert contract in broken_contracts(house)


def test_a_module_without_a_place_is_caught(house: Path) -> None:
    (house / "feedback" / "helpers.py").write_text("")
    assert broken_contracts(house) == ["Inside feedback"]


def test_the_tests_mirror_the_folders() -> None:
    tests = ROOT / "tests"
    tested = {package.parent.relative_to(tests).as_posix() for package in tests.rglob("*/__init__.py")}
    without_folder = {name for name in tested if not (ROOT / name).is_dir()}
    assert without_folder == BESIDE_THE_FOLDERS
    assert set(FOLDERS) <= tested
