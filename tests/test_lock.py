"""requirements.lock is what `make lock` makes of requirements.txt: the same versions, each with hashes."""

import re

from tests.docs.pages import ROOT, expect_none

PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)


def versions(name: str) -> dict[str, str]:
    """Version of each package that a file pins, by the package's name as indexes write it."""
    found = PINNED.findall((ROOT / name).read_text("utf-8"))
    return {re.sub(r"[-_.]+", "-", package).lower(): version for package, version in found}


def test_every_requirement_is_locked_at_its_version() -> None:
    wanted, locked = versions("requirements.txt").items(), versions("requirements.lock").items()
    expect_none((f"{name}=={version}" for name, version in wanted - locked), "run make lock for")


def test_every_locked_package_has_hashes_and_none_comes_from_elsewhere() -> None:
    text = (ROOT / "requirements.lock").read_text("utf-8")
    blocks = re.split(r"\n(?=[A-Za-z])", text)
    bare = [one.split()[0] for one in blocks if PINNED.match(one) and "--hash=sha256:" not in one]
    expect_none(bare, "without hashes")
    assert "://" not in text
