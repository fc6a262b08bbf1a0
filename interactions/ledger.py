"""One person's rows about some items, held in memory while a write decides what is new.

Read in one query and written in two, however many interactions come at once. Used under the person's lock.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings

from core.domain import DISLIKE, TYPES, VIEW, InteractionType
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


# The last word counts: what each interaction withdraws of what the person said of the item before.
REPLACES: dict[str, tuple[str, ...]] = {row.name: _replaced_by(row) for row in TYPES.values()}


@dataclass(slots=True)
class Ledger:
    """The rows of one person by (item id, type), what was added to them, and what was withdrawn."""

    rows: defaultdict[tuple[int, str], list[UserInteraction]]
    added: list[UserInteraction] = field(default_factory=list)
    withdrawn: list[UserInteraction] = field(default_factory=list)

    @classmethod
    def read(cls, user_id: int, item_ids: Collection[int]) -> Self:
        """Everything on record between a person and these items: one query."""
        rows: defaultdict[tuple[int, str], list[UserInteraction]] = defaultdict(list)
        on_record = UserInteraction.objects.filter(user_id=user_id, item_id__in=item_ids)
        for row in on_record.order_by("occurred_at", "pk"):
            rows[row.item_id, row.type].append(row)
        return cls(rows)

    def find_same(self, new: UserInteraction) -> UserInteraction | None:
        """The row that says already what `new` says, if there is one."""
        for row in self.rows[new.item_id, new.type]:
            if row.occurred_at == new.occurred_at:
                return row
        if TYPES[new.type].is_state:
            state = next(self._active(new.item_id, new.type), None)
            is_new_rating = state is not None and new.rating not in (None, state.rating)
            return None if is_new_rating else state
        return self._repeated_view(new) if new.type == VIEW else None

    def add(self, new: UserInteraction, now: datetime) -> None:
        """Takes `new` in, and withdraws what it replaces.

        Where what contradicts it stands from a later moment, `new` arrived late and is withdrawn itself.
        """
        contradicting = [row for name in REPLACES[new.type] for row in self._active(new.item_id, name)]
        is_late = False
        for row in contradicting:
            if row.occurred_at <= new.occurred_at:
                # The act that takes a state back is of the very moment in which the state ended.
                self._withdraw(row, new.occurred_at if TYPES[row.type].undo == new.type else now)
            else:
                is_late = TYPES[new.type].is_state
        new.withdrawn_at = now if is_late else None
        self.rows[new.item_id, new.type].append(new)
        self.added.append(new)

    def write(self) -> None:
        """Writes what was withdrawn and then, as its place is free now, what was added: two queries."""
        UserInteraction.objects.bulk_update(self.withdrawn, ["withdrawn_at"])
        UserInteraction.objects.bulk_create(self.added)

    def _active(self, item_id: int, type_name: str) -> Iterator[UserInteraction]:
        return (row for row in self.rows[item_id, type_name] if row.withdrawn_at is None)

    def _withdraw(self, row: UserInteraction, moment: datetime) -> None:
        row.withdrawn_at = moment
        if row.pk is not None:
            self.withdrawn.append(row)

    def _repeated_view(self, new: UserInteraction) -> UserInteraction | None:
        repeat = timedelta(minutes=settings.VIEW_REPEAT_MINUTES)
        for row in self.rows[new.item_id, VIEW]:
            same_place = row.recommendation_session_id == new.recommendation_session_id
            if same_place and abs(row.occurred_at - new.occurred_at) < repeat:
                return row
        return None
