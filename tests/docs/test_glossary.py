"""Every name that docs/reference/glossary.md gives for a term exists in the code."""

import re
import subprocess
from functools import cache

from tests.docs.pages import ROOT, expect_none, read

PAGE = ROOT / "docs" / "reference" / "glossary.md"
IDENTIFIER = re.compile(r"`([A-Za-z_]\w*)`")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


@cache
def names_in_code() -> frozenset[str]:
    """Every identifier of the product's modules, tests left out."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = [name for name in listed.stdout.splitlines() if not name.startswith(("tests/", "benchmarks/"))]
    return frozenset(
        word
        for name in modules
        if (ROOT / name).exists()
        for word in re.findall(r"\w+", (ROOT / name).read_text("utf-8"))
    )


def test_every_name_exists() -> None:
    expect_none(set(IDENTIFIER.findall(read(PAGE))) - names_in_code(), "the glossary names what is not there")


def test_every_term_has_a_name_and_comes_once() -> None:
    rows = [row for row in ROW.findall(read(PAGE)) if row[0] not in ("term", "---")]
    terms = [term for term, *_ in rows]
    assert len(terms) == len(set(terms)) >= 40
    expect_none(
        (term for term, names, *_ in rows if not IDENTIFIER.search(names)), "terms without a name in the code"
    )
