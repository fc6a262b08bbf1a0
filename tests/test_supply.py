"""Locks with hashes and known licenses of all that production installs, and a workflow that names commits."""

import re
import subprocess
from collections import defaultdict
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
# Only for who develops; PyTorch there is whichever build the machine has.
UNLOCKED = {"requirements-dev.txt"}
# Installed apart where the build of PyTorch for CPUs is wanted, which has other hashes.
PYTORCH = {"requirements-two-tower.txt", "requirements-text.txt"}
LISTS = sorted(path.name for path in ROOT.glob("requirements*.txt") if path.name not in UNLOCKED)
TOGETHER = [name for name in LISTS if name not in {"requirements-audit.txt", "requirements-docs.txt"}]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[\w+\])?==([^\s;\\]+)([^\\\n]*)", re.MULTILINE)


def pins(name: str) -> dict[str, set[tuple[str, str]]]:
    """The versions of each package with their conditions."""
    found = defaultdict(set)
    for package, version, condition in PIN.findall((ROOT / name).read_text()):
        found[package.lower()].add((version, condition.strip()))
    return dict(found)


def licenses() -> Any:
    spec = spec_from_file_location("licenses", ROOT / ".ci" / "licenses.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_a_lock_with_the_hash_of_each_package(name: str) -> None:
    lock = name.replace(".txt", ".lock")
    locked = pins(lock)
    for package, versions in pins(name).items():
        assert {version for version, _ in versions} == {version for version, _ in locked[package]}
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text())
    packages = [entry for entry in entries if not entry.startswith("#")]
    assert len(packages) >= len(locked) > 0
    assert [entry for entry in packages if not re.search(r" --hash=sha256:[0-9a-f]{64}", entry)] == []


def test_locks_agree_so_that_any_of_them_live_in_one_environment() -> None:
    versions = defaultdict(set)
    for name in TOGETHER:
        for package, found in pins(name.replace(".txt", ".lock")).items():
            versions[package].add(frozenset(version for version, _ in found))
    assert len(versions) > 100
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_what_installs_for_production_asks_for_hashes() -> None:
    command = ["git", "grep", "-hE", r"pip(\" *,)? install .*-r ", "--", ".", ":!tests", ":!CHANGELOG.md"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line for line in ran.stdout.splitlines() if not any(f"-r {name}" in line for name in UNLOCKED)]
    assert len(lines) > 10
    without = [line for line in lines if "--require-hashes" not in line or ".txt" in line]
    assert [line for line in without if not any(f"-r {name}" in line for name in PYTORCH)] == []


def test_the_image_has_the_lists_and_locks_of_what_only_some_need() -> None:
    carried = (ROOT / ".dockerignore").read_text().splitlines()
    assert [name for name in TOGETHER if "!" + name.replace(".txt", ".lock") not in carried] == []


def test_actions_are_named_by_their_commits() -> None:
    used = [
        line.partition("uses:")[2].strip()
        for workflow in (ROOT / ".github" / "workflows").iterdir()
        for line in workflow.read_text().splitlines()
        if "uses:" in line
    ]
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", one)] == []


def test_each_package_has_a_license_that_is_accepted_and_listed() -> None:
    licenses_of = licenses()
    needed = licenses_of.needed_by()
    assert {package for name in TOGETHER for package in pins(name)} <= set(needed)
    unknown = {
        package: said
        for package in needed
        if not set(licenses_of.parts(said := licenses_of.license_of(package))) <= licenses_of.ACCEPTED
    }
    assert unknown == {}
    assert licenses_of.PAGE.read_text() == licenses_of.page(), "make lock writes it"
