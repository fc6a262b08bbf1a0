"""Conditions of a request over the catalog, as masks over its rows."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csc_matrix

from catalog.models import Facet, Item
from core.arrays import Bools, Doubles, Ints
from core.domain import KINDS
from core.filters import ATTRIBUTE, TEXT, YEAR, All, AnyOf, Condition, Is, Not
from ranking.snapshot import CatalogSnapshot
from serving.title_words import TitleWords, entries_of


@dataclass(frozen=True, slots=True)
class Attribute:
    """The values of one attribute: the rows that have a text, and rows (k,) with their numbers (k,)."""

    texts: Mapping[str, Ints]
    rows: Ints
    numbers: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class ItemIndex:
    """The fields of the n items of a catalog by which lists are filtered.

    columns  the column of `facets` by the kind and the name of a facet, the name in lower case
    facets   (n, m) by columns
    years    (n,) NaN where none is known
    titles   the words of every title, and of the original one, in lower case
    """

    columns: Mapping[tuple[str, str], int]
    facets: "csc_matrix[np.float64]"
    years: Doubles
    titles: TitleWords
    attributes: Mapping[str, Attribute]

    @classmethod
    def read(cls, catalog: CatalogSnapshot) -> "ItemIndex":
        """The index of a catalog: two queries. An item that changed since is filtered by what it is now."""
        column_of = {facet_id: column for column, facet_id in enumerate(catalog.facet_ids.tolist())}
        names = Facet.objects.values_list("pk", "kind", "name").iterator(chunk_size=10_000)
        columns = {(kind, name.casefold()): column_of[pk] for pk, kind, name in names if pk in column_of}
        row_of = {item_id: row for row, item_id in enumerate(catalog.item_ids.tolist())}
        years = np.full(len(row_of), np.nan)
        lines, attributes = [""] * len(row_of), defaultdict[str, list[tuple[int, Any]]](list)
        items = Item.objects.filter(kind__in=list(KINDS), is_active=True).order_by()
        for item_id, year, title, other, facts in items.values_list(
            "pk", "year", "title", "original_title", "attributes"
        ).iterator(chunk_size=10_000):
            row = row_of.get(item_id)
            if row is not None:
                years[row] = np.nan if year is None else year
                lines[row] = f"{title} {other}".casefold()
                for name, value in facts.items():
                    attributes[name].append((row, value))
        by_name = {name: _attribute(pairs) for name, pairs in attributes.items()}
        return cls(columns, catalog.content.facets.tocsc(), years, TitleWords.of(lines), by_name)

    def matching(self, condition: Condition) -> Bools:
        """The mask (n,) of the items for which a condition holds."""
        match condition:
            case All():
                masks = [self.matching(part) for part in condition.parts]
                return np.logical_and.reduce(masks) if masks else np.ones(len(self.years), dtype=np.bool_)
            case AnyOf():
                found: Bools = np.logical_or.reduce([self.matching(part) for part in condition.parts])
                return found
            case Not():
                return ~self.matching(condition.part)
            case Is():
                return self._leaf(condition)

    def _leaf(self, leaf: Is) -> Bools:
        mask = np.zeros(len(self.years), dtype=np.bool_)
        if leaf.field == YEAR:
            return _between(self.years, leaf)
        if leaf.field == TEXT:
            for text in leaf.values:
                mask |= self.titles.holding(text)
        elif leaf.field.startswith(ATTRIBUTE):
            attribute = self.attributes.get(leaf.field.removeprefix(ATTRIBUTE), _NO_ATTRIBUTE)
            if not leaf.values:
                mask[attribute.rows[_between(attribute.numbers, leaf)]] = True
            for text in leaf.values:
                mask[attribute.texts.get(text, _NONE)] = True
        else:
            named = [self.columns.get((leaf.field, name), -1) for name in leaf.values]
            columns = np.array([column for column in named if column >= 0], dtype=np.int64)
            mask[self.facets.indices[entries_of(columns, self.facets.indptr)]] = True
        return mask


_NONE = np.empty(0, dtype=np.int64)
_NO_ATTRIBUTE = Attribute({}, _NONE, np.empty(0))


def _between(numbers: Doubles, leaf: Is) -> Bools:
    # A comparison with NaN is False.
    low = -np.inf if leaf.low is None else leaf.low
    high = np.inf if leaf.high is None else leaf.high
    inside: Bools = (numbers >= low) & (numbers <= high)
    return inside


def _attribute(pairs: Iterable[tuple[int, Any]]) -> Attribute:
    texts, rows, numbers = defaultdict[str, list[int]](list), [], []
    for row, value in pairs:
        for one in value if isinstance(value, list) else [value]:
            is_number = isinstance(one, int | float) and not isinstance(one, bool)
            if is_number:
                rows.append(row)
                numbers.append(float(one))
            name = str(one).lower() if isinstance(one, bool) else str(one)
            texts[name.casefold()].append(row)
    by_text = {text: np.array(of_text, dtype=np.int64) for text, of_text in texts.items()}
    return Attribute(by_text, np.array(rows, dtype=np.int64), np.array(numbers, dtype=np.float64))


_indexes: WeakKeyDictionary[CatalogSnapshot, ItemIndex] = WeakKeyDictionary()
_reading = threading.Lock()


def index_of(catalog: CatalogSnapshot) -> ItemIndex:
    """The index of a catalog, read when it is asked for first and kept as long as the catalog."""
    found = _indexes.get(catalog)
    if found is None:
        with _reading:
            found = _indexes.get(catalog) or ItemIndex.read(catalog)
            _indexes[catalog] = found
    return found


def is_filtered(catalog: CatalogSnapshot) -> bool:
    """True where a list of this catalog was filtered, so that the next catalog needs an index too."""
    return catalog in _indexes
