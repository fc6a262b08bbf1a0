"""From staged interactions to the log: names become ids, and rows meet what is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import BigIntegerField

from accounts.models import User
from accounts.services import create_people
from catalog.models import Item
from core.domain import REASONS, TYPES
from core.sql import Table, column_field, column_names, fill, table_name
from core.statistics import refresh_statistics
from feedback.completion import complete_dislikes
from imports.reading import MAX_REPORTS, BadRows
from imports.said import NOTHING, STAGED_SAID, Said, report_unknown_facets, write_said
from imports.slices import Slices
from imports.staging import Staging, StagingTable, execute, execute_write
from imports.unknown import unknown_item
from interactions.models import UserInteraction
from interactions.ratings import weigh_ratings

NEW_USERS = 2_000
# So many pairs of a person and an item, or new people, enter in one slice, or so many are looked at anew.
PAIRS = 500
PEOPLE_AT_ONCE = 20
_ALL = 1 << 62

# The state that a row of this type brings to an end, if it stood before. The other states, such as a like,
# are not renewed: a second one changes nothing.
_ENDS = {row.name: row.name for row in TYPES.values() if row.is_rated or row.undo} | {
    row.undo: row.name for row in TYPES.values() if row.undo
}


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
    withdrawn_at: datetime | None = None
    said: Said = NOTHING

    @property
    def is_state(self) -> bool:
        return TYPES[self.type].is_state

    @property
    def ends(self) -> str | None:
        """The type of the state that it brings to an end."""
        return _ENDS.get(self.type)

    @property
    def undo(self) -> str | None:
        """The type that takes it back, where there is one."""
        return TYPES[self.type].undo

    @property
    def weight(self) -> float:
        weight = TYPES[self.type].training_weight(self.rating)
        return weight if self.reason is None else weight * REASONS[self.reason].weight

    @property
    def reason(self) -> str | None:
        return self.said.reason

    @property
    def feedback_text(self) -> str | None:
        return self.said.feedback_text

    @property
    def about_kind(self) -> str | None:
        return self.said.about_kind

    @property
    def about_name(self) -> str | None:
        return self.said.about_name

    @property
    def title_only(self) -> bool | None:
        return self.said.title_only


STAGED_INTERACTIONS: StagingTable[StagedInteraction] = StagingTable(
    name="heed_interactions",
    columns={
        "line": BigIntegerField(),
        "username": column_field(User, "username"),
        "kind": column_field(Item, "kind"),
        "external_id": column_field(Item, "external_id"),
        "type": column_field(UserInteraction, "type"),
        "is_state": column_field(UserInteraction, "is_state"),
        "ends": column_field(UserInteraction, "type"),
        "undo": column_field(UserInteraction, "type"),
        "weight": column_field(UserInteraction, "weight"),
        "rating": column_field(UserInteraction, "rating"),
        "occurred_at": column_field(UserInteraction, "occurred_at"),
        "withdrawn_at": column_field(UserInteraction, "withdrawn_at"),
        **STAGED_SAID,
    },
)

_TABLES: dict[str, Table | str] = {
    "staged": "heed_interactions",
    "new": "heed_new_interactions",
    "item": Table(Item, "item"),
    "person": Table(User, "person"),
    "known": Table(UserInteraction, "known"),
    "active": Table(UserInteraction, "active"),
    "ended": Table(UserInteraction, "ended"),
    "withdrawn_at": column_names(UserInteraction, "withdrawn_at"),
    "log": table_name(UserInteraction),
    "values": column_names(
        UserInteraction, "user", "item", "type", "is_state", "weight", "rating", "occurred_at"
    ),
    "origin": column_names(UserInteraction, "recommendation_source", "recommendation_method"),
}

_UNKNOWN_ITEMS = """
FROM {staged} AS staged
LEFT JOIN {item} ON {item.kind} = staged.kind AND {item.external_id} = staged.external_id
WHERE {item.id} IS NULL
"""
_COUNT_UNKNOWN_ITEMS = fill("SELECT COUNT(DISTINCT line), COUNT(*)" + _UNKNOWN_ITEMS, **_TABLES)
_LIST_UNKNOWN_ITEMS = fill(
    "SELECT DISTINCT line, staged.kind, staged.external_id" + _UNKNOWN_ITEMS + "ORDER BY line LIMIT %s",
    **_TABLES,
)

_NEW_USERNAMES = fill(
    """
SELECT DISTINCT staged.username
FROM {staged} AS staged
JOIN {item} ON {item.kind} = staged.kind AND {item.external_id} = staged.external_id
LEFT JOIN {person} ON {person.username} = staged.username
WHERE {person.id} IS NULL
ORDER BY staged.username
LIMIT %s
""",
    **_TABLES,
)

# The lock that `accounts.services.lock_person` takes, for everyone in the file, always in one order.
_LOCK_PEOPLE = fill(
    """
SELECT COUNT(*) FROM (
    SELECT {person.id} FROM {person} WHERE {person.username} IN (SELECT username FROM {staged})
    ORDER BY {person.id} FOR NO KEY UPDATE
) AS locked
""",
    **_TABLES,
)

# The staged rows by database id: each moment once, and only those that the log does not hold yet.
_RESOLVE = fill(
    """
SELECT user_id, item_id, type, is_state, ends, undo, weight, rating, occurred_at, withdrawn_at, place,
       reason, feedback_text, about_kind, about_name, title_only,
       (DENSE_RANK() OVER (ORDER BY user_id, item_id) - 1) / {{pairs}} AS part
FROM (
    SELECT staged.*, {person.id} AS user_id, {item.id} AS item_id, ROW_NUMBER() OVER (
        PARTITION BY {person.id}, {item.id}, staged.type, staged.occurred_at ORDER BY staged.place
    ) AS nth
    FROM {staged} AS staged
    JOIN {person} ON {person.username} = staged.username
    JOIN {item} ON {item.kind} = staged.kind AND {item.external_id} = staged.external_id
) AS resolved
WHERE nth = 1 AND NOT EXISTS (
    SELECT 1 FROM {known}
    WHERE {known.user} = resolved.user_id AND {known.item} = resolved.item_id
      AND {known.type} = resolved.type AND {known.occurred_at} = resolved.occurred_at
)
""",
    **_TABLES,
)

# A state that can be renewed (a rating) stands until the next row that ends it.
_END_OLDER_STATES = fill(
    """
UPDATE {ended} SET {withdrawn_at} = newer.occurred_at
FROM (
    SELECT {active.id} AS id, MIN(fresh.occurred_at) AS occurred_at
    FROM {new} AS fresh
    JOIN {active}
      ON {active.user} = fresh.user_id AND {active.item} = fresh.item_id AND {active.type} = fresh.ends
     AND {active.withdrawn_at} IS NULL AND {active.occurred_at} < fresh.occurred_at
    WHERE fresh.part = %s
    GROUP BY {active.id}
) AS newer
WHERE {ended.id} = newer.id
""",
    **_TABLES,
)

# A state of which the file says when it ended stands beside all others.
_INSERT_ENDED_STATES = fill(
    """
INSERT INTO {log} ({values}, {withdrawn_at}, {origin})
SELECT user_id, item_id, type, is_state, weight, rating, occurred_at, fresh.withdrawn_at, '', ''
FROM {new} AS fresh
WHERE fresh.part = %s AND fresh.withdrawn_at IS NOT NULL
ON CONFLICT DO NOTHING
""",
    **_TABLES,
)

# Events all enter. Of a state (a like) the first does, unless it stands already or was taken back later.
_INSERT_EVENTS_AND_STATES = fill(
    """
INSERT INTO {log} ({values}, {origin})
SELECT user_id, item_id, type, is_state, weight, rating, occurred_at, '', ''
FROM (
    SELECT fresh.*, ROW_NUMBER() OVER (
        PARTITION BY user_id, item_id, type, CASE WHEN is_state THEN 0 ELSE place END
        ORDER BY occurred_at, place
    ) AS nth
    FROM {new} AS fresh
    WHERE fresh.part = %s AND fresh.withdrawn_at IS NULL AND (ends IS NULL OR ends <> type) AND NOT EXISTS (
        SELECT 1 FROM {known}
        WHERE fresh.is_state AND {known.user} = fresh.user_id AND {known.item} = fresh.item_id
          AND {known.type} = fresh.type
          AND ({known.withdrawn_at} IS NULL OR {known.withdrawn_at} > fresh.occurred_at)
    )
) AS candidate
WHERE nth = 1
ON CONFLICT DO NOTHING
""",
    **_TABLES,
)

_PARTS = fill("SELECT COALESCE(MAX(part) + 1, 0) FROM {new}", **_TABLES)
_PEOPLE = fill("SELECT DISTINCT user_id FROM {new} ORDER BY user_id", **_TABLES)

_INSERT_RENEWED_STATES = fill(
    """
INSERT INTO {log} ({values}, {withdrawn_at}, {origin})
SELECT user_id, item_id, type, is_state, weight, rating, occurred_at,
       COALESCE(
           (SELECT MIN(later.occurred_at) FROM {new} AS later
            WHERE later.part = fresh.part AND later.user_id = fresh.user_id AND later.item_id = fresh.item_id
              AND later.ends = fresh.type AND later.occurred_at > fresh.occurred_at),
           (SELECT MIN(COALESCE({known.withdrawn_at}, {known.occurred_at})) FROM {known}
            WHERE {known.user} = fresh.user_id AND {known.item} = fresh.item_id
              AND ({known.type} = fresh.type OR {known.type} = fresh.undo)
              AND COALESCE({known.withdrawn_at}, {known.occurred_at}) > fresh.occurred_at)
       ), '', ''
FROM {new} AS fresh
WHERE fresh.part = %s AND ends = type AND fresh.withdrawn_at IS NULL
ON CONFLICT DO NOTHING
""",
    **_TABLES,
)


@dataclass(frozen=True, slots=True)
class MergeCounts:
    """The outcome of the staged interactions. `replaced`: active states that a newer row ended."""

    created: int
    replaced: int
    unchanged: int
    new_users: int


def merge_interactions(
    staging: Staging[StagedInteraction], file: str, bad_rows: BadRows, slices: Slices, *, good: int = 0
) -> MergeCounts:
    """Writes what was staged of `file` to the log, and the rows beside dislikes; call it once.

    `good` is how many rows of other sorts the file has. Rows of items that do not exist are noted in
    `bad_rows`, and where those are too many, or none is good, ImportRefused is raised. Unknown people
    are created without a usable password.
    """
    staging.analyze()
    refresh_statistics(Item, User)
    usable = staging.count - _report_unknown_items(file, bad_rows) - report_unknown_facets(file, bad_rows)
    bad_rows.check(good=good + usable)
    new_users = _create_people(slices)
    refresh_statistics(User, UserInteraction)
    if connection.features.has_select_for_no_key_update:
        execute(_LOCK_PEOPLE)
    staging.derive(
        "heed_new_interactions",
        _RESOLVE.format(pairs=_ALL if slices.is_whole else PAIRS),
        index=("part", "user_id", "item_id", "ends", "occurred_at"),
    )
    ((parts,),) = execute(_PARTS)
    created = replaced = 0
    for part in range(parts):
        with slices.one():
            replaced += execute_write(_END_OLDER_STATES, [part])
            created += sum(
                execute_write(statement, [part])
                for statement in (_INSERT_ENDED_STATES, _INSERT_EVENTS_AND_STATES, _INSERT_RENEWED_STATES)
            )
    refresh_statistics(UserInteraction)
    for part in range(parts):
        with slices.one():
            write_said(part)
    _follow([user_id for (user_id,) in execute(_PEOPLE)], slices)
    return MergeCounts(created, replaced, usable - created, new_users)


def _follow(people: Sequence[int], slices: Slices) -> None:
    """Writes what follows from the log for people to whom something was added."""
    if slices.is_whole:
        weigh_ratings(people)
        complete_dislikes()
        return
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        some = people[start : start + PEOPLE_AT_ONCE]
        with slices.one():
            weigh_ratings(some)
        with slices.one():
            complete_dislikes(user_ids=some, is_import=True)


def _report_unknown_items(file: str, bad_rows: BadRows) -> int:
    """Notes the lines whose item does not exist; returns how many interactions they hold."""
    ((lines, interactions),) = execute(_COUNT_UNKNOWN_ITEMS)
    listed = execute(_LIST_UNKNOWN_ITEMS, [MAX_REPORTS])
    for line, kind, external_id in listed:
        bad_rows.add(file, line, unknown_item(kind, external_id))
    bad_rows.count += lines - len(listed)
    return int(interactions)


def _create_people(slices: Slices) -> int:
    """Creates the people whom the log does not know yet; returns how many."""
    created, most = 0, NEW_USERS if slices.is_whole else PAIRS
    while names := [name for (name,) in execute(_NEW_USERNAMES, [most])]:
        with slices.one():
            create_people(names)
        created += len(names)
    return created
