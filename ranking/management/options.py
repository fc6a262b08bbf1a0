"""Arguments that several commands take."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TypeVar

Number = TypeVar("Number", int, float)


def number(kind: Callable[[str], Number], low: float, high: float) -> Callable[[str], Number]:
    """An argument's type: a number of `kind` from `low` to `high`."""

    def parse(text: str) -> Number:
        value = kind(text)
        if not low <= value <= high:
            raise ArgumentTypeError(f"must be between {low:g} and {high:g}")
        return value

    return parse
