"""Pages of docs/research/ whose figures are older than the code that they speak of.

    python benchmarks/stale.py            # exit code 1 where there is any; --json for one object

A line of such a page names a commit and paths. A page is listed where a function, class or constant that
these paths held then is another one now, with the names of those. Docstrings, comments, layout, imports, what
moved to another module, and what is new beside it make no figure old: what is new counts once something of
then calls it.
"""

import ast
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache
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


def changes_since(stamp: Stamp, root: Path = ROOT) -> list[str]:
    """Code of the figures that is another one or gone now, sorted: `path: name`, or the path of a data file.

    One line says it where the commit of the figures is none of this history.
    """
    try:
        changed = git(root, "diff", "--name-only", "--no-renames", stamp.commit, "--", *stamp.paths)
    except subprocess.CalledProcessError:
        return [f"{stamp.commit} is no commit of this history"]
    found = []
    for path in changed:
        if not git(root, "ls-tree", "--name-only", stamp.commit, "--", path):
            continue
        if not path.endswith(".py"):
            found.append(path)
            continue
        old = definitions("\n".join(git(root, "show", f"{stamp.commit}:{path}")))
        gone = old.items() - definitions_now(root, path).items()
        found += [f"{path}: {name}" for name, text in gone if text not in everywhere(root).get(name, ())]
    return sorted(found)


def git(root: Path, *words: str) -> list[str]:
    """The lines that git answers. Raises CalledProcessError."""
    command = ["git", *words]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.splitlines()


def definitions(source: str) -> dict[str, str]:
    """The functions, classes and constants of a module by name, without docstrings, comments and layout."""
    found = {}
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                pass
            case ast.Assign(targets=[ast.Name(id=name), *_]) | ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case _:
                continue
        found[name] = ast.dump(_Silent().visit(node))
    return found


class _Silent(ast.NodeTransformer):
    """Takes docstrings and other lone texts out."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)


def definitions_now(root: Path, path: str) -> dict[str, str]:
    """The definitions of a module as it is; none where it is gone."""
    file = root / path
    return definitions(file.read_text("utf-8")) if file.exists() else {}


@cache
def everywhere(root: Path) -> dict[str, set[str]]:
    """All definitions of all modules as they are, by name."""
    found: dict[str, set[str]] = {}
    for path in git(root, "ls-files", "--cached", "--others", "--exclude-standard", "*.py"):
        for name, text in definitions_now(root, path).items():
            found.setdefault(name, set()).add(text)
    return found


def main() -> int:
    stale = [(stamp, changes) for stamp in stamps() if (changes := changes_since(stamp))]
    if "--json" in sys.argv:
        rows = [{**asdict(stamp), "changes": changes} for stamp, changes in stale]
        sys.stdout.write(json.dumps({"stale": rows}) + "\n")
    else:
        for stamp, changes in stale:
            sys.stdout.write(f"{stamp.page}: figures of {stamp.date}; {len(changes)} changed since\n")
            sys.stdout.writelines(f"    {change}\n" for change in changes)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
