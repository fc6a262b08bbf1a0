"""From staged lists to the session log.

The rows of a list may lie anywhere in the file, so they are staged first and then put together, a batch of
lists at a time. What was done with them takes the way of imported interactions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from uuid import UUID

from django.db.models import BigIntegerField, FloatField

from accounts.models import User
from accounts.services import create_people
from catalog.models import Item
from core.sql import Table, column_field, column_names, fill
from imports.rows import BadRows
from imports.session_lists import BadSlot, StagedSlot, as_session, check_list, is_same
from imports.slices import Slices
from imports.staged_interactions import StagedInteraction
from imports.staging import Staging, StagingTable, execute, execute_write
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession

# A list has at most 500 slots; more rows than this are not what was done with one list.
MAX_ROWS = 2_000

BATCH = 200
TIES = 500
_IN_LIST = 5_000

# In the order of the fields of StagedSlot, which rows are read back to.
STAGED_SLOTS: StagingTable[StagedSlot] = StagingTable(
    name="heed_slots",
    columns={
        "line": BigIntegerField(),
        "session_id": column_field(RecommendationSession, "id"),
        "username": column_field(User, "username"),
        "use_case": column_field(RecommendationSession, "use_case"),
        "shown_at": column_field(RecommendationSession, "created_at"),
        "kind": column_field(Item, "kind"),
        "external_id": column_field(Item, "external_id"),
        "rank": column_field(UserInteraction, "recommendation_rank"),
        "score": column_field(UserInteraction, "recommendation_score"),
        "method": column_field(UserInteraction, "recommendation_method"),
        "propensity": FloatField(),
        "seen": column_field(RecommendationSession, "seen_rank"),
        "action": column_field(UserInteraction, "type"),
        "rating": column_field(UserInteraction, "rating"),
        "acted_at": column_field(UserInteraction, "occurred_at"),
    },
)

_NUMBER = """
SELECT session_id, MIN(line) AS line, COUNT(*) AS slots, ROW_NUMBER() OVER (ORDER BY MIN(place)) AS number
FROM heed_slots GROUP BY session_id
"""
_TOO_LONG = """
JOIN heed_lists ON heed_lists.session_id = staged.session_id AND heed_lists.line = staged.line
WHERE heed_lists.slots > %s ORDER BY heed_lists.number
"""
_BATCH_OF_LISTS = """
JOIN heed_lists ON heed_lists.session_id = staged.session_id
WHERE heed_lists.number > %s AND heed_lists.number <= %s AND heed_lists.slots <= %s
ORDER BY heed_lists.number, rank, place
"""

_TIES = fill(
    """
SELECT tied.*, ROW_NUMBER() OVER (ORDER BY user_id, item_id) AS number
FROM (
    SELECT {person.id} AS user_id, {item.id} AS item_id, staged.action, staged.acted_at, staged.session_id,
           staged.rank, staged.score, staged.method,
           ROW_NUMBER() OVER (
               PARTITION BY {person.id}, {item.id}, staged.action, staged.acted_at ORDER BY staged.place
           ) AS nth
    FROM heed_slots AS staged
    JOIN {person} ON {person.username} = staged.username
    JOIN {item} ON {item.kind} = staged.kind AND {item.external_id} = staged.external_id
    WHERE staged.action <> ''
) AS tied
WHERE nth = 1
""",
    person=Table(User, "person"),
    item=Table(Item, "item"),
)
# The log says of the list the same as the list's own row.
_TIE = fill(
    """
UPDATE {done}
SET {list} = tied.session_id, {source} = 'recommendation', {rank} = tied.rank, {score} = tied.score,
    {method} = tied.method
FROM heed_ties AS tied
WHERE tied.number > %s AND tied.number <= %s
  AND {done.user} = tied.user_id AND {done.item} = tied.item_id AND {done.type} = tied.action
  AND {done.occurred_at} = tied.acted_at AND {done.recommendation_session} IS NULL
""",
    done=Table(UserInteraction, "done"),
    list=column_names(UserInteraction, "recommendation_session"),
    source=column_names(UserInteraction, "recommendation_source"),
    rank=column_names(UserInteraction, "recommendation_rank"),
    score=column_names(UserInteraction, "recommendation_score"),
    method=column_names(UserInteraction, "recommendation_method"),
)


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """The outcome of the lists."""

    created: int
    unchanged: int
    left_out: int
    new_users: int


@dataclass(slots=True)
class SessionMerge:
    """The lists of one file on their way to the log. `broken` names those that are left out."""

    file: str
    staging: Staging[StagedSlot]
    bad_rows: BadRows
    broken: set[UUID] = field(default_factory=set)

    def run(self, interactions: Staging[StagedInteraction], slices: Slices) -> SessionCounts:
        """Writes the lists that are whole to the log, and stages what was done with them.

        Call it once. Each list that is none is one bad row. People who do not exist yet
        are created without a usable password. Raises ImportRefused when there are too many bad rows.
        """
        created = unchanged = new_users = 0
        for batch in self._batches():
            items = _find_items(batch)
            lists = self._whole_lists(batch, items)
            with slices.one():
                people, new = _find_people({rows[0].username for rows in lists.values()})
                fresh, same = self._record(lists, people, items)
            for session_id in (*fresh, *same):
                _stage_actions(lists[session_id], interactions)
            created, unchanged, new_users = created + len(fresh), unchanged + len(same), new_users + new
        self.bad_rows.check(good=created + unchanged)
        # Nothing may be tied to a list that is left out.
        self.staging.delete("session_id", self.broken)
        return SessionCounts(created, unchanged, len(self.broken), new_users)

    def leave_out(self, session_id: UUID | None, line: int, reason: str) -> None:
        """Notes a bad row, and that its list, where that can be known, is not whole."""
        self.bad_rows.add(self.file, line, reason)
        # Beyond what is allowed the run is refused, and which lists were left out no longer matters.
        if session_id is not None and self.bad_rows.count <= self.bad_rows.allowed:
            self.broken.add(session_id)

    def _batches(self) -> Iterator[list[StagedSlot]]:
        """The rows of BATCH lists at a time, list after list, by rank; of too long ones only a report."""
        self.staging.index("session_id")
        self.staging.derive("heed_lists", _NUMBER, index=["number"])
        ((count,),) = execute("SELECT COUNT(*) FROM heed_lists")
        for slot in self._read(_TOO_LONG, MAX_ROWS):
            self.leave_out(slot.session_id, slot.line, f"this list has more than {MAX_ROWS:,} rows")
        for start in range(0, count, BATCH):
            yield self._read(_BATCH_OF_LISTS, start, start + BATCH, MAX_ROWS)

    def _read(self, rest: str, *parameters: int) -> list[StagedSlot]:
        return [StagedSlot(*values) for values in self.staging.read(rest, parameters)]

    def _whole_lists(
        self, batch: Sequence[StagedSlot], items: Mapping[tuple[str, str], int]
    ) -> dict[UUID, list[StagedSlot]]:
        """The lists that can be recorded, with their rows."""
        lists = {}
        for session_id, group in groupby(batch, key=lambda slot: slot.session_id):
            rows = list(group)
            # Of a list that is broken already, the row that broke it is reported.
            if session_id not in self.broken:
                try:
                    check_list(rows, items)
                except BadSlot as error:
                    self.leave_out(session_id, error.line, str(error))
                else:
                    lists[session_id] = rows
        return lists

    def _record(
        self,
        lists: Mapping[UUID, list[StagedSlot]],
        people: Mapping[str, int],
        items: Mapping[tuple[str, str], int],
    ) -> tuple[list[UUID], list[UUID]]:
        """Writes the lists; returns the ids of those that are new, and of those that were there."""
        known = RecommendationSession.objects.defer("features").in_bulk(list(lists))
        fresh, same = [], []
        for session_id, rows in lists.items():
            session = as_session(rows, people[rows[0].username], items)
            if session_id not in known:
                fresh.append(session)
            elif is_same(known[session_id], session):
                same.append(session)
            else:
                reason = "this session is on record with another list"
                self.leave_out(session_id, rows[0].line, reason)
        RecommendationSession.objects.bulk_create(fresh, ignore_conflicts=True)
        deeper = [session for session in same if session.seen_rank > known[session.pk].seen_rank]
        RecommendationSession.objects.bulk_update(deeper, ["seen_rank"])
        return [session.pk for session in fresh], [session.pk for session in same]


def tie_interactions(slots: Staging[StagedSlot], slices: Slices) -> None:
    """Names the list and the slot in each interaction that came from a staged one, once both are written."""
    slots.derive("heed_ties", _TIES, index=["number"])
    ((count,),) = execute("SELECT COUNT(*) FROM heed_ties")
    size = count if slices.is_whole else TIES
    for start in range(0, count, max(1, size)):
        with slices.one():
            execute_write(_TIE, [start, start + size])


def _stage_actions(rows: Sequence[StagedSlot], interactions: Staging[StagedInteraction]) -> None:
    for row in rows:
        if row.acted_at is not None:
            interactions.add(
                StagedInteraction(
                    line=row.line,
                    username=row.username,
                    kind=row.kind,
                    external_id=row.external_id,
                    type=row.action,
                    rating=row.rating,
                    occurred_at=row.acted_at,
                )
            )


def _find_items(slots: Sequence[StagedSlot]) -> dict[tuple[str, str], int]:
    """The database id of each item by kind and external id."""
    wanted: dict[str, set[str]] = {}
    for slot in slots:
        wanted.setdefault(slot.kind, set()).add(slot.external_id)
    found: dict[tuple[str, str], int] = {}
    for kind, names in wanted.items():
        ordered = sorted(names)
        for start in range(0, len(ordered), _IN_LIST):
            part = ordered[start : start + _IN_LIST]
            rows = Item.objects.filter(kind=kind, external_id__in=part).values_list("external_id", "pk")
            found.update({(kind, name): item_id for name, item_id in rows})
    return found


def _find_people(names: set[str]) -> tuple[dict[str, int], int]:
    """The database id of each person, created where there is none, and how many were."""
    people = dict(User.objects.filter(username__in=names).values_list("username", "pk"))
    missing = sorted(names - people.keys())
    if missing:
        create_people(missing)
        people |= dict(User.objects.filter(username__in=missing).values_list("username", "pk"))
    return people, len(missing)
