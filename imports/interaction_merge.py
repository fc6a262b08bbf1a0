"""From staged interactions to the log: names become ids, and rows meet what is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from accounts.models import User
from accounts.services import create_people
from catalog.models import Item
from core.domain import TYPES
from core.sql import Table, column_names, fill, table_name
from core.statistics import refresh_statistics
from feedback.completion import complete_dislikes
from imports.rows import MAX_REPORTS, BadRows
from imports.said import report_unknown_facets, write_said
from imports.slices import Slices
from imports.staged_interactions import ENDS, StagedInteraction
from imports.staging import Staging, execute, execute_write
from imports.unknown import unknown_item
from interactions.models import UserInteraction
from interactions.ratings import weigh_ratings, weighed_ratings

NEW_USERS = 2_000
# So many pairs of a person and an item, or new people, enter in one slice, or so many are looked at anew.
PAIRS = 500
PEOPLE_AT_ONCE = 20


def _quoted(name: str | None) -> str:
    return "NULL" if name is None else f"'{name}'"


# What follows from the type of an interaction, as rows.
_FACTS = " UNION ALL ".join(
    f"SELECT '{row.name}' AS type, {str(row.is_state).upper()} AS is_state, "
    f"{_quoted(ENDS.get(row.name))} AS ends, {_quoted(row.undo)} AS undo"
    for row in TYPES.values()
)

_TABLES: dict[str, Table | str] = {
    "types": _FACTS,
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

_NEW_PEOPLE = fill(
    """
SELECT ROW_NUMBER() OVER (ORDER BY username) AS number, username
FROM (
    SELECT DISTINCT staged.username
    FROM {staged} AS staged
    JOIN {item} ON {item.kind} = staged.kind AND {item.external_id} = staged.external_id
    WHERE NOT EXISTS (SELECT 1 FROM {person} WHERE {person.username} = staged.username)
) AS named
""",
    **_TABLES,
)
_COUNT_NEW_PEOPLE = "SELECT COUNT(*) FROM heed_new_people"
_LIST_NEW_PEOPLE = "SELECT username FROM heed_new_people WHERE number > %s AND number <= %s ORDER BY number"

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
SELECT user_id, item_id, type, is_state, ends, undo, weight, rating, occurred_at, withdrawn_at, line,
       reason, feedback_text, about_kind, about_name, title_only,
       {{part}} AS part
FROM (
    SELECT staged.*, {person.id} AS user_id, {item.id} AS item_id, is_state, ends, undo, ROW_NUMBER() OVER (
        PARTITION BY {person.id}, {item.id}, staged.type, staged.occurred_at ORDER BY staged.line
    ) AS nth
    FROM {staged} AS staged
    JOIN ({types}) AS known_type ON known_type.type = staged.type
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
{{on_conflict}}
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
        PARTITION BY user_id, item_id, type, CASE WHEN is_state THEN 0 ELSE line END
        ORDER BY occurred_at, line
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
{{on_conflict}}
""",
    **_TABLES,
)

_PARTS = fill("SELECT COALESCE(MAX(part) + 1, 0) FROM {new}", **_TABLES)
_PEOPLE = fill("SELECT DISTINCT user_id FROM {new} ORDER BY user_id", **_TABLES)
_PEOPLE_WITH_RATINGS = fill(
    """
SELECT user_id FROM (SELECT DISTINCT user_id FROM {new}) AS people
WHERE EXISTS (
    SELECT 1 FROM {known}
    WHERE {known.user} = people.user_id AND {known.rating} IS NOT NULL AND {known.withdrawn_at} IS NULL
)
ORDER BY user_id
""",
    **_TABLES,
)

# Written out as a table, so that the planner looks for the end of each once.
_RENEWED_STATES = fill(
    """
WITH fresh AS (
    SELECT ending.*, MIN(occurred_at) OVER (
        PARTITION BY user_id, item_id, ends ORDER BY occurred_at
        GROUPS BETWEEN 1 FOLLOWING AND 1 FOLLOWING
    ) AS next_end
    FROM {new} AS ending
    WHERE ending.part = %s AND ends IS NOT NULL
), renewed AS MATERIALIZED (
    SELECT fresh.*, COALESCE(next_end, (
        SELECT MIN(COALESCE({known.withdrawn_at}, {known.occurred_at})) FROM {known}
        WHERE {known.user} = fresh.user_id AND {known.item} = fresh.item_id
          AND ({known.type} = fresh.type OR {known.type} = fresh.undo)
          AND COALESCE({known.withdrawn_at}, {known.occurred_at}) > fresh.occurred_at
    )) AS ended_at
    FROM fresh
    WHERE ends = type AND withdrawn_at IS NULL
)
SELECT renewed.*, CASE WHEN ended_at IS NULL THEN rating END AS counted FROM renewed
""",
    **_TABLES,
)
# Weighed against the other ratings of the file: to whoever had rated before, `weigh_ratings` comes once more.
_INSERT_RENEWED_STATES = fill(
    """
INSERT INTO {log} ({values}, {withdrawn_at}, {origin})
SELECT user_id, item_id, type, is_state, COALESCE(own_weight, weight), rating, occurred_at, ended_at, '', ''
FROM ({weighed}) AS weighed
WHERE TRUE
{{on_conflict}}
""",
    weighed=weighed_ratings(_RENEWED_STATES),
    **_TABLES,
)
_INSERTS = (_INSERT_ENDED_STATES, _INSERT_EVENTS_AND_STATES, _INSERT_RENEWED_STATES)


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
    new_users = _create_people(staging, slices)
    refresh_statistics(User, UserInteraction)
    if connection.features.has_select_for_no_key_update:
        execute(_LOCK_PEOPLE)
    staging.derive(
        "heed_new_interactions",
        _RESOLVE.format(part=_part(slices)),
        index=("part", "user_id", "item_id"),
    )
    ((parts,),) = execute(_PARTS)
    # Between two slices others write, and all of the file is not there yet: then everybody is weighed anew.
    people = [user_id for (user_id,) in execute(_PEOPLE_WITH_RATINGS if slices.is_whole else _PEOPLE)]
    # Within one transaction, who holds the locks of the people is the only one to write of them.
    on_conflict = "" if slices.is_whole else "ON CONFLICT DO NOTHING"
    inserts = [statement.format(on_conflict=on_conflict) for statement in _INSERTS]
    created = replaced = 0
    for part in range(parts):
        with slices.one():
            replaced += execute_write(_END_OLDER_STATES, [part])
            created += sum(execute_write(statement, [part]) for statement in inserts)
    refresh_statistics(UserInteraction)
    for part in range(parts):
        with slices.one():
            write_said(part)
    _follow(people, slices)
    return MergeCounts(created, replaced, usable - created, new_users)


def _part(slices: Slices) -> str:
    """The SQL of the slice that a row enters in."""
    return "0" if slices.is_whole else f"(DENSE_RANK() OVER (ORDER BY user_id, item_id) - 1) / {PAIRS}"


def _follow(people: Sequence[int], slices: Slices) -> None:
    """Writes what follows from the log: the weights of these people's ratings, and the file's dislikes."""
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
    if not lines:
        return 0
    listed = execute(_LIST_UNKNOWN_ITEMS, [MAX_REPORTS])
    for line, kind, external_id in listed:
        bad_rows.add(file, line, unknown_item(kind, external_id))
    bad_rows.count += lines - len(listed)
    return int(interactions)


def _create_people(staging: Staging[StagedInteraction], slices: Slices) -> int:
    """Creates the people whom the log does not know yet; returns how many."""
    staging.derive("heed_new_people", _NEW_PEOPLE, index=["number"])
    ((count,),) = execute(_COUNT_NEW_PEOPLE)
    size = NEW_USERS if slices.is_whole else PAIRS
    for start in range(0, count, size):
        names = [name for (name,) in execute(_LIST_NEW_PEOPLE, [start, start + size])]
        with slices.one():
            create_people(names)
    return int(count)
