"""Cells that hold several names, in the notation that the column shows.

Between names stands a vertical bar; a cell may also be a JSON array of names, or of objects with a name.
Another separator is believed where the column is evidence of it: split by it, the cells share their names
("Action, Drama", "Drama, War"). Where they do not ("Dumas, père"), a cell may be one name or several, and its
row is bad.
"""

import ast
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.values import FACET_NAMES, BadValue, named, shown
from imports.cells import is_empty

BAR = "|"
OTHERS = (";", ",")
# Of the names that splitting makes, the share that must occur in other cells as well.
SHARED = 0.7


def separators(columns: Iterable[str], sample: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """The separator of each column by what a sample of the rows holds; None where none can be told."""
    return {name: _separator([row[name] for row in sample if name in row]) for name in columns}


def parse_names(column: str, value: object, separator: str | None) -> tuple[str, ...]:
    """The names in a cell. Raises BadValue, also where one cannot tell whether they are several."""
    if is_empty(value):
        return ()
    if not isinstance(value, str):
        return named(column, FACET_NAMES, value)
    text = value.strip()
    if (listed := _as_list(text)) is not None:
        return named(column, FACET_NAMES, listed)
    if separator is None and BAR not in text and any(other in text for other in OTHERS):
        raise BadValue(
            f"{column} holds {shown(text)}, which may be one name or several; "
            "say what separates names with --list-separator"
        )
    mark = separator or BAR
    return named(column, FACET_NAMES, text.strip(mark).split(mark))


def _separator(cells: Iterable[object]) -> str | None:
    # Each text once: what is always written alike is no evidence of several names.
    texts = {cell.strip() for cell in cells if isinstance(cell, str) and _as_list(cell.strip()) is None}
    if any(BAR in text for text in texts):
        return BAR
    return next((mark for mark in OTHERS if _is_shared(texts, mark)), None)


def _is_shared(texts: set[str], mark: str) -> bool:
    """True where the parts between the marks are mostly parts of other cells, too."""
    several = [{part.strip() for part in text.split(mark)} for text in texts if mark in text]
    counts = Counter(part for parts in several for part in parts)
    counts.update(text for text in texts if mark not in text)
    found = [counts[part] > 1 for parts in several for part in parts]
    return bool(found) and sum(found) >= SHARED * len(found)


def _as_list(text: str) -> list[Any] | None:
    """The entries of a JSON array, or of one as Python writes it; None where the text is none."""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            entries = read(text)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(entries, list):
            return [entry.get("name", entry) if isinstance(entry, dict) else entry for entry in entries]
    return None
