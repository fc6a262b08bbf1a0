"""A run's summary as rows of a table."""

from collections.abc import Iterator, Mapping
from typing import Any

MAX_ROWS = 60


def figure_rows(figures: Mapping[str, Any]) -> tuple[list[tuple[str, str]], int]:
    """The plain values of a summary by their path, at most MAX_ROWS, and how many there are beyond."""
    rows = list(_leaves(figures, ""))
    return rows[:MAX_ROWS], max(0, len(rows) - MAX_ROWS)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _leaves(
                entry, f"{path} › {name.replace('_', ' ')}" if path else name.replace("_", " ")
            )
    elif isinstance(value, list) and any(isinstance(entry, dict | list) for entry in value):
        for number, entry in enumerate(value, 1):
            yield from _leaves(entry, f"{path} {number}")
    else:
        yield path, _told(value)


def _told(value: Any) -> str:
    match value:
        case None | "" | []:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
