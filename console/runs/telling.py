"""Texts of a run as they are kept: cut to a size, without names of people and without secrets."""

import json
import logging
import math
import re
import traceback
from collections import deque
from collections.abc import Mapping
from typing import Any

from django.core.management import CommandError
from django.core.serializers.json import DjangoJSONEncoder

from console.models import Run
from core.commands import EXIT_LOCK_HELD
from core.progress import Progress

MAX_LINES, MAX_LINE = 200, 500
# Beyond so many characters of JSON only the plain values of a summary are kept.
MAX_FIGURES = 200_000
# Options that name people.
_OF_PEOPLE = {"user", "account"}
_AFTER_USER = re.compile(r"\buser [^\n]*")
_QUOTED = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"[^\"\n]*\"")
_AFTER_ACCOUNT = re.compile(r"(?<=--account )\S+")
_IN_ADDRESS = re.compile(r"(?<=://)[^\s/@]+@")
Status = Run.Status


class LogTail(logging.Handler):
    """Keeps the last lines that are logged while it is attached."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"))
        self._lines: deque[str] = deque(maxlen=MAX_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self.add(self.format(record))

    def add(self, text: str) -> None:
        """Adds the lines of a text."""
        self._lines.extend(plain(line)[:MAX_LINE] for line in text.splitlines())

    def text(self) -> str:
        """The lines so far."""
        # Another thread may be adding one.
        return "\n".join(self._lines.copy())


def plain(text: str) -> str:
    """A text without passwords in addresses, the character that PostgreSQL refuses, and names of people.

    A report on a row of an import names whom it is about, and no erasure would find them here.
    """
    text = _IN_ADDRESS.sub("…@", text.replace("\0", ""))
    text = _AFTER_USER.sub(lambda told: _QUOTED.sub("'…'", told[0]), text)
    return _AFTER_ACCOUNT.sub("…", text)


def arguments_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as JSON; of options that name people only how many they name."""
    return {name: _argument(name, value) for name, value in given.items()}


def _argument(name: str, value: Any) -> Any:
    if name in _OF_PEOPLE:
        return f"({len(value) if isinstance(value, list) else 1} named)"
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, list | tuple):
        return [_argument("", one) for one in value]
    return plain(str(value))[:MAX_LINE]


def progress_of(progress: Progress | None) -> tuple[str, float | None]:
    """The count, in words, and the share of it that is done, where that is known."""
    if progress is None or not (progress.count or progress.total):
        return "", None
    if not progress.total or progress.count > progress.total:
        return f"{progress.count:,} {progress.unit}", None
    return f"{progress.count:,} of {progress.total:,} {progress.unit}", progress.count / progress.total


def figures_of(summary: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A summary as JSON that both databases take: no NaN, and not beyond MAX_FIGURES."""
    if summary is None:
        return None
    figures: dict[str, Any] = _clean(json.loads(json.dumps(summary, cls=DjangoJSONEncoder)))
    if len(json.dumps(figures)) <= MAX_FIGURES:
        return figures
    return {name: value for name, value in figures.items() if not isinstance(value, dict | list)}


def _clean(value: Any) -> Any:
    match value:
        case dict():
            return {plain(name): _clean(entry) for name, entry in value.items()}
        case list():
            return [_clean(entry) for entry in value]
        case float() if not math.isfinite(value):
            return None
        case str():
            return plain(value)
        case _:
            return value


def outcome_of(figures: Mapping[str, Any] | None) -> tuple[Run.Status, str]:
    """The outcome of a run that ended well: a summary says `due` where it may have had nothing to do."""
    figures = figures or {}
    why = str(figures.get("why") or "")
    if figures.get("due") is False:
        return Status.IDLE, why
    outcomes = figures.get("outcomes") or []
    if outcomes and all(one.get("status") == "rejected" for one in outcomes):
        return Status.REJECTED, " ".join(f"{one['version']}: {one['why']}" for one in outcomes)
    if outcomes:
        return Status.DONE, ", ".join(f"{one['version']} is {one['status']}" for one in outcomes)
    return Status.DONE, why or headline(figures)


def headline(figures: Mapping[str, Any]) -> str:
    """The first plain figures of a summary in a line."""
    plain_ones = [
        f"{name.replace('_', ' ')} {value:,}"
        if isinstance(value, int)
        else f"{name.replace('_', ' ')} {value}"
        for name, value in figures.items()
        if isinstance(value, str | int) and not isinstance(value, bool) and value != ""
    ]
    return ", ".join(plain_ones[:4])


def failure_of(error: BaseException, log: LogTail) -> tuple[Run.Status, str]:
    """The outcome of a run that ended with an error, whose traceback is added to the log where it is ours."""
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return Status.CANCELED, "It was told to stop."
    if isinstance(error, CommandError):
        is_locked = error.returncode == EXIT_LOCK_HELD
        return (Status.LOCKED if is_locked else Status.FAILED), plain(str(error))
    log.add("".join(traceback.format_exception(error)))
    return Status.FAILED, plain(f"{type(error).__name__}: {error}")
