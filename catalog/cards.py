"""The cards of items in memory, each as new as the database: a list asks only which of them changed.

A card is kept with the moment at which its item was written last. Whoever wants cards asks the database for
these moments, by primary key, and in the same query for the cards that are not kept yet; where a card is of
an earlier moment it is read anew. So nothing that is hidden is shown and no title is old, and a list costs
one small query instead of one over all its facets.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection

from catalog.models import Facet, Item, ItemFacet
from catalog.selectors import ITEM_COLUMNS, ItemCard, cards_from, get_cards
from core.queries import CompiledQuery, Parameter, Statement, moment_of
from core.sql import Table, fill

# So many cards are kept in a process, about 2 kB each; those met first go first.
MOST_KEPT = 20_000

_AMONG = {
    "postgresql": "= ANY(CAST(%s AS bigint[]))",
    "sqlite": "IN (SELECT value FROM json_each(%s))",
}
_MOMENTS = "SELECT {item.id}, {item.changed_at} FROM {item} WHERE {item.is_active} AND {item.id} {wanted}"
# The facets only of those that are not kept.
_CARDS = """
SELECT {columns}, {facet.kind}, {facet.name}
FROM {item}
LEFT JOIN {link} ON {link.item} = {item.id} AND {item.id} {lacking}
LEFT JOIN {facet} ON {facet.id} = {link.facet}
WHERE {item.is_active} AND {item.id} {wanted}
ORDER BY {item.id}, {link.billing}, {link.id}
"""

_kept: dict[int, ItemCard] = {}


class _Ids(Parameter):
    """A list of ids, in the form that each database takes as one value."""

    def adapt(self, value: Any, database: Any) -> Any:
        return list(value) if database.vendor == "postgresql" else json.dumps(list(value))


def _moments() -> Statement:
    among = _AMONG[connection.vendor]
    return Statement(fill(_MOMENTS, item=Table(Item, "item"), wanted=among), [_Ids("wanted")])


def _cards() -> Statement:
    item, among = Table(Item, "item"), _AMONG[connection.vendor]
    sql = fill(
        _CARDS,
        columns=", ".join(getattr(item, name) for name in ITEM_COLUMNS),
        item=item,
        link=Table(ItemFacet, "link"),
        facet=Table(Facet, "facet"),
        lacking=among,
        wanted=among,
    )
    return Statement(sql, [_Ids("lacking"), _Ids("wanted")])


_moments_of = CompiledQuery(_moments)
_cards_of = CompiledQuery(_cards)


def current_cards(item_ids: Iterable[int]) -> dict[int, ItemCard]:
    """The cards of those of `item_ids` that are active, by id, without attributes.

    One query; one more where a card that was kept is of an earlier moment.
    """
    wanted = [*dict.fromkeys(item_ids)]
    kept = {item_id: card for item_id in wanted if (card := _kept.get(item_id)) is not None}
    lacking = [item_id for item_id in wanted if item_id not in kept]
    if lacking:
        found = cards_from(_in_python(row) for row in _cards_of.ask(wanted=wanted, lacking=lacking))
        moments = {item_id: card.changed_at for item_id, card in found.items()}
        found_now = {item_id: found[item_id] for item_id in lacking if item_id in found}
        _keep(found_now)
        kept |= found_now
    else:
        rows = _moments_of.ask(wanted=wanted)
        moments = {item_id: changed_at for item_id, moment in rows if (changed_at := moment_of(moment))}
    if old := [item_id for item_id, moment in moments.items() if kept[item_id].changed_at != moment]:
        anew = _read(old)
        kept |= anew
        for item_id in {*old} - anew.keys():
            # It was hidden between the two queries.
            del moments[item_id]
    return {item_id: kept[item_id] for item_id in wanted if item_id in moments}


_MOMENT_COLUMNS = [place for place, name in enumerate(ITEM_COLUMNS) if name in ("published_at", "changed_at")]
_TRUTH_COLUMN = ITEM_COLUMNS.index("is_synthetic")


def _in_python(row: Sequence[Any]) -> Sequence[Any]:
    """A row of a card as the driver gave it, in the values that the ORM would give."""
    values = [*row]
    for place in _MOMENT_COLUMNS:
        values[place] = moment_of(values[place])
    values[_TRUTH_COLUMN] = bool(values[_TRUTH_COLUMN])
    return values


def _read(item_ids: Collection[int]) -> dict[int, ItemCard]:
    """The cards from the database, kept from then on."""
    cards = {item_id: _as_before(card) for item_id, card in get_cards(item_ids).items()}
    _keep(cards)
    return cards


def _keep(cards: Mapping[int, ItemCard]) -> None:
    _kept.update(cards)
    for item_id in list(_kept)[: max(0, len(_kept) - MOST_KEPT)]:
        _kept.pop(item_id, None)


def _as_before(card: ItemCard) -> ItemCard:
    """The card that is kept where it says the same, and with it what was written of it; else this one."""
    before = _kept.get(card.id)
    return before if before is not None and before == card else card


def forget_cards() -> None:
    """Drops all that is kept."""
    _kept.clear()
