"""The rule of each value that comes from outside: one for the API, import files and the admin.

A rule takes a value as JSON has it and returns what is stored, or raises BadValue, whose text goes on where
the name of the value ends: "must be from 0 to 10, not 11". So every way in says the same of the same value.

A file has other ways to write some values: a cell of CSV is always text. `read` turns what a file wrote into
the value that the rule takes, and leaves to the rule what it cannot turn.
"""

import contextlib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from core.domain import KINDS, KINDS_BY_WORD, MAX_RATING, MOST_SCORE, RATED, REASONS, TYPES, USE_CASES
from core.domain.roles import takes
from core.text import UNSTORABLE
from core.web_addresses import MAX_WEB_ADDRESS, check_web_address

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# Clocks of other machines may be ahead of this one's by so much.
CLOCK_SKEW = timedelta(minutes=5)

_LONGEST_UUID = len("urn:uuid:") + 38
_WHOLE = re.compile(r"([+-]?[0-9]{1,18})(?:\.0{1,18})?\Z")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?\Z")
# As programs write a number of double precision, in up to 17 digits.
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,3})?\Z")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# Python would take any character between day and time.
_MOMENT = re.compile(r"[0-9]{4}-?(?:[0-9]{2}-?[0-9]{2}|W[0-9]{2}-?[0-9])(?:[T ].+)?\Z", re.ASCII | re.DOTALL)
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
# As seconds, from 3 March 1973 on. Smaller numbers are days (20240531), years and mistakes.
LEAST_EPOCH = 1e8
# Above which a number counts the next smaller unit: milliseconds, microseconds.
_UNITS = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6))


class BadValue(ValueError):
    """A value that breaks its rule."""


def shown(value: object) -> str:
    """A value as an error message shows it: quoted, and cut where it is long."""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return repr(text if len(text) <= 50 else text[:50] + "…")


def named(name: str, rule: Callable[[object], T], value: object) -> T:
    """The value as a rule makes it. Raises BadValue, whose text begins with the name."""
    try:
        return rule(value)
    except BadValue as error:
        raise BadValue(f"{name} {error}") from error


class Rule(Generic[T_co]):
    """A rule of one value. It has no state, so a copy is the rule itself."""

    __slots__ = ()

    def __call__(self, value: object) -> T_co:
        """The form in which a value, as JSON has it, is stored. Raises BadValue."""
        raise NotImplementedError

    def read(self, value: object) -> object:
        """The value that a file means by what it wrote, which is neither null nor blank."""
        return value

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, slots=True)
class Text(Rule[str]):
    """Text without surrounding blanks, of at most `max_length` characters; it may be empty."""

    max_length: int
    many_lines: bool = False

    def __call__(self, value: object) -> str:
        if not isinstance(value, str):
            raise BadValue(f"must be text, not {shown(value)}")
        text = value.strip()
        # What is printable holds neither, and is found out far sooner.
        if not text.isprintable() and (UNSTORABLE if self.many_lines else _CONTROL).search(text):
            raise BadValue(f"holds a character that cannot be stored: {shown(text)}")
        if len(text) > self.max_length:
            raise BadValue(f"has {len(text):,} characters; {self.max_length:,} is the most")
        return text


@dataclass(frozen=True, slots=True)
class Name(Text):
    """Text by which something is known, never empty. In a file it may be a whole number."""

    def __call__(self, value: object) -> str:
        # Written out: a class with slots has no `super()` without arguments.
        text = Text.__call__(self, value)
        if not text:
            raise BadValue("is empty")
        return text

    def read(self, value: object) -> object:
        is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18
        return str(value) if is_number else value


@dataclass(frozen=True, slots=True)
class Whole(Rule[int]):
    """A whole number from `low` to `high`. A file may write it as text, and as 1995.0."""

    low: int
    high: int

    def __call__(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise BadValue(f"must be a whole number, not {shown(value)}")
        if not self.low <= value <= self.high:
            raise BadValue(f"must be from {self.low} to {self.high}, not {_short(value)}")
        return value

    def read(self, value: object) -> object:
        if isinstance(value, str) and (match := _WHOLE.match(value)):
            return int(match[1])
        return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True, slots=True)
class Number(Rule[float]):
    """A finite number from `low` to `high`. A file may write it as text."""

    low: float
    high: float

    def __call__(self, value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise BadValue(f"must be a number, not {shown(value)}")
        if not self.low <= value <= self.high:
            raise BadValue(f"must be from {self.low:g} to {self.high:g}, not {_short(value)}")
        return float(value)

    def read(self, value: object) -> object:
        return float(value) if isinstance(value, str) and _NUMBER.match(value) else value


@dataclass(frozen=True, slots=True)
class Truth(Rule[bool]):
    """true or false; a text in a file also 1, 0, yes or no."""

    def __call__(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise BadValue(f"must be true or false, not {shown(value)}")
        return value

    def read(self, value: object) -> object:
        return _TRUTH.get(value.lower(), value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Choice(Rule[str]):
    """One of some names. `whose` says for what these are all."""

    names: Collection[str]
    whose: str = ""

    def __call__(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.names:
            raise BadValue(f"must be one of {', '.join(self.names)}{self.whose}, not {shown(value)}")
        return value


@dataclass(frozen=True, slots=True)
class KindWord(Choice):
    """A kind of item by its name or its plural; the name is stored."""

    def __call__(self, value: object) -> str:
        return KINDS_BY_WORD[Choice.__call__(self, value)].name


@dataclass(frozen=True, slots=True)
class Moment(Rule[datetime]):
    """An ISO 8601 date or time of the years `first` to `last` as UTC; one without a zone is UTC already.

    `others` names the other ways to write it.
    """

    first: int
    last: int
    others: str = ""

    def __call__(self, value: object) -> datetime:
        moment = _parse_moment(value)
        if moment is None:
            raise self.refused(value)
        if not self.first <= moment.year <= self.last:
            raise BadValue(f"must be from the years {self.first} to {self.last}, not {shown(value)}")
        return moment

    def refused(self, value: object) -> BadValue:
        return BadValue(f"must be a date such as 2024-05-31T20:15:00Z{self.others}, not {shown(value)}")


YEARS = (1800, 2200)
_SOME_TIME = Moment(*YEARS, others=", in a file also seconds or milliseconds since 1970")


@dataclass(frozen=True, slots=True)
class Event(Rule[datetime]):
    """The time of something that happened: ISO 8601, from 1970 on and not in the future.

    A file may write it as seconds, milliseconds or microseconds since 1970. The size of a number says which:
    from 1973 on they cannot be mistaken for each other. A smaller number is refused, as it is rather a date
    (20240531), a year or a mistake.
    """

    def __call__(self, value: object) -> datetime:
        # A date without hyphens is a number, too.
        if isinstance(value, str) and value.strip().isdigit():
            raise _SOME_TIME.refused(value)
        moment = value if isinstance(value, datetime) else _SOME_TIME(value)
        if moment.year < 1970:
            raise BadValue(f"is before 1970: {shown(value)}")
        if moment > _now() + CLOCK_SKEW:
            raise BadValue(f"is in the future: {shown(value)}")
        return moment

    def read(self, value: object) -> object:
        number = value
        if isinstance(value, str):
            if not _DECIMAL.match(value):
                return value
            number = float(value)
        if isinstance(number, int | float):
            for limit, parts in _UNITS:
                if LEAST_EPOCH <= number < limit:
                    return datetime.fromtimestamp(number / parts, UTC)
        return value


@dataclass(frozen=True, slots=True)
class Address(Rule[str]):
    """An http or https address, or empty."""

    def __call__(self, value: object) -> str:
        text = Text(MAX_WEB_ADDRESS)(value)
        try:
            return text and check_web_address(text)
        except ValueError as error:
            raise BadValue(f"{error}, not {shown(text)}") from error


@dataclass(frozen=True, slots=True)
class Names(Rule[tuple[str, ...]]):
    """A list of at most `most` names, each once, in their order. A file may write them with `|` between."""

    max_length: int
    most: int

    def __call__(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise BadValue(f"must be a list of names, not {shown(value)}")
        if len(value) > self.most:
            raise BadValue(f"holds {len(value):,} names; {self.most} is the most")
        names = tuple(dict.fromkeys(map(_text(self.max_length), value)))
        if "" in names:
            raise BadValue("holds an empty name")
        return names

    def read(self, value: object) -> object:
        return value.strip("|").split("|") if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Uuid(Rule[UUID]):
    """A UUID in text."""

    def __call__(self, value: object) -> UUID:
        # Python reads the digits of every script as hexadecimal ones.
        if isinstance(value, str) and value.isascii() and len(value) <= _LONGEST_UUID:
            with contextlib.suppress(ValueError):
                return UUID(value)
        raise BadValue(f"must be a UUID, not {shown(value)}")


@cache
def _text(max_length: int) -> Text:
    return Text(max_length)


def check_rated(type_name: str) -> None:
    """Raises BadValue where an interaction of this type has no rating."""
    if not TYPES[type_name].is_rated:
        raise BadValue(f"rating belongs to {' or '.join(RATED) or 'nothing'}, not to {type_name}")


def _parse_moment(value: object) -> datetime | None:
    text = value.strip() if isinstance(value, str) else ""
    try:
        if not _MOMENT.match(text):
            return None
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _short(value: float) -> str:
    """A number in few characters, however many digits it has."""
    try:
        return f"{value:.15g}"
    except OverflowError:
        return "a far larger one"


MAX_ID = 2**63 - 1
MAX_SLOTS = 500

ID = Whole(1, MAX_ID)
PERSON = Name(150)
EXTERNAL_ID = Name(200)
KIND = KindWord(KINDS_BY_WORD)
TITLE = Name(300)
OTHER_TITLE = Text(300)
YEAR = Whole(*YEARS)
DESCRIPTION = Text(100_000, many_lines=True)
PUBLISHED_AT = Moment(*YEARS)
ADDRESS = Address()
TRUTH = Truth()
FACET_NAMES = Names(200, 100)

TYPE = Choice(TYPES)
# The interaction types that items of each kind take.
TAKEN = {
    kind.name: Choice(tuple(name for name in TYPES if takes(kind, name)), f" for {kind.label}")
    for kind in KINDS.values()
}
RATING = Number(0, MAX_RATING)
HAPPENED = Event()
SESSION_ID = Uuid()

USE_CASE = Choice(USE_CASES)
LIST_NAME = Name(200)
METHOD = Name(64)
RANK = Whole(1, MAX_SLOTS)
SEEN = Whole(0, MAX_SLOTS)
SCORE = Number(0, MOST_SCORE)
# Far below what any policy gives a place, and above what divides to infinity.
PROPENSITY = Number(1e-9, 1)
VERSION = Text(200)

REASON = Choice(REASONS)
COMMENT = Text(2000, many_lines=True)
# The facts that an app gives of an item of which there is no record.
SAID_NAMES = Names(FACET_NAMES.max_length, 50)


def _now() -> datetime:
    return datetime.now(UTC)
