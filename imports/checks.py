"""Checks of the values of an import row: each returns what its column can take, or raises BadValue.

A value comes from CSV as a string, or from JSON as any type. An empty string and null both mean "none".
What passes can be stored by both databases: no NUL, no lone surrogates, nothing beyond its column's length.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from catalog.attributes import Attributes, parse_attributes
from core.text import UNSTORABLE
from core.web_addresses import MAX_WEB_ADDRESS, check_web_address
from imports.reading import BadValue

MIN_YEAR, MAX_YEAR = 1800, 2200
MAX_NAMES = 100

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}\Z")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?\Z")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def shown(value: object) -> str:
    """A value as an error message shows it: quoted, and cut where it is long."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= 50 else text[:50] + "…")


def is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def check_text(name: str, value: object, *, max_length: int, many_lines: bool = False) -> str:
    """Text without surrounding blanks, of at most `max_length` characters; empty when there is none."""
    if is_empty(value):
        return ""
    if not isinstance(value, str):
        raise BadValue(f"{name} must be text, not {shown(value)}")
    text = value.strip()
    if (UNSTORABLE if many_lines else _CONTROL).search(text):
        raise BadValue(f"{name} holds a character that cannot be stored: {shown(text)}")
    if len(text) > max_length:
        raise BadValue(f"{name} has {len(text):,} characters; {max_length:,} is the most")
    return text


def check_identifier(name: str, value: object, *, max_length: int) -> str:
    """A name by which something is known: text or a whole number, never empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(check_whole(name, value, low=-(10**18), high=10**18))
    text = check_text(name, value, max_length=max_length)
    if not text:
        raise BadValue(f"{name} is empty")
    return text


def check_whole(name: str, value: object, *, low: int, high: int) -> int | None:
    """A whole number from `low` to `high`, or None."""
    if is_empty(value):
        return None
    if isinstance(value, str) and _WHOLE.match(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadValue(f"{name} must be a whole number, not {shown(value)}")
    if not low <= value <= high:
        raise BadValue(f"{name} must be from {low} to {high}, not {_short(value)}")
    return value


def check_number(name: str, value: object, *, low: float, high: float) -> float | None:
    """A finite number from `low` to `high`, or None."""
    if is_empty(value):
        return None
    if isinstance(value, str) and _DECIMAL.match(value.strip()):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadValue(f"{name} must be a number, not {shown(value)}")
    if not low <= value <= high:
        raise BadValue(f"{name} must be from {low:g} to {high:g}, not {_short(value)}")
    return float(value)


def check_truth(name: str, value: object, *, default: bool) -> bool:
    """true or false (in CSV also 1, 0, yes, no), or `default` where there is none."""
    if is_empty(value):
        return default
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.strip().lower() not in _TRUTH:
        raise BadValue(f"{name} must be true or false, not {shown(value)}")
    return _TRUTH[value.strip().lower()]


def check_moment(name: str, value: object) -> datetime | None:
    """An ISO 8601 date or time as UTC (one without a zone is UTC already), or None."""
    if is_empty(value):
        return None
    try:
        moment = datetime.fromisoformat(value.strip() if isinstance(value, str) else "")
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValue(f"{name} must be a date such as 2024-05-31T20:15:00Z, not {shown(value)}") from None
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        raise BadValue(f"{name} must be from the years {MIN_YEAR} to {MAX_YEAR}, not {shown(value)}")
    return moment


def check_past_moment(name: str, value: object, *, now: datetime) -> datetime:
    """The time of an event: ISO 8601, or seconds since 1970; neither before 1970 nor after `now`."""
    if is_empty(value):
        raise BadValue(f"{name} is empty")
    if isinstance(value, str) and not _DECIMAL.match(value.strip()):
        moment = check_moment(name, value)
    else:
        seconds = check_number(name, value, low=0, high=253_402_300_799)
        moment = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    if moment is None or moment.year < 1970:
        raise BadValue(f"{name} is before 1970: {shown(value)}")
    if moment > now:
        raise BadValue(f"{name} is in the future: {shown(value)} (seconds since 1970, or ISO 8601)")
    return moment


def check_day(name: str, value: object) -> datetime | None:
    """Days since 1970 as the midnight that begins that day, or None."""
    days = check_whole(
        name,
        value,
        low=date(MIN_YEAR, 1, 1).toordinal() - date(1970, 1, 1).toordinal(),
        high=date(MAX_YEAR, 12, 31).toordinal() - date(1970, 1, 1).toordinal(),
    )
    if days is None:
        return None
    day = date.fromordinal(date(1970, 1, 1).toordinal() + days)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def check_address(name: str, value: object) -> str:
    """An http or https address, or empty."""
    text = check_text(name, value, max_length=MAX_WEB_ADDRESS)
    try:
        return text and check_web_address(text)
    except ValueError as error:
        raise BadValue(f"{name} {error}, not {shown(text)}") from error


def check_attributes(name: str, value: object, cells: Mapping[str, str]) -> Attributes:
    """Attributes from an object or the JSON of one, and from CSV cells, in which a `|` separates texts."""
    own = {key: cell.split("|") if "|" in cell else cell for key, cell in cells.items()}
    try:
        attributes = {} if is_empty(value) else parse_attributes(value)
        return parse_attributes(attributes | own)
    except ValueError as error:
        raise BadValue(f"{name} {error}") from error


def check_names(name: str, value: object, *, max_length: int) -> tuple[str, ...]:
    """A list of names, or one string of names separated by `|`, in their order, each once."""
    if is_empty(value):
        return ()
    entries: Iterable[Any]
    if isinstance(value, str):
        entries = value.split("|")
    elif isinstance(value, list):
        entries = value
    else:
        raise BadValue(f"{name} must be a list of names, not {shown(value)}")
    names = tuple(dict.fromkeys(check_text(name, entry, max_length=max_length) for entry in entries))
    if "" in names:
        raise BadValue(f"{name} holds an empty name")
    if len(names) > MAX_NAMES:
        raise BadValue(f"{name} holds {len(names)} names; {MAX_NAMES} is the most")
    return names


def _short(value: float) -> str:
    """A number in few characters, however many digits it has."""
    try:
        return f"{value:.15g}"
    except OverflowError:
        return "a far larger one"
