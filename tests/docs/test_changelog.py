"""Changes that are in no release yet: files of a known type, which towncrier makes a section of."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.docs.pages import LINK, ROOT, read

FOLDER = ROOT / "changelog.d"
SETTINGS = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["towncrier"]
TYPES = [kind["directory"] for kind in SETTINGS["type"]]
NAME = re.compile(rf"\+[a-z0-9-]+\.(?:{'|'.join(TYPES)})\.md")
FRAGMENTS = sorted(path for path in FOLDER.iterdir() if path.name not in SETTINGS["ignore"])


def test_each_fragment_has_a_name_and_a_known_type() -> None:
    assert [path.name for path in FRAGMENTS if not NAME.fullmatch(path.name)] == []


def test_each_fragment_says_something_and_its_links_lead_somewhere() -> None:
    assert [path.name for path in FRAGMENTS if not read(path).strip() or read(path).startswith("-")] == []
    links = [link for path in FRAGMENTS for link in LINK.findall(read(path)) if "://" not in link]
    assert [link for link in links if not (ROOT / link.split("#")[0]).exists()] == []


def test_the_page_of_fragments_lists_every_type() -> None:
    assert re.findall(r"^\| `(\w+)` \|", read(FOLDER / "README.md"), re.MULTILINE) == TYPES


def test_a_release_gathers_the_fragments_above_the_release_before(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    folder = tmp_path / "changelog.d"
    folder.mkdir()
    shutil.copy(FOLDER / "template.md.jinja", folder)
    for kind in TYPES:
        (folder / f"+one.{kind}.md").write_text(f"It is {kind}.\n", encoding="utf-8")
    build = [
        sys.executable,
        "-m",
        "towncrier",
        "build",
        "--keep",
        "--version",
        "9.0.0",
        "--date",
        "2030-01-02",
    ]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before, after = read(ROOT / "CHANGELOG.md"), (tmp_path / "CHANGELOG.md").read_text(encoding="utf-8")
    head, _, rest = before.partition(SETTINGS["start_string"])
    assert after.startswith(head)
    assert after.endswith(rest)
    section = after.removeprefix(head + SETTINGS["start_string"]).removesuffix(rest)
    assert section.startswith("\n## 9.0.0, 2030-01-02\n\n### What changed for you\n\nIt is headline.\n")
    assert re.findall(r"^- It is (\w+)\.$", section, re.MULTILINE) == TYPES[1:]
