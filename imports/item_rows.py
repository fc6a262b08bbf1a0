"""The rows of a file of items: its columns, and the rule of each.

What a file does not say is not in its rows: a column that it lacks, and the facets of a kind without one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from catalog.attributes import Attributes, parse_attributes
from core.domain import FACETS, KINDS, KINDS_BY_WORD
from core.errors import InvalidInput
from core.values import (
    ADDRESS,
    DESCRIPTION,
    EXTERNAL_ID,
    KIND,
    OTHER_TITLE,
    PUBLISHED_AT,
    TITLE,
    TRUTH,
    YEAR,
    Rule,
    named,
)
from imports.cells import is_empty, optional, required
from imports.lists import parse_names
from imports.rows import Columns, Row

Value: TypeAlias = str | int | bool | datetime | Attributes | None

FACET_COLUMNS = {facet.column: facet.name for facet in FACETS.values()}
# Each with its rule and what an empty cell means; a title may not be empty.
VALUE_COLUMNS: dict[str, tuple[Rule[Value], Value]] = {
    "title": (TITLE, None),
    "original_title": (OTHER_TITLE, ""),
    "year": (YEAR, None),
    "description": (DESCRIPTION, ""),
    "published_at": (PUBLISHED_AT, None),
    "url": (ADDRESS, ""),
    "image_url": (ADDRESS, ""),
    "is_active": (TRUTH, True),
    "is_synthetic": (TRUTH, False),
}
STORED_COLUMNS = (*VALUE_COLUMNS, "attributes")
# One column of a CSV file for each attribute: attributes.runtime, attributes.country.
ATTRIBUTE_PREFIX = "attributes."
ITEM_COLUMNS = Columns(
    known=frozenset({"external_id", "kind", *STORED_COLUMNS, *FACET_COLUMNS}),
    required=frozenset({"external_id", "title"}),
    csv_prefix=ATTRIBUTE_PREFIX,
)


class ItemKey(NamedTuple):
    """The identity of an item outside this database."""

    kind: str
    external_id: str


@dataclass(frozen=True, slots=True)
class ItemRow:
    """The row of a file for one item: only the columns and the kinds of facet that it speaks of."""

    key: ItemKey
    values: Mapping[str, Value]
    facets: Mapping[str, tuple[str, ...]]
    size: int

    def updated_by(self, later: "ItemRow") -> "ItemRow":
        """Both rows as one; where they disagree the later one is right."""
        return ItemRow(self.key, {**self.values, **later.values}, {**self.facets, **later.facets}, later.size)

    def as_line(self) -> str:
        """The row as a line of JSON, without its end."""
        return json.dumps([self.key, self.values, self.facets, self.size], default=datetime.isoformat)

    @classmethod
    def of_line(cls, line: str) -> "ItemRow":
        """The row that `as_line` wrote."""
        key, values, facets, size = json.loads(line)
        if values.get("published_at") is not None:
            values["published_at"] = datetime.fromisoformat(values["published_at"])
        return cls(ItemKey(*key), values, {kind: tuple(names) for kind, names in facets.items()}, size)


def kind_named(word: str) -> str:
    """The item kind that a name or plural means. Raises InvalidInput for one that does not exist."""
    if word not in KINDS_BY_WORD:
        raise InvalidInput(f"There is no kind {word!r}; known are {', '.join(KINDS)}.")
    return KINDS_BY_WORD[word].name


def parse_key(values: Mapping[str, Any], default_kind: str) -> ItemKey:
    """The item that a row is about: its `kind`, or the default, and its id. Raises BadValue."""
    kind = optional("kind", KIND, values.get("kind")) or default_kind
    return ItemKey(kind, required("external_id", EXTERNAL_ID, values.get("external_id")))


def parse_item(row: Row, default_kind: str, separators: Mapping[str, str | None]) -> ItemRow:
    """The checked values of one row, its lists split as `separators` says by column. Raises BadValue."""
    values = row.values
    return ItemRow(
        key=parse_key(values, default_kind),
        values={name: _value(name, values[name]) for name in VALUE_COLUMNS if name in values}
        | _attributes(values),
        facets={
            facet_kind: parse_names(column, values[column], separators[column])
            for column, facet_kind in FACET_COLUMNS.items()
            if column in values
        },
        size=row.size,
    )


def _value(name: str, value: object) -> Value:
    rule, default = VALUE_COLUMNS[name]
    if name == "title":
        return required(name, rule, value)
    found = optional(name, rule, value)
    return default if found is None else found


def _attributes(values: Mapping[str, Any]) -> dict[str, Value]:
    """The attributes, where a row speaks of any: the `attributes`, and over them a column for each.

    In the cell of a column a `|` separates texts. Raises BadValue.
    """
    cells = {
        name.removeprefix(ATTRIBUTE_PREFIX): cell.split("|") if "|" in cell else cell
        for name, cell in values.items()
        if name.startswith(ATTRIBUTE_PREFIX)
    }
    given = values.get("attributes")
    if not cells and "attributes" not in values:
        return {}
    attributes = {} if is_empty(given) else named("attributes", parse_attributes, given)
    return {"attributes": named("attributes", parse_attributes, attributes | cells)}
