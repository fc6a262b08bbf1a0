"""Items and their facets as columns: all of a catalog without a Python object for each value.

A catalog of a million items has ten million facets of items, of which each would be a tuple.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any

import numpy as np
from django.db.models import F, FilteredRelation, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from catalog.attributes import MAX_NUMBER
from catalog.models import Item, ItemFacet
from core.arrays import Bools, Doubles, Ints
from core.arrow import pa
from core.batches import read_batches
from core.domain import FACETS, KINDS, NUMBERS, USE_CASES
from interactions.models import ItemPopularity
from interactions.popularity import ENGAGED_FIELDS, EXAMINED_FIELDS, TREND_FIELDS
from ranking.item_content import GROUPS, FacetGroup

COUNTED = (
    "score",
    "approvals",
    "dislikes",
    *TREND_FIELDS,
    *EXAMINED_FIELDS,
    *ENGAGED_FIELDS,
    "refused",
)
"""The columns of the demand for an item."""
# All items of a kind; any other condition is for a few.
ALL = Q()

_MOMENT = pa.timestamp("us", tz="UTC")
_OF_ITEM = {
    "pk": pa.int64(),
    "changed_at": _MOMENT,
    "is_active": pa.bool_(),
    "published_at": _MOMENT,
    "year": pa.int64(),
}
_MOMENTS = pa.schema({"pk": pa.int64(), "changed_at": _MOMENT})
_LINKS = pa.schema(
    {"item_id": pa.int64(), "facet_id": pa.int64(), "facet__kind": pa.dictionary(pa.int32(), pa.string())}
)
_FEATURE_GROUPS: dict[str, FacetGroup] = {"category": "genre", "theme": "theme", "people": "people"}
_OTHER = GROUPS.index("other")
_GROUP_OF_KIND = {
    kind: GROUPS.index(_FEATURE_GROUPS.get(facet.group, "other")) for kind, facet in FACETS.items()
}


@dataclass(frozen=True, slots=True, eq=False)
class ReadItems:
    """n items as they were read, by their ids; the columns are those of `CatalogRows`."""

    item_ids: Ints
    moments: Ints
    active: Bools
    published: Doubles
    there_since: Doubles
    counts: Doubles
    numbers: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class ReadLinks:
    """Facets of active items, (k,) each, in no order: the item, the facet, and which of GROUPS it is of."""

    item_ids: Ints
    facet_ids: Ints
    groups: Ints

    @classmethod
    def none(cls) -> "ReadLinks":
        """Those of no item."""
        return cls(*_links_of(_empty(_LINKS)))


def read_items(use_case: str, which: Q) -> ReadItems:
    """The items of the kind of a use case for which a condition holds: one query."""
    names = KINDS[USE_CASES[use_case].kind].numbers
    texts = {f"number_{place}": pa.string() for place in range(len(names))}
    schema = pa.schema({**_OF_ITEM, **dict.fromkeys(COUNTED, pa.float64()), **texts})
    rows = (
        Item.objects.filter(which, kind=USE_CASES[use_case].kind)
        .alias(demand=FilteredRelation("popularity", condition=Q(popularity__use_case=use_case)))
        .order_by("pk")
        .values_list(
            *_OF_ITEM,
            *(F(f"demand__{name}") for name in COUNTED),
            *(Cast(KeyTextTransform(name, "attributes"), TextField()) for name in names),
        )
    )
    columns = [NUMBERS.index(name) for name in names]
    parts = [_items_of(batch, list(texts), columns) for batch in _batches(rows, schema, which)]
    return _joined(parts or [_items_of(_empty(schema), list(texts), columns)])


def read_links(use_case: str, which: Q) -> ReadLinks:
    """The facets of the active ones among these items: one query."""
    items = Item.objects.filter(which, kind=USE_CASES[use_case].kind, is_active=True)
    rows = ItemFacet.objects.order_by().values_list(*_LINKS.names).filter(item__in=items.order_by())
    parts = [_links_of(batch) for batch in _batches(rows, _LINKS, which)]
    return ReadLinks(*map(np.concatenate, zip(*parts, strict=True))) if parts else ReadLinks.none()


def read_moments(use_case: str) -> tuple[Ints, Ints]:
    """The ids of all items of the kind of a use case, sorted, and when each changed: one query."""
    rows = Item.objects.filter(kind=USE_CASES[use_case].kind).order_by("pk").values_list(*_MOMENTS.names)
    parts = [(batch["pk"].to_numpy(), _micros(batch["changed_at"])) for batch in read_batches(rows, _MOMENTS)]
    nothing = np.empty(0, dtype=np.int64)
    item_ids, moments = map(np.concatenate, zip(*parts, strict=True)) if parts else (nothing, nothing)
    return item_ids, moments


def read_demand(use_case: str) -> tuple[Ints, Doubles]:
    """The ids of the items with a demand in a use case, in no order, and its numbers: one query."""
    schema = pa.schema({"item_id": pa.int64(), **dict.fromkeys(COUNTED, pa.float64())})
    rows = ItemPopularity.objects.filter(use_case=use_case).order_by().values_list(*schema.names)
    parts = [*read_batches(rows, schema)] or [_empty(schema)]
    return (
        np.concatenate([part["item_id"].to_numpy() for part in parts]),
        np.concatenate([_counts_of(part) for part in parts]),
    )


def _batches(rows: "QuerySet[Any, tuple[Any, ...]]", schema: pa.Schema, which: Q) -> Iterator[pa.RecordBatch]:
    if which is ALL:
        yield from read_batches(rows, schema)
    elif found := list(rows):
        columns = zip(*found, strict=True)
        yield pa.record_batch([pa.array(*one) for one in zip(columns, schema.types, strict=True)], schema)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([pa.array([], kind) for kind in schema.types], schema)


def _items_of(batch: pa.RecordBatch, texts: list[str], columns: list[int]) -> ReadItems:
    """The items of a batch; `texts` are its numbers, and `columns` the places of these in NUMBERS."""
    has_date = batch["published_at"].is_valid().to_numpy(zero_copy_only=False)
    dates = _micros(batch["published_at"]) / 1e6
    numbers = np.full((len(batch), len(NUMBERS)), np.nan)
    for name, column in zip(texts, columns, strict=True):
        numbers[:, column] = _each(batch[name], _number, np.nan)
    return ReadItems(
        item_ids=batch["pk"].to_numpy(),
        moments=_micros(batch["changed_at"]),
        active=batch["is_active"].to_numpy(zero_copy_only=False),
        published=np.where(has_date, dates, _each(batch["year"], _middle_of, -np.inf)),
        # A bare year says nothing of the moment, and no year says nothing at all: the first meeting does.
        there_since=np.where(has_date, dates, np.inf),
        counts=_counts_of(batch),
        numbers=numbers,
    )


def _joined(parts: list[ReadItems]) -> ReadItems:
    return ReadItems(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in ReadItems.__slots__}
    )


def _links_of(batch: pa.RecordBatch) -> tuple[Ints, Ints, Ints]:
    kinds = batch["facet__kind"]
    groups = np.array([_GROUP_OF_KIND.get(kind, _OTHER) for kind in kinds.dictionary.to_pylist()], np.int64)
    return batch["item_id"].to_numpy(), batch["facet_id"].to_numpy(), groups[kinds.indices.to_numpy()]


def _counts_of(batch: pa.RecordBatch) -> Doubles:
    return np.column_stack([batch[name].fill_null(0.0).to_numpy() for name in COUNTED])


def _micros(moments: pa.Array) -> Ints:
    """Microseconds since 1970; 0 for none."""
    found: Ints = moments.cast(pa.int64()).fill_null(0).to_numpy()
    return found


def _each(values: pa.Array, rule: Any, nothing: float) -> Doubles:
    """The number that a rule gives for each value, asked once for equal ones; `nothing` for none."""
    encoded = values.dictionary_encode()
    numbers = np.array([*map(rule, encoded.dictionary.to_pylist()), nothing])
    found: Doubles = numbers[encoded.indices.fill_null(len(numbers) - 1).to_numpy()]
    return found


def _middle_of(year: int) -> float:
    """The middle of a year, seconds since 1970; -inf for one that no calendar has."""
    return datetime(year, 7, 1, tzinfo=UTC).timestamp() if MINYEAR <= year <= MAXYEAR else -np.inf


def _number(text: str) -> float:
    """An attribute as a number; NaN for what is none."""
    try:
        number = float(text)
    except ValueError:
        return np.nan
    return number if abs(number) <= MAX_NUMBER else np.nan
