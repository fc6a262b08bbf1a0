"""Conditions on what a list may hold, said with a request: a small grammar, parsed and never evaluated.

As text, for a query string: conditions with commas between, all of which must hold.

    genre:Horror|Thriller,year:1990..1999,!attributes.country:Norway,text:"night ferry"

As JSON the same with `all`, `any` and `not` around it:

    {"genre": ["Horror", "Thriller"], "year": {"from": 1990}, "not": {"attributes.country": "Norway"}}

What it costs is bounded: MAX_DEPTH levels, MAX_CONDITIONS conditions, MAX_VALUES values of each, and
MAX_IN_REQUEST conditions with MAX_WORDS words of titles in all filters of a request.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

MAX_DEPTH = 5
MAX_CONDITIONS = 50
MAX_VALUES = 50
MAX_VALUE = 200
MAX_TEXT = 2_000
# Of all filters of a request together: conditions, and words of titles.
MAX_IN_REQUEST = 100
MAX_WORDS = 40

# The factors by which a condition may lift and sink what meets it.
BOOST_FACTORS, BURY_FACTORS = (1.0, 3.0), (0.01, 1.0)
MAX_FACTORS = 5

YEAR, TEXT, ATTRIBUTE = "year", "text", "attributes."
_GROUPS = ("all", "any", "not")


class BadFilter(ValueError):
    """A filter that cannot be meant; its text goes on where the name of the parameter ends."""


@dataclass(frozen=True, slots=True)
class Is:
    """A field of an item has one of the values, or a number from `low` to `high`.

    field   the kind of a facet, YEAR, TEXT, or ATTRIBUTE and the name of one
    values  in lower case
    """

    field: str
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition: TypeAlias = Is | All | AnyOf | Not


def parse_filter(value: object, facets: Mapping[str, str]) -> Condition:
    """The condition that a text or a JSON object says. Raises BadFilter.

    facets  the kind of facet that each word names
    """
    if isinstance(value, str):
        parts = _parse_text(value, facets)
    elif isinstance(value, dict):
        parts = _parse_object(value, facets, depth=1)
    else:
        raise BadFilter("must be a text or an object with conditions")
    if sum(1 for _ in _leaves(All(parts))) > MAX_CONDITIONS:
        raise BadFilter(f"has more than {MAX_CONDITIONS} conditions")
    return All(parts)


def split_factor(text: str) -> tuple[str, str]:
    """The factor before a filter in text, as it is written, and the filter: `2*genre:Horror`; "" for none."""
    if "*" not in text.partition(":")[0]:
        return "", text
    number, _, rest = text.partition("*")
    return number.strip(), rest


def check_cost(conditions: Iterable[Condition]) -> None:
    """Raises BadFilter where all conditions of a request together would cost too much."""
    leaves = list(_leaves(All(tuple(conditions))))
    if len(leaves) > MAX_IN_REQUEST:
        raise BadFilter(f"have more than {MAX_IN_REQUEST} conditions together")
    words = sum(len(text.split()) for leaf in leaves if leaf.field == TEXT for text in leaf.values)
    if words > MAX_WORDS:
        raise BadFilter(f"have {words} words of titles together; {MAX_WORDS} is the most")


def _leaves(condition: Condition) -> Iterator[Is]:
    match condition:
        case Is():
            yield condition
        case Not():
            yield from _leaves(condition.part)
        case _:
            for part in condition.parts:
                yield from _leaves(part)


def _parse_text(text: str, facets: Mapping[str, str]) -> tuple[Condition, ...]:
    if len(text) > MAX_TEXT:
        raise BadFilter(f"has {len(text):,} characters; {MAX_TEXT:,} is the most")
    return tuple(_parse_term(term.strip(), facets) for term in _split(text, ","))


def _parse_term(term: str, facets: Mapping[str, str]) -> Condition:
    if term.startswith("!"):
        inner = term[1:].strip()
        if inner.startswith("!"):
            raise BadFilter("has more than 1 ! before a condition")
        return Not(_parse_term(inner, facets))
    name, colon, rest = term.partition(":")
    if not colon:
        raise BadFilter(f"{_quoted(term)} is no condition such as genre:Drama")
    field = _field(name.strip(), facets)
    if (field == YEAR or field.startswith(ATTRIBUTE)) and ".." in rest:
        low, _, high = rest.partition("..")
        return _range(field, _number_in(low), _number_in(high))
    return _is(field, [_unquoted(one.strip()) for one in _split(rest, "|")])


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand outside of quotes."""
    parts, start, is_quoted = [], 0, False
    for place, sign in enumerate(text):
        if sign == '"':
            is_quoted = not is_quoted
        elif sign == separator and not is_quoted:
            parts.append(text[start:place])
            start = place + 1
    if is_quoted:
        raise BadFilter("has a quote that does not end")
    return [*parts, text[start:]]


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _number_in(text: str) -> float | None:
    text = text.strip()
    if not text:
        return None
    try:
        number = float(text) if len(text) <= 30 else float("nan")
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise BadFilter(f"has {_quoted(text)} where a number belongs")
    return number


def _parse_object(
    entries: Mapping[str, object], facets: Mapping[str, str], depth: int
) -> tuple[Condition, ...]:
    if depth > MAX_DEPTH:
        raise BadFilter(f"is nested deeper than {MAX_DEPTH} levels")
    if not entries:
        raise BadFilter("has an object without conditions")
    return tuple(_parse_entry(name, value, facets, depth) for name, value in entries.items())


def _parse_entry(name: str, value: object, facets: Mapping[str, str], depth: int) -> Condition:
    if name == "not":
        if not isinstance(value, dict):
            raise BadFilter("must have an object at not")
        return Not(All(_parse_object(value, facets, depth + 1)))
    if name in _GROUPS:
        if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
            raise BadFilter(f"must have a list of objects at {name}")
        if len(value) > MAX_CONDITIONS:
            raise BadFilter(f"has more than {MAX_CONDITIONS} conditions")
        parts = tuple(All(_parse_object(one, facets, depth + 1)) for one in value)
        return AnyOf(parts) if name == "any" else All(parts)
    field = _field(name, facets)
    if isinstance(value, dict):
        if not value or not value.keys() <= {"from", "to"} or field == TEXT or field in facets.values():
            raise BadFilter(
                f'has at {_quoted(name)} an object that is no range of numbers such as {{"from": 1990}}'
            )
        return _range(field, _number(value.get("from")), _number(value.get("to")))
    return _is(field, value if isinstance(value, list) else [value])


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 2**53:
        raise BadFilter("has a range of which an end is no number")
    return float(value)


def _field(name: str, facets: Mapping[str, str]) -> str:
    if name in (YEAR, TEXT) or (name.startswith(ATTRIBUTE) and len(ATTRIBUTE) < len(name) <= 80):
        return name
    if name not in facets:
        known = ", ".join([*dict.fromkeys(facets.values()), YEAR, TEXT, f"{ATTRIBUTE}<name>"])
        raise BadFilter(f"has {_quoted(name)}, which is nothing to go by; there are {known}")
    return facets[name]


def _range(field: str, low: float | None, high: float | None) -> Is:
    if low is None and high is None:
        raise BadFilter(f"has a range at {_quoted(field)} without an end")
    if low is not None and high is not None and low > high:
        raise BadFilter(f"has a range at {_quoted(field)} that ends before it begins")
    return Is(field, low=low, high=high)


def _is(field: str, values: list[object] | list[str]) -> Condition:
    if not 1 <= len(values) <= MAX_VALUES:
        raise BadFilter(f"must have 1 to {MAX_VALUES} values at {_quoted(field)}")
    if field == YEAR:
        numbers = [_number_in(one) if isinstance(one, str) else _number(one) for one in values]
        if None in numbers:
            raise BadFilter("has a year that is no number")
        return AnyOf(tuple(Is(YEAR, low=number, high=number) for number in numbers))
    texts = []
    for value in values:
        if not isinstance(value, str) and not (
            field.startswith(ATTRIBUTE) and isinstance(value, bool | int | float)
        ):
            raise BadFilter(f"has a value at {_quoted(field)} that is no text")
        text = _as_text(value).strip().casefold()
        if not text or len(text) > MAX_VALUE:
            raise BadFilter(
                f"has a value at {_quoted(field)} that is empty or longer than {MAX_VALUE} characters"
            )
        texts.append(text)
    if field == TEXT and any(len(text) < 3 for text in texts):
        raise BadFilter("has a text of fewer than 3 characters")
    return Is(field, tuple(dict.fromkeys(texts)))


def _as_text(value: object) -> str:
    """A value as attributes are compared: 90.0 is 90, and true is true."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 50 else text[:50] + "…")
