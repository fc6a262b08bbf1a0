"""Reads of the catalog."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from catalog.attributes import Attributes
from catalog.models import Item
from core.domain import CATEGORIES
from core.errors import InvalidInput, NotFound
from core.written import Written


@dataclass(frozen=True, slots=True)
class ItemCard:
    """All that a page or an answer says of an item. Facet names stand in billing order.

    `changed_at` is when it or its facets were written last.
    Attributes are there only where they were asked for: lists do not show them. `written` is what was
    written of it before, by the form.
    """

    id: int
    external_id: str
    kind: str
    title: str
    original_title: str
    year: int | None
    description: str
    published_at: datetime | None
    url: str
    image_url: str
    is_synthetic: bool
    changed_at: datetime
    facets: dict[str, tuple[str, ...]]
    attributes: Attributes = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict, compare=False, repr=False)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names that describe it best, in billing order: a film's genres."""
        return tuple(name for kind in CATEGORIES for name in self.facets.get(kind, ()))


_CHOICES_NAMED = 5
# PostgreSQL would put the items without a year first, SQLite last.
_NEWEST = F("year").desc(nulls_last=True)
ITEM_COLUMNS = (
    "id",
    "external_id",
    "kind",
    "title",
    "original_title",
    "year",
    "description",
    "published_at",
    "url",
    "image_url",
    "is_synthetic",
    "changed_at",
)


def get_cards(
    item_ids: Iterable[int], *, with_attributes: bool = False, with_hidden: bool = False
) -> dict[int, ItemCard]:
    """The cards of those of `item_ids` that are active, by id, in one query; with those hidden if asked."""
    names = (*ITEM_COLUMNS, "attributes") if with_attributes else ITEM_COLUMNS
    items = Item.objects.filter(pk__in=list(item_ids))
    rows = (
        (items if with_hidden else items.filter(is_active=True))
        .order_by("pk", "item_facets__billing", "item_facets__pk")
        .values_list(*names, "item_facets__facet__kind", "item_facets__facet__name")
    )
    return cards_from(rows, names)


def cards_from(rows: Iterable[Sequence[Any]], names: Sequence[str] = ITEM_COLUMNS) -> dict[int, ItemCard]:
    """The cards, by id, of rows of the columns `names` and the kind and name of a facet, in billing order."""
    cards: dict[int, ItemCard] = {}
    facets: dict[int, dict[str, tuple[str, ...]]] = {}
    for *columns, facet_kind, facet_name in rows:
        item_id = columns[0]
        if item_id not in cards:
            facets[item_id] = {}
            cards[item_id] = ItemCard(**dict(zip(names, columns, strict=True)), facets=facets[item_id])
        if facet_kind is not None:
            facets[item_id][facet_kind] = (*facets[item_id].get(facet_kind, ()), facet_name)
    return cards


def get_card(*, kind: str, item_id: int) -> ItemCard:
    """The card of one active item of `kind`, with its attributes. Raises NotFound."""
    card = get_cards([item_id], with_attributes=True).get(item_id)
    if card is None or card.kind != kind:
        raise NotFound("There is no such item.")
    return card


def find_item(
    *, item_id: int | None, title: str, kind: str | None = None, id_field: str, title_field: str
) -> Item:
    """The active item by id, or by its title where only one has it.

    Raises NotFound, and InvalidInput where nothing or several items are named; the sentences speak of the
    fields by the names that the caller gives them.
    """
    active = Item.objects.filter(is_active=True, **({"kind": kind} if kind else {}))
    if item_id is not None:
        item = active.filter(pk=item_id).first()
        if item is None:
            raise NotFound(f"There is no item with the id {item_id}.")
        return item
    if not title.strip():
        raise InvalidInput(f"Name the item with {id_field}, or with {title_field}.")
    found = list(active.filter(title__iexact=title.strip()).order_by("-year", "pk")[: _CHOICES_NAMED + 1])
    if not found:
        raise NotFound("There is no item with this title.")
    if len(found) > 1:
        choices = ", ".join(
            f"{one.pk} ({one.kind}, {one.year or 'no year'})" for one in found[:_CHOICES_NAMED]
        )
        raise InvalidInput(
            f"{title_field}: several items have this title. Send one as {id_field}: {choices}."
        )
    return found[0]


def active_items(kind: str) -> QuerySet[Item]:
    """The active items of `kind`, newest first, those without a year at the end."""
    return Item.objects.filter(kind=kind, is_active=True).order_by(_NEWEST, "title", "pk")


def search_by_title(query: str, *, kind: str | None = None) -> QuerySet[Item]:
    """Active items whose title or original title holds `query`; titles that start with it come first.

    Case does not matter: on PostgreSQL for every script, on SQLite for the letters a to z.
    """
    items = Item.objects.filter(is_active=True)
    if kind is not None:
        items = items.filter(kind=kind)
    return (
        items.filter(Q(title__icontains=query) | Q(original_title__icontains=query))
        .alias(
            place=Case(
                When(title__iexact=query, then=Value(0)),
                When(title__istartswith=query, then=Value(1)),
                default=Value(2),
                output_field=IntegerField(),
            )
        )
        .order_by("place", "title", _NEWEST, "pk")
    )
