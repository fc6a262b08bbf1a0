"""docs/research/seeds.md has each claim of the commissioning documents with what shows it."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import pytest
from django.apps import apps
from django.conf import settings

from tests.docs.pages import ROOT, expect_none, read
from tests.docs.test_addresses import of_pages, of_the_api, without_names
from tests.docs.test_commands import OURS, parser_of

PAGE = ROOT / "docs" / "research" / "seeds.md"
STATES = ("kept", "replaced")
SECTION = re.compile(r"^## (\d{3}): .*\n((?:(?!^## ).*\n?)*)", re.MULTILINE)
SUMMARY = re.compile(r"^\| (\d{3}) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
ADDRESS = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)")
NAMED = re.compile(r"`([^`]+)`")
DECISION = re.compile(r"\]\(\.\./decisions/[\w-]+\.md\)")


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of the page."""

    document: str
    text: str
    state: str
    shown_by: str

    @property
    def named(self) -> list[str]:
        """Names in backticks in the last column."""
        return NAMED.findall(self.shown_by)


def claims() -> Iterator[Claim]:
    for document, text in SECTION.findall(read(PAGE)):
        rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
        assert rows, f"no table under {document} in docs/research/seeds.md"
        assert rows[0] == ["claim", "state", "shown by"], f"another heading under {document}"
        for cells in rows[1:]:
            assert len(cells) == 3, f"a row of {len(cells)} cells in docs/research/seeds.md: {cells[0]}"
            yield Claim(document, *cells)


@cache
def cases_in(path: str) -> frozenset[str]:
    """The tests of a file: `test_x`, or `TestClass::test_x`."""
    file = ROOT / path
    found: set[str] = set()
    if file.is_file():
        for node in ast.parse(read(file)).body:
            inner = node.body if isinstance(node, ast.ClassDef) else []
            before = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
            found |= {before + one.name for one in inner or [node] if isinstance(one, ast.FunctionDef)}
    return frozenset(found)


def is_test(name: str) -> bool:
    return name.startswith("tests/") and "::" in name


def exists(name: str) -> bool:
    """True where a name of the last column stands for something that is there, told by its form."""
    if is_test(name):
        path, _, test = name.partition("::")
        return test in cases_in(path)
    if found := ADDRESS.fullmatch(name.partition("?")[0]):
        return f"{found[1]} {without_names(found[2])}" in of_the_api()
    if name.startswith("/"):
        return without_names(name.partition("?")[0]) in of_pages()
    if name.startswith("manage.py "):
        return is_command(name.split()[1:])
    if "/" in name:
        return (ROOT / name).exists()
    if name.isupper():
        return hasattr(settings, name)
    if "." in name:
        return is_importable(name)
    return name in {model._meta.db_table for model in apps.get_models()}


def is_command(words: list[str]) -> bool:
    if words[0] not in OURS:
        return False
    options = {option for action in parser_of(words[0])._actions for option in action.option_strings}
    return {word.partition("=")[0] for word in words if word.startswith("--")} <= options


def is_importable(name: str) -> bool:
    module, _, attribute = name.removesuffix("()").rpartition(".")
    try:
        return hasattr(import_module(module), attribute)
    except ImportError:
        return False


def test_what_is_named_as_showing_a_claim_exists() -> None:
    missing = (f"{name} ({claim.text})" for claim in claims() for name in claim.named if not exists(name))
    expect_none(missing, "named in docs/research/seeds.md, but not there")


def test_each_claim_is_kept_with_a_test_or_replaced_with_a_decision() -> None:
    bare = []
    for claim in claims():
        assert claim.state in STATES, f"seeds.md: a claim is {' or '.join(STATES)}, not {claim.state}"
        shown = any(map(is_test, claim.named)) if claim.state == "kept" else DECISION.search(claim.shown_by)
        if not shown:
            bare.append(f"{claim.text} ({claim.state})")
    expect_none(bare, "no test or decision in docs/research/seeds.md")


def test_each_claim_stands_once() -> None:
    times = Counter((claim.document, claim.text) for claim in claims())
    expect_none((text for (_, text), count in times.items() if count > 1), "twice in docs/research/seeds.md")


def test_the_counts_at_the_top_are_those_of_the_tables() -> None:
    counted = {
        document: (len(states), states.count("kept"), states.count("replaced"))
        for document in {claim.document for claim in claims()}
        if (states := [claim.state for claim in claims() if claim.document == document])
    }
    said = {document: tuple(map(int, counts)) for document, *counts in SUMMARY.findall(read(PAGE))}
    assert said == counted


@pytest.mark.parametrize(
    "name",
    [
        "tests/docs/test_seeds.py::test_nothing",
        "tests/docs/nothing::test_each_claim_stands_once",
        "POST /api/dislike-history",
        "/nothing/",
        "manage.py nothing",
        "manage.py retrain --nothing",
        "demo/nothing.md",
        "NOTHING",
        "feedback.training.nothing",
        "nothing_at_all.here",
        "no_such_table",
    ],
)
def test_what_is_not_there_is_found_out(name: str) -> None:
    assert not exists(name)
