"""The outer form that all our management commands share: options, summary, errors, exit codes."""

import json
import logging
import sys
from abc import abstractmethod
from argparse import ArgumentParser, ArgumentTypeError
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from core.database import is_away, is_still_referred_to
from core.errors import STILL_REFERRED_TO, HeedError, LockHeld
from core.progress import Progress
from core.runs import CommandRun, kept

EXIT_FAILED = 1
EXIT_LOCK_HELD = 3


class HeedCommand(BaseCommand):
    """A command that runs one function and prints its summary.

    Standard output carries the summary and nothing else: readable lines, or with `--json` one object.
    Progress and errors go to standard error. With `--quiet` nothing is printed but errors, and what `--json`
    asks for. Where the run fails, `--json` asks for an object with its `error`. Exit codes: 0 done, 1 failed,
    3 another run holds the lock.
    """

    # Those of the addresses load every view, which no command needs; `manage.py check` runs them.
    requires_system_checks = [Tags.models, "heed"]

    is_for_its_output = False
    """True of a command whose output is all that it is run for: `--quiet` does not silence it."""

    def add_options(self, parser: ArgumentParser) -> None:
        """Adds the command's own arguments; none by default."""

    def check_before(self) -> None:
        """Raises what would end the run later, after much work; nothing by default."""

    @abstractmethod
    def run(self, options: dict[str, Any]) -> object:
        """Does the work; returns a frozen dataclass or a mapping. A HeedError becomes exit code 1 or 3."""

    def describe(self, summary: Mapping[str, Any]) -> str:
        """The summary for people: a line for each value."""
        return "\n".join(_lines(summary))

    def progress(
        self, options: Mapping[str, Any], label: str, *, total: int | None = None, unit: str = "rows"
    ) -> Progress:
        """A Progress on this command's standard error, silent with `--quiet` or `--verbosity 0`."""
        quiet = options["quiet"] or options["verbosity"] == 0
        stream = options.get("stderr") or sys.stderr
        progress = Progress(label, total=total, unit=unit, stream=stream, quiet=quiet)
        self._kept.progress = progress
        return progress

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_options(parser)
        parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
        parser.add_argument(
            "--quiet", action="store_true", help="print nothing but errors, and what --json asks for"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # A run that told its result before it failed prints no second object.
        self._has_told = False
        self._kept = self._described(options)
        with kept(self._kept):
            self._run(options)

    def _run(self, options: dict[str, Any]) -> None:
        try:
            with _no_query_log(), _errors_alone_printed(is_on=options["quiet"]):
                self.check_before()
                result = self.run(options)
        except Exception as error:
            failure = sentence_of(error)
            if failure is None:
                raise
            if options["json"] and not self._has_told:
                self.stdout.write(json.dumps({"error": failure}))
            code = EXIT_LOCK_HELD if isinstance(error, LockHeld) else EXIT_FAILED
            raise CommandError(failure, returncode=code) from error
        self._kept.summary = _as_mapping(result)
        self.tell(result, options)

    def _described(self, options: Mapping[str, Any]) -> CommandRun:
        """The run that begins, for whoever keeps a record of runs."""
        own = ArgumentParser(add_help=False)
        self.add_options(own)
        given = {
            name: value
            for name, value in options.items()
            if name in {action.dest for action in own._actions} and value != own.get_default(name)  # noqa: SLF001
        }
        name = type(self).__module__.rpartition(".")[2]
        return CommandRun(name, given, use_case=str(options.get("use_case") or ""))

    def tell(self, result: object, options: Mapping[str, Any]) -> None:
        """Prints a result, unless the run is to be quiet and nobody asked for it."""
        self._has_told = True
        if self.is_for_its_output or options["json"] or not options["quiet"]:
            self.stdout.write(self.answer(result, options))
            self.stdout.flush()

    def answer(self, result: object, options: Mapping[str, Any]) -> str:
        """The printed form of a result: readable lines, or with `--json` one object."""
        summary = _as_mapping(result)
        return json.dumps(summary, cls=DjangoJSONEncoder) if options["json"] else self.describe(summary)


def sentence_of(error: Exception) -> str | None:
    """The sentence that tells whoever runs a command of a failure; None for a mistake of ours."""
    match error:
        case HeedError():
            return error.message
        case CommandError():
            return str(error)
        case _ if is_away(error):
            return f"The database refused or went away: {str(error).strip()}"
        case _ if is_still_referred_to(error):
            return f"{STILL_REFERRED_TO} The database says: {str(error).strip()}"
        case OSError():
            # Full, read-only, not ours, gone: which file, and what the system says of it.
            where = f"{error.filename}: " if error.filename else ""
            return f"A file could not be read or written: {where}{error.strerror or error}."
        case MemoryError():
            return "There is not enough memory for this."
    return None


def non_negative(text: str) -> int:
    """An argument's type: a whole number from 0."""
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _as_mapping(result: object) -> dict[str, Any]:
    if is_dataclass(result) and not isinstance(result, type):
        return asdict(result)
    if isinstance(result, Mapping):
        return dict(result)
    raise TypeError(f"A command's summary is a dataclass or a mapping, not {type(result).__name__}.")


def _lines(summary: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    for name, value in summary.items():
        label = f"{indent}{name.replace('_', ' ')}:"
        match value:
            case Mapping():
                yield label
                yield from _lines(value, indent + "  ")
            case "":
                yield f"{label} none"
            case list() | tuple():
                yield label if value else f"{label} none"
                yield from (f"{indent}  {_inline(entry)}" for entry in value)
            case _:
                yield f"{label} {_inline(value)}"


def _inline(value: object) -> str:
    match value:
        case Mapping():
            return ", ".join(f"{name} {entry}" for name, entry in value.items())
        case bool() | None:
            return str(value)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:.4g}"
        case _:
            return str(value)


@contextmanager
def errors_only(*, is_on: bool) -> Iterator[None]:
    """Silence for all lines of the log but errors, where it is on."""
    before = logging.root.manager.disable
    if is_on:
        logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


@contextmanager
def _errors_alone_printed(*, is_on: bool) -> Iterator[None]:
    """The same for what is printed; whoever keeps a record of runs still hears every line."""
    handlers = [one for one in logging.root.handlers if type(one) is logging.StreamHandler] if is_on else []
    for handler in handlers:
        handler.addFilter(_is_error)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(_is_error)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


@contextmanager
def _no_query_log() -> Iterator[None]:
    """With DEBUG on, Django keeps the text of the last 9,000 queries: too much for a million rows."""
    if not settings.DEBUG:
        yield
        return
    log, connection.queries_log = connection.queries_log, deque(maxlen=0)
    try:
        yield
    finally:
        connection.queries_log = log
