"""Marks of the items of a kind: another mark tells who keeps them in memory that something changed.

Every write to an item or its facets dates the item (`catalog.models`). The database counts the items and adds
up the seconds and microseconds of these moments; a write that is missed leaves another sum, and a deleted
item another number. No row leaves the database.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from catalog.models import Item
from core.arrays import Ints
from core.queries import moment_of
from core.sql import Table, fill

_MINUTE = 60_000_000
# Of a moment the microseconds of its minute: whole numbers, whose sums are the same in any order.
_MICROSECONDS = {
    "postgresql": "CAST(DATE_PART('microseconds', {item.changed_at}) AS integer)",
    "sqlite": "CAST(ROUND(SUBSTR({item.changed_at}, 18) * 1000000) AS integer)",
}
_READ = (
    "SELECT COUNT(*), COALESCE(SUM({micros}), 0), MAX({item.changed_at}) FROM {item} WHERE {item.kind} = %s"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """The number of a kind's items, and the sum and the last of the moments when they changed.

    sum     of the microseconds of the minutes that they changed in
    newest  the last of the moments, microseconds since 1970; 0 where there is none
    """

    items: int
    sum: int
    newest: int


def read_mark(kind: str) -> Mark:
    """The mark of all items of a kind, those hidden too: one query, for which an index is enough."""
    item = Table(Item, "item")
    micros_of = fill(_MICROSECONDS[connection.vendor], item=item)
    with connection.cursor() as cursor:
        cursor.execute(fill(_READ, item=item, micros=micros_of), [kind])
        items, total, newest = cursor.fetchone()
    last = moment_of(newest)
    return Mark(items, int(total), 0 if last is None else micros(last))


def mark_of(moments: Ints) -> Mark:
    """The mark of items that changed at these moments, as of `micros`."""
    return Mark(len(moments), int((moments % _MINUTE).sum()), int(moments.max(initial=0)))


def micros(moment: datetime) -> int:
    """A moment as microseconds since 1970."""
    return round(moment.timestamp() * 1_000_000)
