"""American spelling in code, documentation, pages and scripts."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Only the beginning of a word counts, so that its forms and identifiers that hold it are found too.
BRITISH = re.compile(
    r"analys(e|ed|ing)\b|anonymis|artefact|behaviour|cancell(ed|ing)|catalogue|categoris|centre|colour"
    r"|customis|defence|emphasis(e|ing)|factoris|favour|generalis|grey|honour|initialis|judgement|labelled|licence"
    r"|maximis|minimis|modell(ed|ing)|neighbour|normalis|optimis|organis|penalis|personalis|programme\b|randomis"
    r"|recognis|regularis|serialis|signalled|standardis|summaris|synchronis|tokenis|travell(ed|er|ing)|vectoris"
)
# Stored keys and names of others, each with its reason.
ALLOWED = {
    "aria-labelledby": "an attribute of HTML",
    "CATALOGUE_REFRESH_SECONDS": "the earlier name of a setting",
    "judgements": "the key of evaluations stored before",
    "neighbour_score": "a feature of models and lists on record",
    "nearest_neighbours": "a module of implicit",
}
FILES = ["*.py", "*.md", "*.html", "*.js", "*.toml"]
HERE = Path(__file__).relative_to(ROOT).as_posix()


def _british(text: str) -> list[str]:
    """Each after the number of its line. A whole file is looked through at once, which is much faster."""
    for name in ALLOWED:
        text = text.replace(name, "")
    text = text.lower()
    found = list(BRITISH.finditer(text))
    return [f"{1 + text[: one.start()].count(chr(10))}: {one.group()}" for one in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def test_an_empty_catalogue()", ["1: catalogue"]),
        ("Normalised, in\nthe LICENCE", ["1: normalis", "2: licence"]),
        ("its neighbour_score\n\nand neighbours", ["3: neighbour"]),
        ("promise, analyses, labeled, color", []),
    ],
)
def test_british_words_are_found(text: str, found: list[str]) -> None:
    assert _british(text) == found


def test_spelling_is_american() -> None:
    listed = subprocess.run(["git", "ls-files", *FILES], cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.splitlines() if name != HERE and (ROOT / name).exists()]
    british = [f"{name}:{word}" for name in names for word in _british((ROOT / name).read_text("utf-8"))]
    assert british == []
