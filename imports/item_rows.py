"""The rows of a file of items: its columns, and the rule of each.

What a file does not say is not in its rows: a column that it lacks, and the facets of a kind without one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

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
from imports.cells import is_empty, optional, remembered, required
from imports.lists import parse_names
from imports.rows import Columns, Row

T = TypeVar("T")
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
_OF_FEW_VALUES = frozenset({"year", "is_active", "is_synthetic"})
# Of each column so many cells are remembered.
MOST_CELLS = 5_000
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

    def as_plain(self) -> tuple[Any, ...]:
        """The row as `marshal` takes it."""
        moment = self.values.get("published_at")
        values = (
            {**self.values, "published_at": moment.isoformat()}
            if isinstance(moment, datetime)
            else self.values
        )
        return *self.key, values, self.facets, self.size

    @classmethod
    def of_plain(cls, plain: tuple[Any, ...]) -> "ItemRow":
        """The row that `as_plain` made this of."""
        kind, external_id, values, facets, size = plain
        if values.get("published_at") is not None:
            values["published_at"] = datetime.fromisoformat(values["published_at"])
        return cls(ItemKey(kind, external_id), values, facets, size)


def kind_named(word: str) -> str:
    """The item kind that a name or plural means. Raises InvalidInput for one that does not exist."""
    if word not in KINDS_BY_WORD:
        raise InvalidInput(f"There is no kind {word!r}; known are {', '.join(KINDS)}.")
    return KINDS_BY_WORD[word].name


class ItemParser:
    """The rules of the rows of a file, whose lists are split as `separators` says by column.

    Of columns in which a file says the same often, what was read is remembered by the text of the cell.
    """

    def __init__(self, default_kind: str, separators: Mapping[str, str | None]) -> None:
        self._default_kind = default_kind
        self._values = {name: _reader(name) for name in VALUE_COLUMNS}
        self._names = {
            column: (kind, _remembering(partial(parse_names, column, separator=separators[column])))
            for column, kind in FACET_COLUMNS.items()
        }

    def parse(self, row: Row) -> ItemRow:
        """The checked values of one row. Raises BadValue."""
        values = row.values
        return ItemRow(
            self._key(values),
            {name: read(values[name]) for name, read in self._values.items() if name in values}
            | _attributes(values),
            {kind: read(values[column]) for column, (kind, read) in self._names.items() if column in values},
            row.size,
        )

    def _key(self, values: Mapping[str, Any]) -> ItemKey:
        """The item that a row is about: its `kind`, or the default, and its id. Raises BadValue."""
        kind = optional("kind", KIND, values.get("kind")) or self._default_kind
        return ItemKey(kind, required("external_id", EXTERNAL_ID, values.get("external_id")))


def _reader(name: str) -> Callable[[object], Value]:
    """The way to read a cell of one of VALUE_COLUMNS."""
    rule, default = VALUE_COLUMNS[name]
    if name == "title":
        return partial(required, name, rule)

    def read(value: object) -> Value:
        found = optional(name, rule, value)
        return default if found is None else found

    return _remembering(read) if name in _OF_FEW_VALUES else read


def _remembering(read: Callable[[object], T]) -> Callable[[object], T]:
    known: dict[str, T] = {}
    return lambda value: remembered(known, value, read, MOST_CELLS)


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
