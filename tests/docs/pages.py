"""The pages of the documentation, and what stands in them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT: Path = settings.BASE_DIR
README = ROOT / "README.md"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code, and the language that its fence names."""

    language: str
    text: str


@cache
def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def all_pages() -> list[Path]:
    """The pages beside the README, and every page under docs/."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """The name of a page in a failing test: its path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> list[Block]:
    return [Block(language, text) for language, text in FENCED.findall(read(page))]


def prose_of(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCED.sub("", read(page))


def links_of(page: Path) -> list[str]:
    """The targets of a page's links that stay in the repository: `path`, `path#heading` or `#heading`."""
    return [target for target in LINK.findall(prose_of(page)) if "://" not in target]


def anchors_of(page: Path) -> set[str]:
    """The names that a link may give after `#`: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section_of(page: Path, heading: str) -> str:
    """The text under a heading, up to the next one of any level; empty where there is none."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", read(page), re.DOTALL | re.MULTILINE)
    return found.group(1) if found else ""


def first_column(table: str) -> list[str]:
    """The names in backticks with which the rows of the tables in a text begin."""
    cells = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def expect_none(names: Iterable[str], complaint: str) -> None:
    """Fails where there are any names, and says all of them."""
    found = sorted(names)
    assert not found, f"{complaint}: {', '.join(found)}"
