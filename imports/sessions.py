"""Import of lists that were shown elsewhere, with what was done with them: CSV, JSON Lines or Parquet.

A row is one slot of one list, and one thing that was done with it. A slot with which two things were done has
two rows; one with which nothing was done has one.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from django.utils import timezone

from core.domain import USE_CASES
from core.progress import Progress
from core.values import (
    EXTERNAL_ID,
    HAPPENED,
    KIND,
    LIST_NAME,
    METHOD,
    PROPENSITY,
    RANK,
    SCORE,
    SEEN,
    TAKEN,
    TYPE,
    USE_CASE,
    BadValue,
    named,
    shown,
)
from imports.cells import Bindable, is_empty, optional, required, username
from imports.interaction_merge import merge_interactions
from imports.interaction_rows import parse_rating
from imports.reading import read_rows
from imports.rows import AS_IT_SHOWS, BadRow, BadRows, Columns, Notation, Row
from imports.session_lists import EXTERNAL, StagedSlot
from imports.session_merge import STAGED_SLOTS, SessionMerge, tie_interactions
from imports.slices import in_slices
from imports.staged_interactions import STAGED_INTERACTIONS
from imports.staging import open_staging
from interactions.popularity import refresh_popularity

SESSION_COLUMNS = Columns(
    known=frozenset(
        {
            "session",
            "user",
            "use_case",
            "shown_at",
            "item",
            "kind",
            "rank",
            "score",
            "method",
            "propensity",
            "seen",
            "action",
            "rating",
            "acted_at",
        }
    ),
    required=frozenset({"session", "user", "shown_at", "item", "rank"}),
    passed_over=frozenset({"base_score", "source", "model_version", "experiment_arm", "made_elsewhere"}),
)
# So that a list that is known elsewhere by another name than a UUID always gets the same one here.
NAMES = UUID("5d1c3a0e-2f0b-5c53-9a34-6f1d6d0f8f7a")
_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """The outcome of `import_sessions`.

    left_out   lists of which a row is bad, or whose rows do not make a list
    unchanged  lists that were on record already
    """

    rows: int
    created: int
    unchanged: int
    left_out: int
    interactions: int
    new_users: int
    bad_rows: int
    reports: tuple[BadRow, ...]


def import_sessions(
    *,
    path: Path,
    use_case: str,
    notation: Notation = AS_IT_SHOWS,
    max_errors: int = 0,
    accounts: Collection[str] = (),
    progress: Progress | None = None,
) -> SessionSummary:
    """Imports a CSV, JSON Lines or Parquet file of lists; `use_case` is that of rows that name none.

    `accounts` are the names of people who log in and to whom it may add.

    All or nothing, and the same file again changes nothing. A list enters whole or not at all: one with a bad
    row is left out. What was done is recorded as `import_interactions` does, and tied to its list.
    Raises BrokenFile, ImportRefused when more than `max_errors` rows are bad, and InvalidInput.
    """
    bad_rows = BadRows(allowed=max_errors)
    people = Bindable(accounts)
    progress = progress or Progress(quiet=True)
    now = timezone.now()
    rows = read_rows(path, columns=SESSION_COLUMNS, bad_rows=bad_rows, notation=notation)
    with open_staging(STAGED_SLOTS) as slots, open_staging(STAGED_INTERACTIONS) as interactions:
        merge = SessionMerge(path.name, slots, bad_rows)
        for row in rows:
            progress.advance()
            try:
                slot = parse_slot(row, default_use_case=use_case)
                people.check(slot.username)
                slots.add(slot)
            except BadValue as error:
                merge.leave_out(_session_of(row), row.number, str(error))
        usable = slots.count + bad_rows.count
        with in_slices() as slices:
            counts = merge.run(interactions, slices)
            good = counts.created + counts.unchanged
            done = merge_interactions(interactions, path.name, bad_rows, slices, good=good)
            tie_interactions(slots, slices)
            refresh_popularity(now=now)
    return SessionSummary(
        rows=usable,
        created=counts.created,
        unchanged=counts.unchanged,
        left_out=counts.left_out,
        interactions=done.created,
        new_users=counts.new_users,
        bad_rows=bad_rows.count,
        reports=tuple(bad_rows.reports),
    )


def session_uuid(name: str) -> UUID:
    """The id of a list here: `name` itself where it is a UUID, else one that follows from it (RFC 9562)."""
    return UUID(name) if _UUID.match(name) else uuid5(NAMES, name)


def parse_slot(row: Row, *, default_use_case: str) -> StagedSlot:
    """The checked values of one row. Raises BadValue."""
    values = row.values
    use_case = optional("use_case", USE_CASE, values.get("use_case")) or default_use_case
    kind = USE_CASES[use_case].kind
    if optional("kind", KIND, values.get("kind")) not in (None, kind):
        raise BadValue(f"kind must be {kind} in lists of {use_case}, not {shown(values['kind'])}")
    shown_at = required("shown_at", HAPPENED, values["shown_at"])
    action, rating, acted_at = _action(values, kind, shown_at)
    return StagedSlot(
        line=row.number,
        session_id=session_uuid(required("session", LIST_NAME, values["session"])),
        username=username(values),
        use_case=use_case,
        shown_at=shown_at,
        kind=kind,
        external_id=required("item", EXTERNAL_ID, values["item"]),
        rank=required("rank", RANK, values["rank"]),
        score=optional("score", SCORE, values.get("score")),
        method=optional("method", METHOD, values.get("method")) or EXTERNAL,
        propensity=optional("propensity", PROPENSITY, values.get("propensity")),
        seen=optional("seen", SEEN, values.get("seen")),
        action=action,
        rating=rating,
        acted_at=acted_at,
    )


def _action(
    values: Mapping[str, Any], kind: str, shown_at: datetime
) -> tuple[str, float | None, datetime | None]:
    """The act, its rating and when; an action without a time was done when the list was shown."""
    action = optional("action", TYPE, values.get("action"))
    if action is None:
        if not is_empty(values.get("rating")) or not is_empty(values.get("acted_at")):
            raise BadValue("rating and acted_at belong to an action, and there is none")
        return "", None, None
    named("action", TAKEN[kind], action)
    acted_at = optional("acted_at", HAPPENED, values.get("acted_at")) or shown_at
    if acted_at < shown_at:
        raise BadValue(f"acted_at is before the list was shown: {shown(values['acted_at'])}")
    return action, parse_rating(values, action), acted_at


def _session_of(row: Row) -> UUID | None:
    """The list that a bad row belongs to; None where that cannot be known."""
    try:
        return session_uuid(required("session", LIST_NAME, row.values["session"]))
    except BadValue:
        return None
