"""Links of the documentation: their targets exist, and every page of it can be reached from the README."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.docs.pages import (
    README,
    ROOT,
    all_pages,
    anchors_of,
    expect_none,
    links_of,
    name_of,
    prose_of,
    read,
)

PAGES = pytest.mark.parametrize("page", all_pages(), ids=name_of)
MADE_BY_RUNNING = ("var/", ".venv/")
# A path in backticks: folders, then a file with an ending, or a folder that ends with a slash.
PATH = re.compile(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?)`")


# A path to a module, a picture or a page, wherever it is named: in a picture, a comment, a setting.
SOURCE_PATH = re.compile(r"(?<![\w/.<-])((?:[\w-]+/)+[\w-]+\.(?:py|svg)|docs/(?:[\w-]+/)*[\w-]+\.md)(?!\w)")
NAMING = (".py", ".svg", ".toml", ".js", ".html", ".example", "Makefile")


@cache
def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


@cache
def top_folders() -> frozenset[str]:
    return frozenset(line.split("/")[0] for line in tracked() if "/" in line)


def target_of(page: Path, link: str) -> tuple[Path, str]:
    """The file that a link of a page means, and the heading in it or ""."""
    path, _, anchor = link.partition("#")
    return ((page.parent / path).resolve() if path else page), anchor


@PAGES
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links_of(page):
        target, anchor = target_of(page, link)
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    expect_none(broken, f"links of {name_of(page)} that lead nowhere")


@PAGES
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = set(PATH.findall(prose_of(page)))
    ours = {path for path in named if path.split("/")[0] in top_folders()}
    missing = (path for path in ours if not path.startswith(MADE_BY_RUNNING) and not exists(path, page))
    expect_none(missing, f"paths in {name_of(page)} that do not exist")


def test_every_source_that_code_or_a_picture_names_exists() -> None:
    missing = []
    for name in tracked():
        if name.endswith(NAMING) and (ROOT / name).exists():
            named = SOURCE_PATH.findall((ROOT / name).read_text(encoding="utf-8"))
            missing += [f"{path} ({name})" for path in named if not exists(path, ROOT / name)]
    expect_none(missing, "paths that do not exist")


def exists(path: str, page: Path) -> bool:
    return (ROOT / path).exists() or (page.parent / path).exists()


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links_of(page):
            target, _ = target_of(page, link)
            waiting += sorted(target.glob("*.md")) if target.is_dir() else [target] * (target.suffix == ".md")
    expect_none(map(name_of, set(all_pages()) - reached), "pages that no link leads to")


def test_every_decision_is_listed_with_its_date_and_status() -> None:
    folder = ROOT / "docs" / "decisions"
    rows = re.findall(
        r"^\| \[[^\]]+\]\(([\w-]+\.md)\) \| (\S+) \| (\w+)", read(folder / "index.md"), re.MULTILINE
    )
    said = {
        page.name: re.findall(r"^Date: (\S+)\. Status: (\w+)", read(page), re.MULTILINE)
        for page in folder.glob("0*.md")
    }
    assert {name: [(date, status)] for name, date, status in rows} == said


def test_every_page_is_on_the_site() -> None:
    listed = set(re.findall(r"[\w/-]+\.md", read(ROOT / "mkdocs.yml")))
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    expect_none(pages - listed, "not in the nav of mkdocs.yml")
