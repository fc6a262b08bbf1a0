"""The cells of an import file: a column's name, its rule, and what a row holds there.

An empty text and null both mean "none", and a file may write a value as its rule's `read` allows; for the
rest the rule judges as it does in the API.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from accounts.selectors import names_with_password
from accounts.usernames import USERNAME, normal_username
from core.values import BadValue, Rule, named, shown

T = TypeVar("T")

MOST_REMEMBERED = 50_000


def is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def optional(name: str, rule: Rule[T], value: object) -> T | None:
    """The value of a cell, or None where it is empty. Raises BadValue, whose text begins with the name."""
    if value is None:
        return None
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
    try:
        return rule(rule.read(value))
    except BadValue as error:
        raise BadValue(f"{name} {error}") from error


def required(name: str, rule: Rule[T], value: object) -> T:
    """The value of a cell that may not be empty. Raises BadValue."""
    found = optional(name, rule, value)
    if found is None:
        raise BadValue(f"{name} is empty")
    return found


def username(values: Mapping[str, Any]) -> str:
    """The name of the person in the column `user`. Raises BadValue."""
    return remembered(_USERNAMES, values["user"], _read_username)


class Bindable:
    """The people to whom a file may add: nobody who logs in, unless asked for.

    Somebody may have signed up by the name that another app has for another person.
    """

    def __init__(self, asked_for: Collection[str] = ()) -> None:
        self.refused = names_with_password() - {_normalized(name) for name in asked_for}

    def check(self, name: str) -> None:
        """Raises BadValue for the name of somebody who logs in."""
        if name in self.refused:
            raise BadValue(
                f"user {shown(name)} logs in here by a name that they chose; if the file means them, "
                f"add --account {name}"
            )


def remembered(
    known: dict[str, T], value: object, read: Callable[[object], T], most: int = MOST_REMEMBERED
) -> T:
    """The value that `read` makes of a cell, kept in `known` by its text: a file names the same often.

    What raises is not kept. The texts are dropped when there are `most`, so that memory is flat.
    """
    if not isinstance(value, str):
        return read(value)
    found = known.get(value)
    if found is None:
        found = read(value)
        if len(known) >= most:
            known.clear()
        known[value] = found
    return found


_USERNAMES: dict[str, str] = {}


def _read_username(value: object) -> str:
    return _normalized(required("user", USERNAME, value))


def _normalized(name: str) -> str:
    """A username in the form in which it is stored."""
    return named("user", normal_username, name)
