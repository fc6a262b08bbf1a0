"""docs/reference/heed-toml.md names every key of heed.toml with type and default, as the domain has it."""

import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from core.domain.schema import Domain
from tests.docs.pages import ROOT, expect_none, read, section_of

PAGE = ROOT / "docs" / "reference" / "heed-toml.md"
PLAIN = {str: "text", float: "number", int: "whole number", bool: "true or false"}
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def tables() -> Iterator[tuple[str, type, bool]]:
    """The heading of each table, its class, and whether its entries are known by their key."""
    hints = get_type_hints(Domain)
    for name in (one.name for one in fields(Domain)):
        hint = hints[name]
        if is_dataclass(hint):
            yield f"`[{name}]`", hint, False  # type: ignore[misc]
        else:
            yield f"`[{name}.NAME]`", get_args(hint)[-1], True


def word_for(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return word_for(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(f"`{json.dumps(value)}`" for value in get_args(hint))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(word_for(one) for one in get_args(hint) if one is not type(None))
    if get_origin(hint) in (tuple, frozenset):
        return "list"
    return "table" if get_origin(hint) is dict else PLAIN[hint]


def default_of(one: "Field[Any]", *, name: str) -> str:
    value = one.default_factory() if one.default_factory is not MISSING else one.default
    if name in ("action", "noun"):
        return "the name"
    if value is MISSING:
        return "required"
    if value is None or value in ("", (), {}, frozenset()):
        return "none"
    return f"`{json.dumps(value)}`"


def test_every_key_stands_there_with_its_type_and_default() -> None:
    wrong = []
    for heading, table, is_named in tables():
        rows = {row[0]: row[1:3] for row in ROW.findall(section_of(PAGE, heading))}
        hints = get_type_hints(table, include_extras=True)
        known = {
            one.name: (word_for(hints[one.name]), default_of(one, name=one.name))
            for one in fields(table)
            if not (is_named and one.name == "name")
        }
        wrong += [f"{heading} {key}: {value}" for key, value in known.items() if rows.get(key) != value]
        wrong += [f"{heading} {key}: no such key" for key in rows.keys() - known.keys()]
    expect_none(wrong, "docs/reference/heed-toml.md is out of date")


def test_every_table_stands_there() -> None:
    headings = set(re.findall(r"^## (`\[.+)$", read(PAGE), re.MULTILINE))
    assert headings == {heading for heading, _, _ in tables()}
