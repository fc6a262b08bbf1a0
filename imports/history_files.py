"""A person's own history from another service, read from the bytes of one file that they chose.

A file that cannot be trusted as a whole raises BrokenFile; a row without a title, or with a year, a rating or
a date that is none, is counted as bad and left out.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from core.domain import MAX_RATING
from core.strict_json import unique_keys
from core.text import UNSTORABLE
from core.values import HAPPENED, BadValue
from imports.history_formats import FORMATS, HistoryFormat
from imports.sources import BrokenFile, other_than_text

MOST_ROWS = 50_000
MOST_TITLES = 5_000
LONGEST_TITLE = 300
_LONGEST_FIELD = 20_000

# Of a day alone: noon, which is that day in nearly all places. A rating follows what was watched.
_NOON, _AFTER_NOON = time(12, tzinfo=UTC), time(12, 0, 1, tzinfo=UTC)
_LONGEST_DAY = timedelta(hours=36)
_DAY = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})\.?\Z", re.ASCII)
_NUMBERED = re.compile(r"\d", re.ASCII)
# In the languages in which Netflix has most people; behind it stand the numbers of seasons.
_SEASON = re.compile(
    r"\A(?:season|series|part|parts|volume|chapter|book|collection|limited series|miniseries|staffel|teil|"
    r"temporada|parte|saison|partie|stagione|seizoen|säsong|sæson|sesong|kausi|sezon|시즌|シーズン|第)\b",
    re.IGNORECASE,
)
_ENDED = re.compile(r"\A(?:limited series|miniseries|miniserie)\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One title of a file, with the last that the person said of it there.

    names        the title; behind it names by which a catalog may know it instead, the likeliest first
    shortened    beginnings of the title, which may be something else
    occurred_at  in UTC; None where the file has no date
    """

    names: tuple[str, ...]
    year: int | None = None
    rating: float | None = None
    occurred_at: datetime | None = None
    ids: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.names[0]


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """The titles of a file, each once, in its order. `bad_rows`: how many had to be left out."""

    format: HistoryFormat
    entries: tuple[Entry, ...]
    bad_rows: int


def read_history_file(data: bytes, name: str) -> HistoryFile:
    """The titles of a file of one of FORMATS, which may be called anything. Raises BrokenFile."""
    text = _decode(data, name)
    rows = _json_rows(text, name) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text, name)
    form = _format_of(rows, name)
    month_first = _is_month_first(rows, form)
    found: dict[tuple[str, int | None], Entry] = {}
    bad = 0
    for row in rows:
        if form.skipped and _first(row, (form.skipped,)):
            continue
        try:
            entry = _entry(row, form, month_first=month_first)
        except BadValue:
            bad += 1
            continue
        key = entry.title.casefold(), entry.year
        found[key] = later(found[key], entry) if key in found else entry
    if not found:
        raise BrokenFile(f"{name} has no title that could be read.")
    if len(found) > MOST_TITLES:
        raise BrokenFile(f"{name} has more than {MOST_TITLES:,} titles. Cut it into several files.")
    return HistoryFile(form, tuple(found.values()), bad)


def later(one: Entry, other: Entry) -> Entry:
    """The word of two entries about the same that holds: the later rating, else the later moment."""
    rated = [entry for entry in (one, other) if entry.rating is not None] or [one, other]
    last = max(rated, key=lambda entry: entry.occurred_at or datetime.min.replace(tzinfo=UTC))
    return replace(one, rating=last.rating, occurred_at=last.occurred_at)


def _decode(data: bytes, name: str) -> str:
    if other := other_than_text(data[:16], name):
        what, advice = other
        raise BrokenFile(f"{name} is {what}, not text. {advice}.")
    if not data.strip():
        raise BrokenFile(f"{name} is empty.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BrokenFile(f"{name} is not valid UTF-8. Take the file as the other service gave it.") from None
    if UNSTORABLE.search(text):
        raise BrokenFile(f"{name} holds a NUL byte, so it is no text.")
    if text.lstrip()[:1] == "<":
        raise BrokenFile(f"{name} is a web page. Choose the file that the other service's export gave you.")
    return text


def _csv_rows(text: str, name: str) -> list[Mapping[str, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        rows: list[Mapping[str, Any]] = []
        for cells in reader:
            if any(len(cell) > _LONGEST_FIELD for cell in cells):
                raise BrokenFile(f"{name}: a cell is longer than {_LONGEST_FIELD:,} characters.")
            # A row may end early or go on: a column that is not there is empty.
            rows.append(dict(zip(header, cells, strict=False)))
            _check_length(rows, name)
    except csv.Error as error:
        raise BrokenFile(f"{name}, line {reader.line_num}: this is no CSV ({error}).") from error
    return [row for row in rows if any(row.values())] or [dict.fromkeys(header, "")]


def _json_rows(text: str, name: str) -> list[Mapping[str, Any]]:
    try:
        values = json.loads(text, object_pairs_hook=unique_keys, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BrokenFile(f"{name} is not valid JSON.") from None
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise BrokenFile(f"{name} is no list of titles.")
    _check_length(values, name)
    return [dict(_flat(value, "", 3)) for value in values]


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _check_length(rows: Sequence[object], name: str) -> None:
    if len(rows) > MOST_ROWS:
        raise BrokenFile(f"{name} has more than {MOST_ROWS:,} rows. Cut it into several files.")


def _flat(value: Mapping[str, Any], before: str, depth: int) -> Iterator[tuple[str, Any]]:
    """The pairs of an object and of those in it, so many levels deep."""
    for name, inner in value.items():
        if not isinstance(inner, dict):
            yield before + name, inner
        elif depth > 1:
            yield from _flat(inner, f"{before}{name}.", depth - 1)


def _format_of(rows: Sequence[Mapping[str, Any]], name: str) -> HistoryFormat:
    """The format of the rows. Raises BrokenFile."""
    columns = rows[0].keys() if rows else frozenset()
    for form in FORMATS:
        if form.columns <= columns and form.file in name.casefold():
            return form
    known = sorted({form.name.partition(" ")[0] for form in FORMATS})
    raise BrokenFile(
        f"{name} is none of the files that are known here. Choose one that {', '.join(known)} gave you."
    )


def _first(row: Mapping[str, Any], columns: Iterable[str]) -> str:
    """The first of the columns that is not empty, as text; else "". What cannot be stored is nothing."""
    for column in columns:
        value = row.get(column)
        if isinstance(value, str | int | float) and (text := str(value).strip()):
            return "" if UNSTORABLE.search(text) else text
    return ""


def _entry(row: Mapping[str, Any], form: HistoryFormat, *, month_first: bool) -> Entry:
    """One row. Raises BadValue."""
    title = _first(row, form.title)
    if not title or len(title) > LONGEST_TITLE:
        raise BadValue("the title is missing, or too long")
    names, shortened = _names(title) if form.episodes else ((title,), ())
    original = _first(row, form.original)
    is_part = any(_first(row, (column,)) for column in form.part_of)
    rating = None if is_part or not form.rating else _rating(_first(row, (form.rating,)), form.out_of)
    return Entry(
        names=tuple(dict.fromkeys([*names, *([original[:LONGEST_TITLE]] if original else [])])),
        year=_year(_first(row, form.year)),
        rating=rating,
        occurred_at=_moment(_first(row, form.on), month_first=month_first, is_rated=rating is not None),
        ids=tuple(value for column in form.ids if (value := _first(row, (column,)))),
        shortened=shortened,
    )


def _names(title: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The title without season and episode, and its beginnings: "Dark: Season 1: Secrets" is "Dark"."""
    parts = title.split(": ")
    for place, part in enumerate(parts[1:], 1):
        if _ENDED.match(part) or (_SEASON.match(part) and _NUMBERED.search(part) and place < len(parts)):
            return (": ".join(parts[:place]),), _beginnings(parts[:place])
    return (title,), _beginnings(parts)


def _beginnings(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(": ".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))


def _year(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"[12]\d{3}", text, re.ASCII):
        raise BadValue("the year is none")
    return int(text)


def _rating(text: str, out_of: float) -> float | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,2}(?:\.\d{1,3})?", text, re.ASCII) or float(text) > out_of:
        raise BadValue("the rating is none")
    return float(text) / out_of * MAX_RATING


def _moment(text: str, *, month_first: bool, is_rated: bool) -> datetime | None:
    """The moment of a row; now, where noon of a day that has begun somewhere on earth is to come."""
    if not text:
        return None
    day = _DAY.match(text)
    try:
        if day:
            moment = datetime.combine(_day(day, month_first=month_first), _AFTER_NOON if is_rated else _NOON)
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue("the date is none") from None
    now = timezone.now()
    return HAPPENED(now if now < moment < now + _LONGEST_DAY else moment)


def _day(match: re.Match[str], *, month_first: bool) -> date:
    first, last = int(match[1]), int(match[4])
    if len(match[1]) > 2:
        return date(first, int(match[3]), last)
    month, day = (first, int(match[3])) if month_first and match[2] == "/" else (int(match[3]), first)
    return date(last if len(match[4]) > 2 else 2000 + last, month, day)


def _is_month_first(rows: Collection[Mapping[str, Any]], form: HistoryFormat) -> bool:
    """False where any date with slashes can only have its day first."""
    found = (_DAY.match(_first(row, form.on)) for row in rows)
    return all(int(day[1]) <= 12 for day in found if day and len(day[1]) <= 2)
