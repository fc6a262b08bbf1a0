"""The cards of items in memory, each as new as the database: a list asks only which of them changed.

A card is kept with the moment at which its item was written last. Whoever wants cards asks the database for
these moments, by primary key; where a card is of an earlier moment, or was not kept yet, all are read. So
nothing that is hidden is shown and no title is old, and a list costs one small query instead of one over all
its facets.
"""

import json
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection

from catalog.models import Item
from catalog.selectors import ItemCard, get_cards
from core.queries import CompiledQuery, Parameter, Statement, moment_of
from core.sql import Table, fill

# So many cards are kept in a process, about 2 kB each; those met first go first.
MOST_KEPT = 20_000

_AMONG = {
    "postgresql": "= ANY(CAST(%s AS bigint[]))",
    "sqlite": "IN (SELECT value FROM json_each(%s))",
}
_SQL = "SELECT {item.id}, {item.changed_at} FROM {item} WHERE {item.is_active} AND {item.id} {among}"

_kept: dict[int, ItemCard] = {}


class _Ids(Parameter):
    """A list of ids, in the form that each database takes as one value."""

    def adapt(self, value: Any, database: Any) -> Any:
        return list(value) if database.vendor == "postgresql" else json.dumps(list(value))


def _statement() -> Statement:
    among = _AMONG[connection.vendor]
    return Statement(fill(_SQL, item=Table(Item, "item"), among=among), [_Ids("ids")])


_changed_at = CompiledQuery(_statement)


def current_cards(item_ids: Iterable[int]) -> dict[int, ItemCard]:
    """The cards of those of `item_ids` that are active, by id, without attributes: one query."""
    wanted = [*dict.fromkeys(item_ids)]
    kept = {item_id: card for item_id in wanted if (card := _kept.get(item_id)) is not None}
    if len(kept) < len(wanted):
        return _read(wanted)
    moments = {item_id: moment_of(moment) for item_id, moment in _changed_at.ask(ids=wanted)}
    if all(kept[item_id].changed_at == moment for item_id, moment in moments.items()):
        return {item_id: kept[item_id] for item_id in wanted if item_id in moments}
    return _read(wanted)


def _read(item_ids: Collection[int]) -> dict[int, ItemCard]:
    """The cards from the database, kept from then on."""
    read = get_cards(item_ids)
    cards = {item_id: _as_before(card) for item_id, card in read.items()}
    _kept.update(cards)
    for item_id in list(_kept)[: max(0, len(_kept) - MOST_KEPT)]:
        _kept.pop(item_id, None)
    return cards


def _as_before(card: ItemCard) -> ItemCard:
    """The card that is kept where it says the same, and with it what was written of it; else this one."""
    before = _kept.get(card.id)
    return before if before is not None and before == card else card


def forget_cards() -> None:
    """Drops all that is kept."""
    _kept.clear()
