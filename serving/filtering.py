"""Conditions of a request over the catalog, as masks over its rows."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from django.db.models import QuerySet
from scipy.sparse import csc_matrix

from catalog.models import Facet, Item
from core.arrays import Bools, Doubles, Ints, positions
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


class ItemIndex:
    """The fields of the n items of a catalog by which lists are filtered.

    Each part is read when it is asked for first, one query each: whoever filters by a genre does not wait for
    the words of a million titles. An item that changed since is filtered by what it is now.
    """

    def __init__(self, catalog: CatalogSnapshot) -> None:
        # Not the catalog itself, which would never go as long as its index knows it.
        self._item_ids, self._facet_ids = catalog.item_ids, catalog.facet_ids
        self._content = catalog.content

    @cached_property
    def facets(self) -> "csc_matrix[np.float64]":
        """(n, m) by columns."""
        return self._content.facets.tocsc()

    @cached_property
    def columns(self) -> Mapping[tuple[str, str], int]:
        """The column of `facets` by the kind and the name of a facet, the name in lower case."""
        column_of = {facet_id: column for column, facet_id in enumerate(self._facet_ids.tolist())}
        names = Facet.objects.values_list("pk", "kind", "name").iterator(chunk_size=10_000)
        return {(kind, name.casefold()): column_of[pk] for pk, kind, name in names if pk in column_of}

    @cached_property
    def years(self) -> Doubles:
        """(n,) NaN where none is known."""
        known = _items().exclude(year=None).values_list("pk", "year").iterator(chunk_size=10_000)
        found = np.array(list(known), dtype=np.int64).reshape(-1, 2)
        rows = positions(found[:, 0], self._item_ids)
        years = np.full(len(self._item_ids), np.nan)
        years[rows[rows >= 0]] = found[rows >= 0, 1]
        return years

    @property
    def titles(self) -> TitleWords:
        """The words of every title, and of the original one, in lower case."""
        return self._texts[0]

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        return self._texts[1]

    @cached_property
    def _texts(self) -> tuple[TitleWords, Mapping[str, Attribute]]:
        row_of = {item_id: row for row, item_id in enumerate(self._item_ids.tolist())}
        lines, attributes = [""] * len(row_of), defaultdict[str, list[tuple[int, Any]]](list)
        rows = _items().values_list("pk", "title", "original_title", "attributes")
        for item_id, title, other, facts in rows.iterator(chunk_size=10_000):
            row = row_of.get(item_id)
            if row is not None:
                lines[row] = f"{title} {other}".casefold()
                for name, value in facts.items():
                    attributes[name].append((row, value))
        return TitleWords.of(lines), {name: _attribute(pairs) for name, pairs in attributes.items()}

    def read_as(self, other: "ItemIndex") -> None:
        """Reads now what was asked of another."""
        for name in vars(other).keys() - vars(self).keys():
            getattr(self, name)

    def matching(self, condition: Condition) -> Bools:
        """The mask (n,) of the items for which a condition holds."""
        match condition:
            case All():
                masks = [self.matching(part) for part in condition.parts]
                return np.logical_and.reduce(masks) if masks else np.ones(len(self._item_ids), dtype=np.bool_)
            case AnyOf():
                found: Bools = np.logical_or.reduce([self.matching(part) for part in condition.parts])
                return found
            case Not():
                return ~self.matching(condition.part)
            case Is():
                return self._leaf(condition)

    def _leaf(self, leaf: Is) -> Bools:
        mask = np.zeros(len(self._item_ids), dtype=np.bool_)
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


def _items() -> "QuerySet[Item]":
    return Item.objects.filter(kind__in=list(KINDS), is_active=True).order_by()


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
_beginning = threading.Lock()


def index_of(catalog: CatalogSnapshot) -> ItemIndex:
    """The index of a catalog, kept as long as the catalog."""
    with _beginning:
        found = _indexes.get(catalog)
        if found is None:
            found = _indexes[catalog] = ItemIndex(catalog)
    return found


def follow(catalog: CatalogSnapshot, before: CatalogSnapshot) -> None:
    """Reads of a catalog what lists of the one before were filtered by, so that no request waits for it."""
    if before in _indexes:
        index_of(catalog).read_as(index_of(before))
