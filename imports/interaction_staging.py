"""A temporary table between an import file and the log of interactions.

Rows are first staged as the file has them, which needs no lock and little memory. One short transaction then
resolves the names, checks every row against what is recorded, and merges by a handful of statements, the same
on SQLite and PostgreSQL. A killed run leaves nothing: a temporary table dies with its connection.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import DatabaseError, connection
from django.db.models import DateTimeField

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES
from core.statistics import refresh_statistics
from imports.reading import MAX_REPORTS, BadRows
from interactions.models import UserInteraction

_INSERT_ROWS = 1_000
_NEW_USERS = 2_000

# Which state a row of this type brings to an end, if it stood before. The other states, such as a like,
# are not renewed: a second one changes nothing.
_ENDS = {row.name: row.name for row in TYPES.values() if row.is_rated or row.undo} | {
    row.undo: row.name for row in TYPES.values() if row.undo
}

_CREATE = """
CREATE TEMPORARY TABLE heed_import (
    place bigint, line bigint, username varchar(150), kind varchar(32), external_id varchar(200),
    type varchar(32), is_state boolean, ends varchar(32), undo varchar(32),
    weight double precision, rating double precision, occurred_at {moment}
)
"""

_STAGED_COLUMNS = 12
_ROW = f"({', '.join(['%s'] * _STAGED_COLUMNS)})"

_UNKNOWN_ITEMS = """
FROM heed_import LEFT JOIN catalog_item AS item
  ON item.kind = heed_import.kind AND item.external_id = heed_import.external_id
WHERE item.id IS NULL
"""
_COUNT_UNKNOWN_ITEMS = "SELECT COUNT(DISTINCT line), COUNT(*)" + _UNKNOWN_ITEMS
_LIST_UNKNOWN_ITEMS = (
    "SELECT DISTINCT line, heed_import.kind, heed_import.external_id"
    + _UNKNOWN_ITEMS
    + "ORDER BY line LIMIT %s"
)

_NEW_USERNAMES = """
SELECT DISTINCT heed_import.username
FROM heed_import
JOIN catalog_item AS item
  ON item.kind = heed_import.kind AND item.external_id = heed_import.external_id
LEFT JOIN accounts_user AS person ON person.username = heed_import.username
WHERE person.id IS NULL
ORDER BY heed_import.username
LIMIT %s
"""

# The lock that `accounts.services.lock_person` takes, for everyone in the file, always in one order.
_LOCK_PEOPLE = """
SELECT COUNT(*) FROM (
    SELECT id FROM accounts_user WHERE username IN (SELECT username FROM heed_import)
    ORDER BY id FOR NO KEY UPDATE
) AS locked
"""

# The staged rows by database id: each moment once, and only those that the log does not hold yet.
_RESOLVE = """
CREATE TEMPORARY TABLE heed_import_new AS
SELECT user_id, item_id, type, is_state, ends, undo, weight, rating, occurred_at, place
FROM (
    SELECT staged.*, person.id AS user_id, item.id AS item_id, ROW_NUMBER() OVER (
        PARTITION BY person.id, item.id, staged.type, staged.occurred_at ORDER BY staged.place
    ) AS nth
    FROM heed_import AS staged
    JOIN accounts_user AS person ON person.username = staged.username
    JOIN catalog_item AS item ON item.kind = staged.kind AND item.external_id = staged.external_id
) AS resolved
WHERE nth = 1 AND NOT EXISTS (
    SELECT 1 FROM user_interactions AS known
    WHERE known.user_id = resolved.user_id AND known.item_id = resolved.item_id
      AND known.type = resolved.type AND known.occurred_at = resolved.occurred_at
)
"""
_INDEX = "CREATE INDEX heed_import_new_index ON heed_import_new (user_id, item_id, ends, occurred_at)"

# A state that can be renewed (a rating) stands until the next row that ends it.
_END_OLDER_STATES = """
UPDATE user_interactions SET withdrawn_at = newer.occurred_at
FROM (
    SELECT live.id AS id, MIN(fresh.occurred_at) AS occurred_at
    FROM heed_import_new AS fresh
    JOIN user_interactions AS live
      ON live.user_id = fresh.user_id AND live.item_id = fresh.item_id AND live.type = fresh.ends
     AND live.withdrawn_at IS NULL AND live.occurred_at < fresh.occurred_at
    GROUP BY live.id
) AS newer
WHERE user_interactions.id = newer.id
"""

# Events all enter. Of a state (a like) the first does, unless it stands already or was taken back later.
_INSERT_EVENTS_AND_STATES = """
INSERT INTO user_interactions (
    user_id, item_id, type, is_state, weight, rating, occurred_at,
    recommendation_source, recommendation_method
)
SELECT user_id, item_id, type, is_state, weight, rating, occurred_at, '', ''
FROM (
    SELECT fresh.*, ROW_NUMBER() OVER (
        PARTITION BY user_id, item_id, type, CASE WHEN is_state THEN 0 ELSE place END
        ORDER BY occurred_at, place
    ) AS nth
    FROM heed_import_new AS fresh
    WHERE (ends IS NULL OR ends <> type) AND NOT EXISTS (
        SELECT 1 FROM user_interactions AS known
        WHERE fresh.is_state AND known.user_id = fresh.user_id AND known.item_id = fresh.item_id
          AND known.type = fresh.type
          AND (known.withdrawn_at IS NULL OR known.withdrawn_at > fresh.occurred_at)
    )
) AS candidate
WHERE nth = 1
ON CONFLICT DO NOTHING
"""

_INSERT_RENEWED_STATES = """
INSERT INTO user_interactions (
    user_id, item_id, type, is_state, weight, rating, occurred_at, withdrawn_at,
    recommendation_source, recommendation_method
)
SELECT user_id, item_id, type, is_state, weight, rating, occurred_at,
       COALESCE(
           (SELECT MIN(later.occurred_at) FROM heed_import_new AS later
            WHERE later.user_id = fresh.user_id AND later.item_id = fresh.item_id
              AND later.ends = fresh.type AND later.occurred_at > fresh.occurred_at),
           (SELECT MIN(COALESCE(known.withdrawn_at, known.occurred_at)) FROM user_interactions AS known
            WHERE known.user_id = fresh.user_id AND known.item_id = fresh.item_id
              AND (known.type = fresh.type OR known.type = fresh.undo)
              AND COALESCE(known.withdrawn_at, known.occurred_at) > fresh.occurred_at)
       ), '', ''
FROM heed_import_new AS fresh
WHERE ends = type
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class StagedInteraction:
    """One interaction as a file names it: person and item by their names outside this database."""

    line: int
    username: str
    kind: str
    external_id: str
    type: str
    rating: float | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """What became of the staged interactions. `replaced`: live states that a newer row ended."""

    created: int
    replaced: int
    unchanged: int
    new_users: int


class Staging:
    """The open staging table of one file. `staged` counts the interactions added so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.staged = 0
        self._pending: list[Any] = []

    def add(self, interaction: StagedInteraction) -> None:
        self.staged += 1
        self._pending += (
            self.staged,
            interaction.line,
            interaction.username,
            interaction.kind,
            interaction.external_id,
            interaction.type,
            TYPES[interaction.type].is_state,
            _ENDS.get(interaction.type),
            TYPES[interaction.type].undo,
            TYPES[interaction.type].training_weight(interaction.rating),
            interaction.rating,
            connection.ops.adapt_datetimefield_value(interaction.occurred_at),
        )
        if self.staged % _INSERT_ROWS == 0:
            self._flush()

    def merge(self, bad_rows: BadRows) -> MergeCounts:
        """Writes what was staged to the log; call it within a transaction, once.

        Rows of items that do not exist are noted in `bad_rows`, and when that makes too many of them
        ImportRefused is raised. People who do not exist yet are created without a usable password.
        """
        self._flush()
        refresh_statistics(Item, User)
        with connection.cursor() as cursor:
            usable = self.staged - self._report_unknown_items(cursor, bad_rows)
            bad_rows.check()
            new_users = _create_users(cursor)
            refresh_statistics(User, UserInteraction)
            if connection.features.has_select_for_no_key_update:
                cursor.execute(_LOCK_PEOPLE)
            cursor.execute(_RESOLVE)
            cursor.execute(_INDEX)
            cursor.execute("ANALYZE heed_import_new")
            cursor.execute(_END_OLDER_STATES)
            replaced = cursor.rowcount
            cursor.execute(_INSERT_EVENTS_AND_STATES)
            created = cursor.rowcount
            cursor.execute(_INSERT_RENEWED_STATES)
            created += cursor.rowcount
            refresh_statistics(UserInteraction)
        return MergeCounts(created, replaced, usable - created, new_users)

    def _flush(self) -> None:
        if not self._pending:
            return
        rows = len(self._pending) // _STAGED_COLUMNS
        places = ", ".join([_ROW] * rows)
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO heed_import VALUES {places}", self._pending)  # noqa: S608
        self._pending.clear()

    def _report_unknown_items(self, cursor: Any, bad_rows: BadRows) -> int:
        """Notes the lines whose item does not exist; returns how many interactions they hold."""
        cursor.execute("ANALYZE heed_import")
        cursor.execute(_COUNT_UNKNOWN_ITEMS)
        lines, interactions = cursor.fetchone()
        cursor.execute(_LIST_UNKNOWN_ITEMS, [MAX_REPORTS])
        listed = cursor.fetchall()
        for line, kind, external_id in listed:
            bad_rows.add(self.file, line, f"there is no {kind} {external_id!r}; import the items first")
        bad_rows.count += lines - len(listed)
        return int(interactions)


@contextlib.contextmanager
def open_staging(file: str) -> Iterator[Staging]:
    """An empty staging table for the rows of `file`, gone when the block ends."""
    moment = DateTimeField().db_type(connection)
    _drop_tables()
    with connection.cursor() as cursor:
        cursor.execute(_CREATE.format(moment=moment))
    try:
        yield Staging(file)
    finally:
        # A lost connection took the tables with it, and what lost it is the error to show.
        with contextlib.suppress(DatabaseError):
            _drop_tables()


def _drop_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS heed_import")
        cursor.execute("DROP TABLE IF EXISTS heed_import_new")


def _create_users(cursor: Any) -> int:
    created = 0
    while True:
        cursor.execute(_NEW_USERNAMES, [_NEW_USERS])
        names = [name for (name,) in cursor.fetchall()]
        if not names:
            return created
        people = [User(username=name, password=make_password(None)) for name in names]
        User.objects.bulk_create(people, ignore_conflicts=True)
        created += len(names)
