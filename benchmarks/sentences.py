"""Counts the words of each sentence of README and documentation: `python benchmarks/sentences.py`.

Code counts as one word, a cell of a table or an entry of a list as a sentence of its own. Formulas and the
answers that a page shows are left out.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = {
    "README": ["README.md"],
    "tutorials": ["docs/tutorials/*.md"],
    "how-to": ["docs/how-to/*.md"],
    "explanation": ["docs/explanation/*.md"],
    "API": ["docs/reference/api.md"],
}
LEFT_OUT = ('{"success"', " = ")


def sentences_of(text: str) -> Iterator[str]:
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for piece in re.split(r"\n\s*\n|\n(?=\s*(?:[-*|]|\d+\.) ?)", text):
        for cell in piece.split("|") if piece.lstrip().startswith("|") else [piece]:
            plain = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "Code", cell))
            yield from re.split(r"(?<=[.!?])\s+(?=[A-Z*\[\"(0-9])", " ".join(plain.split()))


def length(sentence: str) -> int:
    return len(re.findall(r"[\w'’*/-]+", sentence))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--longer-than", type=int, default=30)
    options = parser.parse_args()
    long: list[tuple[int, str, str]] = []
    for name, patterns in PAGES.items():
        found = [
            (length(sentence), path.name, sentence)
            for pattern in patterns
            for path in sorted(ROOT.glob(pattern))
            for sentence in sentences_of(path.read_text(encoding="utf-8"))
            if length(sentence) and not any(sign in sentence for sign in LEFT_OUT)
        ]
        lengths = [row[0] for row in found]
        above = [row for row in found if row[0] > options.longer_than]
        mean = sum(lengths) / len(lengths)
        said = f"{len(found)} sentences of {mean:.1f} words, {len(above)} longer, {max(lengths)} at most"
        sys.stdout.write(f"{name}: {said}\n")
        long += above
    for count, page, sentence in sorted(long, reverse=True):
        sys.stdout.write(f"{count} {page} {sentence}\n")


if __name__ == "__main__":
    main()
