"""Pages of docs/research/ whose figures are older than the code that they speak of.

    python benchmarks/stale.py            # exit code 1 where there is any; --json for one object

A line of such a page names a commit and paths. A page is listed where a later commit changed one of them.
"""

import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAMP = re.compile(r"^Figures of (\S+)(?: and before)?, commit `(\w+)`, about (`[^\n]+`)\.$", re.MULTILINE)
# Lists of what exists, which tests compare with the code; and an index.
WITHOUT_FIGURES = {"index.md", "seeds.md", "fault-kinds.md", "sentences.md"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """The age of the figures on a page, and the code that they are about."""

    page: str
    date: str
    commit: str
    paths: tuple[str, ...]


def stamps(folder: Path = ROOT / "docs" / "research") -> list[Stamp]:
    """Stamps of all pages with figures; a page that has none raises ValueError."""
    found = []
    for page in sorted(folder.glob("*.md")):
        if page.name in WITHOUT_FIGURES:
            continue
        line = STAMP.search(page.read_text("utf-8"))
        if line is None:
            raise ValueError(f"{page.name} names no commit: Figures of DATE, commit `HASH`, about `PATH`.")
        date, commit, paths = line.groups()
        found.append(Stamp(page.name, date, commit, tuple(re.findall(r"`([^`]+)`", paths))))
    return found


def changes_since(stamp: Stamp) -> list[str]:
    """Commits after the figures that changed their code, newest first, a line each.

    One line says it where the commit of the figures is none of this history.
    """
    command = ["git", "log", "--oneline", f"{stamp.commit}..HEAD", "--", *stamp.paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        return [f"{stamp.commit} is no commit of this history"]
    return done.stdout.splitlines()


def main() -> int:
    stale = [(stamp, changes) for stamp in stamps() if (changes := changes_since(stamp))]
    if "--json" in sys.argv:
        rows = [{**asdict(stamp), "changes": changes} for stamp, changes in stale]
        sys.stdout.write(json.dumps({"stale": rows}) + "\n")
    else:
        for stamp, changes in stale:
            sys.stdout.write(f"{stamp.page}: {stamp.date}, {len(changes)} changes since, last {changes[0]}\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
