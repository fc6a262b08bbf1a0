"""JSON that is written already, and goes into what is written as it is."""

import json
from collections.abc import Iterable


class Written(str):
    """The text of a JSON value."""

    __slots__ = ()

    @classmethod
    def array(cls, elements: Iterable[str]) -> "Written":
        """The array of values that are written already."""
        return cls(f"[{','.join(elements)}]")


def as_json(value: object) -> Written:
    """The text of a value of numbers, texts, lists and dicts."""
    return Written(json.dumps(value))
