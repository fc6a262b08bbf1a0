"""Docstrings of the whole project: they begin with a noun or a verb, never with a question word."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUESTION = re.compile(r"(What|How|Whether|Which|When|Where|Why|Who|Whose)\b")
# Any text that begins so: files without one, nearly all, need not be parsed.
QUOTED = re.compile(rf"[\"']\s*{QUESTION.pattern}")


def _starts(source: str) -> Iterator[tuple[int, str]]:
    """Line and first line of each docstring in a source that quotes a question."""
    if not QUOTED.search(source):
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text:
                yield getattr(node, "lineno", 1), text.split("\n")[0]


def test_a_question_is_found() -> None:
    source = '"""Rows of a file."""\ndef f():\n    """Whether it rains."""\n'
    assert [start for start in _starts(source) if QUESTION.match(start[1])] == [(2, "Whether it rains.")]


def test_no_docstring_begins_with_a_question_word() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    questions = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in paths
        if path.exists()
        for line, text in _starts(path.read_text("utf-8"))
        if QUESTION.match(text)
    ]
    assert questions == []
