"""Import of interactions from CSV or JSON Lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.domain import DEFAULT_KIND, MAX_RATING, RATED, TYPES
from core.progress import Progress
from imports.checks import check_number, check_past_moment, check_text, shown
from imports.interaction_merge import STAGED_INTERACTIONS, StagedInteraction, merge_interactions
from imports.items import check_kind, parse_key
from imports.people import check_username
from imports.reading import BadRow, BadRows, BadValue, Columns, Row, format_of, read_rows
from imports.staging import open_staging
from interactions.popularity import refresh_popularity

INTERACTION_COLUMNS = Columns(
    known=frozenset({"user", "item", "kind", "type", "occurred_at", "rating"}),
    required=frozenset({"user", "item", "type", "occurred_at"}),
)


@dataclass(frozen=True, slots=True)
class InteractionSummary:
    """The outcome of `import_interactions`. `replaced`: live states that a newer row ended."""

    rows: int
    created: int
    replaced: int
    unchanged: int
    new_users: int
    bad_rows: int
    reports: tuple[BadRow, ...]


def import_interactions(
    *,
    path: Path,
    kind: str = DEFAULT_KIND,
    file_format: str | None = None,
    max_errors: int = 0,
    progress: Progress | None = None,
) -> InteractionSummary:
    """Imports a CSV or JSON Lines file of interactions; `kind` is that of items in rows that name none.

    All or nothing, and the same file again changes nothing: one person does one thing with one item at one
    moment once. Of a state such as a like the first stands; of several ratings the newest is live.
    Raises BrokenFile, ImportRefused when more than `max_errors` rows are bad, and InvalidInput.
    """
    check_kind(kind)
    bad_rows = BadRows(allowed=max_errors)
    progress = progress or Progress(quiet=True)
    now = timezone.now()
    rows = read_rows(
        path, file_format=format_of(path, file_format), columns=INTERACTION_COLUMNS, bad_rows=bad_rows
    )
    with open_staging(STAGED_INTERACTIONS) as staging:
        for row in rows:
            progress.advance()
            try:
                staging.add(parse_interaction(row, default_kind=kind, now=now))
            except BadValue as error:
                bad_rows.add(row.file, row.number, str(error))
        usable = staging.count + bad_rows.count
        with transaction.atomic():
            counts = merge_interactions(staging, path.name, bad_rows)
            refresh_popularity(now=now)
    return InteractionSummary(
        rows=usable,
        created=counts.created,
        replaced=counts.replaced,
        unchanged=counts.unchanged,
        new_users=counts.new_users,
        bad_rows=bad_rows.count,
        reports=tuple(bad_rows.reports),
    )


def parse_interaction(row: Row, *, default_kind: str, now: datetime) -> StagedInteraction:
    """The checked values of one row. Raises BadValue."""
    key = parse_key(row.values, default_kind, column="item")
    type_name = check_text("type", row.values["type"], max_length=32)
    if type_name not in TYPES:
        raise BadValue(f"type must be one of {', '.join(TYPES)}, not {shown(type_name)}")
    return StagedInteraction(
        line=row.number,
        username=check_username(row.values),
        kind=key.kind,
        external_id=key.external_id,
        type=type_name,
        rating=check_rating(row.values, type_name),
        occurred_at=check_past_moment("occurred_at", row.values["occurred_at"], now=now),
    )


def check_rating(values: Mapping[str, Any], type_name: str) -> float | None:
    """The rating, 0 to 10, that goes with an interaction of this type, or None. Raises BadValue."""
    rating = check_number("rating", values.get("rating"), low=0, high=MAX_RATING)
    if rating is not None and not TYPES[type_name].is_rated:
        raise BadValue(f"rating belongs to {' or '.join(RATED) or 'nothing'}, not to {type_name}")
    return rating
