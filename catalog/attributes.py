"""Attributes of an item: named facts that are shown and searched, such as its runtime, and mean nothing else.

One check for all ways in: import files, the admin and whatever else writes items.
"""

import json
from typing import TypeAlias

from core.strict_json import unique_keys
from core.text import UNSTORABLE
from core.values import BadValue

Attribute: TypeAlias = str | int | float | bool | list[str]
Attributes: TypeAlias = dict[str, Attribute]

MAX_ATTRIBUTES = 50
MAX_NAME = 60
MAX_LIST = 100
MAX_BYTES = 10_000
# Every JSON reader knows whole numbers up to here exactly, and both databases give back what they were given.
MAX_NUMBER = 2**53 - 1


def parse_attributes(value: object) -> Attributes:
    """Attributes from a JSON object or the text of one, without those that say nothing (null, "", []).

    Raises BadValue; its text ends a sentence that begins with what was given.
    """
    entries = _parse_json(value) if isinstance(value, str) else value
    if not isinstance(entries, dict):
        raise BadValue('must be a JSON object, such as {"runtime": 120}')
    if len(entries) > MAX_ATTRIBUTES:
        raise BadValue(f"holds {len(entries)} names; {MAX_ATTRIBUTES} is the most")
    checked = {_check_name(name): _check_value(name, entry) for name, entry in entries.items()}
    attributes = {name: entry for name, entry in checked.items() if entry is not None}
    size = len(json.dumps(attributes, ensure_ascii=False).encode())
    if size > MAX_BYTES:
        raise BadValue(f"has {size:,} bytes; {MAX_BYTES:,} is the most")
    return attributes


def attribute_texts(attributes: Attributes) -> list[str]:
    """The words that `attributes` hold, one text for each value that is one."""
    values = (entry if isinstance(entry, list) else [entry] for entry in attributes.values())
    return [text for entries in values for text in entries if isinstance(text, str)]


def _parse_json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise BadValue(f"must be a JSON object ({str(error)[:100]})") from error


def _check_name(name: str) -> str:
    if not name.strip():
        raise BadValue("holds an empty name")
    if len(name) > MAX_NAME:
        raise BadValue(f"holds a name of {len(name):,} characters; {MAX_NAME} is the most")
    _check_text(name, name)
    return name


def _check_value(name: str, value: object) -> Attribute | None:
    match value:
        case None | bool():
            return value
        case int() | float():
            return _check_number(name, value)
        case str():
            return _check_text(name, value) or None
        case list() if len(value) <= MAX_LIST and all(isinstance(entry, str) for entry in value):
            return [text for entry in value if (text := _check_text(name, entry))] or None
        case _:
            raise BadValue(
                f"holds {name!r}, which must be a text, a number, true, false or a list of at most "
                f"{MAX_LIST} texts"
            )


def _check_number(name: str, value: float) -> int | float:
    if not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise BadValue(f"holds {name!r}, which must be a number from −(2^53 − 1) to 2^53 − 1")
    return int(value) if value == int(value) else value


def _check_text(name: str, text: str) -> str:
    if UNSTORABLE.search(text):
        raise BadValue(f"holds {name!r}, in which a character cannot be stored")
    return text.strip()
