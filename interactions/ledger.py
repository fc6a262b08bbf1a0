"""Rows of people about items, held in memory while a write decides what is new.

Read in one query and written in two, however many interactions come at once. Used under the people's locks.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Self

from django.conf import settings
from django.db import connection

from core.domain import DISLIKE, TYPES, VIEW, InteractionType
from core.sql import Table, column_field, column_names, fill, table_name
from interactions.models import UserInteraction


def _replaced_by(new: InteractionType) -> tuple[str, ...]:
    return tuple(
        row.name
        for row in TYPES.values()
        if (row is new and row.is_rated)
        or row.undo == new.name
        or (row.name == DISLIKE and new.ends_dislike)
        or (new.name == DISLIKE and row.ends_dislike)
    )


# Pairs are joined, because people × items would be far more rows than are asked for.
_OF_PAIRS = """
SELECT known.*
FROM (VALUES {pairs}) AS wanted
JOIN {known} ON {known.user} = wanted.column1 AND {known.item} = wanted.column2
ORDER BY {known.occurred_at}, {known.id}
"""

_COLUMNS = (
    "user_id",
    "item_id",
    "type",
    "is_state",
    "weight",
    "rating",
    "occurred_at",
    "withdrawn_at",
    "recommendation_session_id",
    "recommendation_source",
    "recommendation_rank",
    "recommendation_score",
    "recommendation_method",
)
_values_of = attrgetter(*_COLUMNS)
# Columns whose values the two databases take in other forms.
_ADAPTED = [
    (place, column_field(UserInteraction, name))
    for place, name in enumerate(_COLUMNS)
    if name in ("occurred_at", "withdrawn_at", "recommendation_session_id")
]
_INSERT = fill(
    "INSERT INTO {log} ({columns}) VALUES {rows} RETURNING {id}",
    log=table_name(UserInteraction),
    columns=column_names(UserInteraction, *_COLUMNS),
    id=column_names(UserInteraction, "id"),
    rows="{rows}",
)
_ROW = f"({', '.join(['%s'] * len(_COLUMNS))})"

# The last word counts: what each interaction withdraws of what the person said of the item before.
REPLACES: dict[str, tuple[str, ...]] = {row.name: _replaced_by(row) for row in TYPES.values()}


@dataclass(slots=True)
class Ledger:
    """The rows by (user id, item id, type), what was added to them, and what was withdrawn."""

    rows: defaultdict[tuple[int, int, str], list[UserInteraction]]
    added: list[UserInteraction] = field(default_factory=list)
    withdrawn: list[UserInteraction] = field(default_factory=list)

    @classmethod
    def read(cls, user_id: int, item_ids: Collection[int]) -> Self:
        """Everything on record between a person and these items: one query."""
        on_record = UserInteraction.objects.filter(user_id=user_id, item_id__in=item_ids)
        return cls._of(on_record.order_by("occurred_at", "pk"))

    @classmethod
    def read_pairs(cls, pairs: Collection[tuple[int, int]]) -> Self:
        """Everything on record between a person and an item, for pairs of their ids: one query."""
        if not pairs:
            return cls._of([])
        statement = fill(
            _OF_PAIRS, known=Table(UserInteraction, "known"), pairs=", ".join(["(%s, %s)"] * len(pairs))
        )
        return cls._of(UserInteraction.objects.raw(statement, [one for pair in pairs for one in pair]))

    @classmethod
    def _of(cls, on_record: Iterable[UserInteraction]) -> Self:
        rows: defaultdict[tuple[int, int, str], list[UserInteraction]] = defaultdict(list)
        for row in on_record:
            rows[row.user_id, row.item_id, row.type].append(row)
        return cls(rows)

    def holds(self, user_id: int, item_id: int) -> bool:
        """True where the person did anything with the item, also what was taken back."""
        return any(self.rows.get((user_id, item_id, name)) for name in TYPES)

    def find_same(self, new: UserInteraction) -> UserInteraction | None:
        """The row that says already what `new` says, if there is one."""
        for row in self.rows[new.user_id, new.item_id, new.type]:
            if row.occurred_at == new.occurred_at:
                return row
        if TYPES[new.type].is_state:
            state = next(self._active(new, new.type), None)
            is_new_rating = state is not None and new.rating not in (None, state.rating)
            return None if is_new_rating else state
        return self._repeated_view(new) if new.type == VIEW else None

    def add(self, new: UserInteraction, now: datetime) -> None:
        """Takes `new` in, and withdraws what it replaces.

        Where what contradicts it stands from a later moment, `new` arrived late and is withdrawn itself.
        """
        contradicting = [row for name in REPLACES[new.type] for row in self._active(new, name)]
        is_late = False
        for row in contradicting:
            if row.occurred_at <= new.occurred_at:
                # The act that takes a state back is of the very moment in which the state ended.
                self._withdraw(row, new.occurred_at if TYPES[row.type].undo == new.type else now)
            else:
                is_late = TYPES[new.type].is_state
        new.withdrawn_at = now if is_late else None
        self.rows[new.user_id, new.item_id, new.type].append(new)
        self.added.append(new)

    def write(self) -> None:
        """Writes what was withdrawn and then, as its place is free now, what was added: two queries."""
        UserInteraction.objects.bulk_update(self.withdrawn, ["withdrawn_at"])
        if self.added:
            _insert(self.added)

    def _active(self, new: UserInteraction, type_name: str) -> Iterator[UserInteraction]:
        rows = self.rows[new.user_id, new.item_id, type_name]
        return (row for row in rows if row.withdrawn_at is None)

    def _withdraw(self, row: UserInteraction, moment: datetime) -> None:
        row.withdrawn_at = moment
        if row.pk is not None:
            self.withdrawn.append(row)

    def _repeated_view(self, new: UserInteraction) -> UserInteraction | None:
        repeat = timedelta(minutes=settings.VIEW_REPEAT_MINUTES)
        for row in self.rows[new.user_id, new.item_id, VIEW]:
            same_place = row.recommendation_session_id == new.recommendation_session_id
            if same_place and abs(row.occurred_at - new.occurred_at) < repeat:
                return row
        return None


def _insert(rows: Sequence[UserInteraction]) -> None:
    """Inserts new rows and gives them their ids: one statement. `bulk_create` takes twice as long."""
    values: list[Any] = []
    for row in rows:
        row.is_state = TYPES[row.type].is_state
        ours = list(_values_of(row))
        for place, column in _ADAPTED:
            ours[place] = column.get_db_prep_value(ours[place], connection=connection, prepared=True)
        values += ours
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(rows=", ".join([_ROW] * len(rows))), values)
        ids = cursor.fetchall()
    for row, (pk,) in zip(rows, ids, strict=True):
        row.pk = pk
        row._state.adding = False  # noqa: SLF001  documented, whatever its name
