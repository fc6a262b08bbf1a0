"""JSON as the API reads it."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import IO, Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from core.strict_json import unique_keys

# Far more than any body of ours needs, far less than any recursive function of Python's can take.
MAX_DEPTH = 32
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep"


class StrictJSONParser(JSONParser):
    """JSON as RFC 8259 has it: no NaN or Infinity, no key twice in one object, no half characters."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            value = json.loads(
                stream.read().decode("utf-8"),
                parse_constant=_refuse_constant,
                parse_float=_finite,
                object_pairs_hook=unique_keys,
            )
            _check_depth_and_text(value)
        except RecursionError as error:
            raise ParseError(f"The body is not valid JSON: {_TOO_DEEP}.") from error
        except ValueError as error:
            raise ParseError(f"The body is not valid JSON: {error}.") from error
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def _check_depth_and_text(value: Any) -> None:
    """Refuses what parses and yet cannot be stored or answered: deep nesting, halves of a surrogate pair."""
    level = [value]
    for _ in range(MAX_DEPTH):
        for node in level:
            if isinstance(node, str) and not node.isascii() and any("\ud800" <= c <= "\udfff" for c in node):
                raise ValueError("a text holds half of a surrogate pair")
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _children(node: Any) -> Iterable[Any]:
    if isinstance(node, dict):
        return (*node.keys(), *node.values())
    return node if isinstance(node, list) else ()
