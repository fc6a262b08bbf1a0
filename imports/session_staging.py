"""A temporary table between a file of lists shown elsewhere and the session log.

The rows of a list may lie anywhere in the file, so they are staged first and then put together, a batch of
lists at a time, within one transaction. What was done with them takes the way of imported interactions.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import DatabaseError, connection
from django.db.models import DateTimeField, UUIDField

from accounts.models import User
from catalog.models import Item
from imports.interaction_staging import StagedInteraction, Staging
from imports.reading import BadRows
from imports.session_lists import BadSlot, StagedSlot, as_session, check_list, is_same
from recommendations.models import RecommendationSession

# A list has at most 500 slots; more rows than this are not what was done with one list.
MAX_ROWS = 2_000

_INSERT_ROWS = 1_000
_BATCH = 200
_IN_LIST = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Times are there twice: as a number, which reads the same from both databases, and as the log has them.
_CREATE = """
CREATE TEMPORARY TABLE heed_slots (
    place bigint, line bigint, session {uuid}, username varchar(150), use_case varchar(64), shown_us bigint,
    kind varchar(32), external_id varchar(200), rank integer, score double precision, method varchar(64),
    propensity double precision, seen integer, action varchar(32), rating double precision,
    acted_us bigint, acted_at {moment}
)
"""
_COLUMNS = 17
_ROW = f"({', '.join(['%s'] * _COLUMNS)})"
_INDEX = "CREATE INDEX heed_slots_index ON heed_slots (session)"
_NUMBER = """
CREATE TEMPORARY TABLE heed_lists AS
SELECT session, MIN(line) AS line, COUNT(*) AS slots, ROW_NUMBER() OVER (ORDER BY MIN(place)) AS number
FROM heed_slots GROUP BY session
"""
_INDEX_LISTS = "CREATE INDEX heed_lists_index ON heed_lists (number)"
_TOO_LONG = "SELECT session, line FROM heed_lists WHERE slots > %s ORDER BY number"
_COUNT_LISTS = "SELECT COUNT(*) FROM heed_lists"
_READ = """
SELECT staged.session, staged.line, username, use_case, shown_us, kind, external_id, rank, score, method,
       propensity, seen, action, rating, acted_us
FROM heed_lists JOIN heed_slots AS staged ON staged.session = heed_lists.session
WHERE heed_lists.number > %s AND heed_lists.number <= %s AND heed_lists.slots <= %s
ORDER BY heed_lists.number, rank, place
"""

# What the log says of the list is what the list's own row says.
_TIE = """
UPDATE user_interactions
SET recommendation_session_id = tied.session, recommendation_source = 'external',
    recommendation_rank = tied.rank, recommendation_score = tied.score, recommendation_method = tied.method
FROM (
    SELECT person.id AS user_id, item.id AS item_id, action, acted_at, session, rank, score, method,
           ROW_NUMBER() OVER (PARTITION BY person.id, item.id, action, acted_at ORDER BY place) AS nth
    FROM heed_slots AS staged
    JOIN accounts_user AS person ON person.username = staged.username
    JOIN catalog_item AS item ON item.kind = staged.kind AND item.external_id = staged.external_id
    WHERE action <> ''
) AS tied
WHERE nth = 1 AND user_interactions.user_id = tied.user_id AND user_interactions.item_id = tied.item_id
  AND user_interactions.type = tied.action AND user_interactions.occurred_at = tied.acted_at
  AND user_interactions.recommendation_session_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """What became of the lists."""

    created: int
    unchanged: int
    left_out: int
    new_users: int


class SessionStaging:
    """The open staging table of one file. `broken` names lists of which a row could not be staged."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.staged = 0
        self.broken: set[UUID] = set()
        self._pending: list[Any] = []

    def add(self, slot: StagedSlot) -> None:
        self.staged += 1
        acted_at = slot.acted_at
        self._pending += (
            self.staged,
            slot.line,
            _uuid_value(slot.session_id),
            slot.username,
            slot.use_case,
            (slot.shown_at - _EPOCH) // _MICROSECOND,
            slot.kind,
            slot.external_id,
            slot.rank,
            slot.score,
            slot.method,
            slot.propensity,
            slot.seen,
            slot.action,
            slot.rating,
            None if acted_at is None else (acted_at - _EPOCH) // _MICROSECOND,
            None if acted_at is None else connection.ops.adapt_datetimefield_value(acted_at),
        )
        if self.staged % _INSERT_ROWS == 0:
            self._flush()

    def merge(self, bad_rows: BadRows, interactions: Staging) -> SessionCounts:
        """Writes the lists that are whole to the log, and stages what was done with them.

        Call it within a transaction, once. Each list that is none is one bad row. People who do not exist yet
        are created without a usable password. Raises ImportRefused when there are too many bad rows.
        """
        self._flush()
        created = unchanged = new_users = 0
        for batch in self._batches(bad_rows):
            items = _find_items(batch)
            lists = self._whole_lists(batch, items, bad_rows)
            people, new = _find_people({rows[0].username for rows in lists.values()})
            fresh, same = self._record(lists, people, items, bad_rows)
            for session_id in (*fresh, *same):
                _stage_actions(lists[session_id], interactions)
            created, unchanged, new_users = created + len(fresh), unchanged + len(same), new_users + new
        bad_rows.check()
        self._forget_broken()
        return SessionCounts(created, unchanged, len(self.broken), new_users)

    def tie_interactions(self) -> None:
        """Names the list and the slot in each interaction that came from one, once both are written."""
        with connection.cursor() as cursor:
            cursor.execute(_TIE)

    def _flush(self) -> None:
        if not self._pending:
            return
        places = ", ".join([_ROW] * (len(self._pending) // _COLUMNS))
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO heed_slots VALUES {places}", self._pending)  # noqa: S608
        self._pending.clear()

    def _batches(self, bad_rows: BadRows) -> Iterator[list[StagedSlot]]:
        """The rows of _BATCH lists at a time, list after list, by rank; of too long ones only a report."""
        with connection.cursor() as cursor:
            for statement in (_INDEX, _NUMBER, _INDEX_LISTS, "ANALYZE heed_slots", "ANALYZE heed_lists"):
                cursor.execute(statement)
            cursor.execute(_COUNT_LISTS)
            (count,) = cursor.fetchone()
            cursor.execute(_TOO_LONG, [MAX_ROWS])
            for session, line in cursor.fetchall():
                self._leave_out(
                    _as_uuid(session), line, f"this list has more than {MAX_ROWS:,} rows", bad_rows
                )
        for start in range(0, count, _BATCH):
            with connection.cursor() as cursor:
                cursor.execute(_READ, [start, start + _BATCH, MAX_ROWS])
                rows = cursor.fetchall()
            yield [_as_slot(row) for row in rows]

    def _whole_lists(
        self, batch: Sequence[StagedSlot], items: Mapping[tuple[str, str], int], bad_rows: BadRows
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
                    self._leave_out(session_id, error.line, str(error), bad_rows)
                else:
                    lists[session_id] = rows
        return lists

    def _record(
        self,
        lists: Mapping[UUID, list[StagedSlot]],
        people: Mapping[str, int],
        items: Mapping[tuple[str, str], int],
        bad_rows: BadRows,
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
                self._leave_out(session_id, rows[0].line, reason, bad_rows)
        RecommendationSession.objects.bulk_create(fresh, ignore_conflicts=True)
        deeper = [session for session in same if session.seen_rank > known[session.pk].seen_rank]
        RecommendationSession.objects.bulk_update(deeper, ["seen_rank"])
        return [session.pk for session in fresh], [session.pk for session in same]

    def _leave_out(self, session_id: UUID, line: int, reason: str, bad_rows: BadRows) -> None:
        bad_rows.add(self.file, line, reason)
        # Beyond what is allowed the run is refused, and which lists were left out no longer matters.
        if bad_rows.count <= bad_rows.allowed:
            self.broken.add(session_id)

    def _forget_broken(self) -> None:
        """Drops the rows of lists that are left out, so that nothing is tied to them."""
        with connection.cursor() as cursor:
            cursor.executemany(
                "DELETE FROM heed_slots WHERE session = %s", [[_uuid_value(each)] for each in self.broken]
            )


@contextlib.contextmanager
def open_session_staging(file: str) -> Iterator[SessionStaging]:
    """An empty staging table for the rows of `file`, gone when the block ends."""
    uuid, moment = UUIDField().db_type(connection), DateTimeField().db_type(connection)
    _drop_tables()
    with connection.cursor() as cursor:
        cursor.execute(_CREATE.format(uuid=uuid, moment=moment))
    try:
        yield SessionStaging(file)
    finally:
        # A lost connection took the tables with it, and what lost it is the error to show.
        with contextlib.suppress(DatabaseError):
            _drop_tables()


def _drop_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS heed_slots")
        cursor.execute("DROP TABLE IF EXISTS heed_lists")


def _stage_actions(rows: Sequence[StagedSlot], interactions: Staging) -> None:
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
        new = [User(username=name, password=make_password(None)) for name in missing]
        User.objects.bulk_create(new, ignore_conflicts=True)
        people |= dict(User.objects.filter(username__in=missing).values_list("username", "pk"))
    return people, len(missing)


def _uuid_value(session_id: UUID) -> Any:
    return UUIDField().get_db_prep_value(session_id, connection)


def _as_uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _as_slot(row: tuple[Any, ...]) -> StagedSlot:
    """A row of _READ."""
    session, line, username, use_case, shown_us, kind, external_id, rank, score, method, *rest = row
    propensity, seen, action, rating, acted_us = rest
    return StagedSlot(
        line=line,
        session_id=_as_uuid(session),
        username=username,
        use_case=use_case,
        shown_at=_EPOCH + shown_us * _MICROSECOND,
        kind=kind,
        external_id=external_id,
        rank=rank,
        score=score,
        method=method,
        propensity=propensity,
        seen=seen,
        action=action,
        rating=rating,
        acted_at=None if acted_us is None else _EPOCH + acted_us * _MICROSECOND,
    )
