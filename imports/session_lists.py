"""Puts the rows of one list in an import file together to one row of the session log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.values import BadValue
from imports.unknown import unknown_item
from recommendations.models import RecommendationSession
from recommendations.services import ShownSlot

EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class StagedSlot:
    """One slot of a list as a file names it, and one thing that was done with it: `action`, or ""."""

    line: int
    session_id: UUID
    username: str
    use_case: str
    shown_at: datetime
    kind: str
    external_id: str
    rank: int
    score: float | None
    method: str
    propensity: float | None
    seen: int | None
    action: str
    rating: float | None
    acted_at: datetime | None

    @property
    def place(self) -> tuple[object, ...]:
        """The values on which two rows of one slot must agree."""
        return (self.rank, self.external_id, self.score, self.method, self.propensity)

    @property
    def circumstances(self) -> tuple[object, ...]:
        """The values on which all rows of one list must agree."""
        return (self.username, self.use_case, self.shown_at)


class BadSlot(BadValue):
    """A row that does not fit into its list."""

    def __init__(self, slot: StagedSlot, reason: str) -> None:
        super().__init__(reason)
        self.line = slot.line


def check_list(rows: Sequence[StagedSlot], items: Mapping[tuple[str, str], int]) -> None:
    """Raises BadSlot unless the rows, by rank, make one list.

    Ranks may be missing: some logs say of a list only the slot that they are about, at its place.
    """
    first, seen = rows[0], _seen(rows)
    slots: dict[int, StagedSlot] = {}
    ranks: dict[str, int] = {}
    for row in rows:
        if row.circumstances != first.circumstances:
            raise BadSlot(row, f"line {first.line} has another user, use_case or shown_at for this list")
        if (row.kind, row.external_id) not in items:
            raise BadSlot(row, unknown_item(row.kind, row.external_id))
        slot = slots.setdefault(row.rank, row)
        if slot.place != row.place:
            raise BadSlot(row, f"line {slot.line} has another item, score, method or propensity here")
        if ranks.setdefault(row.external_id, row.rank) != row.rank:
            raise BadSlot(row, f"item {row.external_id!r} stands in this list twice")
    if len(seen) > 1:
        raise BadSlot(first, "the rows of this list differ in seen")
    if max(seen, default=0) > max(slots):
        raise BadSlot(first, f"seen is {max(seen)}, and this list ends at rank {max(slots)}")


def _seen(rows: Sequence[StagedSlot]) -> set[int]:
    return {row.seen for row in rows if row.seen is not None}


def as_session(
    rows: Sequence[StagedSlot], user_id: int, items: Mapping[tuple[str, str], int]
) -> RecommendationSession:
    """The row of one list, not saved yet."""
    slots = {row.rank: row for row in rows}
    shown = [_entry(row, items[row.kind, row.external_id]) for row in slots.values()]
    return RecommendationSession(
        pk=rows[0].session_id,
        user_id=user_id,
        use_case=rows[0].use_case,
        method=rows[0].method,
        is_external=True,
        recommendations_shown=shown,
        seen_rank=max(_seen(rows), default=0),
        created_at=rows[0].shown_at,
    )


def _entry(row: StagedSlot, item_id: int) -> dict[str, Any]:
    """The slot as the log has it; a score that the file does not say stays empty."""
    slot = ShownSlot(
        item_id=item_id,
        rank=row.rank,
        score=0.0 if row.score is None else row.score,
        base_score=0.0 if row.score is None else row.score,
        method=row.method,
        source=EXTERNAL,
        source_rank=row.rank,
        source_score=row.score,
        propensity=row.propensity,
    )
    return slot.as_json() | {"score": row.score, "base_score": row.score}


def is_same(known: RecommendationSession, new: RecommendationSession) -> bool:
    """True where the list on record is the one in the file, however far down either was seen."""
    names = ("user_id", "use_case", "method", "is_external", "recommendations_shown", "created_at")
    return all(getattr(known, name) == getattr(new, name) for name in names)
