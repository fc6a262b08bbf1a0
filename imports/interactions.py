"""Import of interactions from CSV or JSON Lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.domain import DEFAULT_KIND
from core.progress import Progress
from core.values import HAPPENED, RATING, TAKEN, TYPE, BadValue, check_rated, named
from feedback.completion import complete_dislikes
from imports.cells import optional, required, username
from imports.interaction_merge import STAGED_INTERACTIONS, StagedInteraction, merge_interactions
from imports.items import check_kind, parse_key
from imports.reading import BadRow, BadRows, Columns, Row, format_of, read_rows
from imports.staging import open_staging
from interactions.popularity import refresh_popularity

INTERACTION_COLUMNS = Columns(
    known=frozenset({"user", "item", "kind", "type", "occurred_at", "rating"}),
    required=frozenset({"user", "item", "type", "occurred_at"}),
)


@dataclass(frozen=True, slots=True)
class InteractionSummary:
    """The outcome of `import_interactions`. `replaced`: active states that a newer row ended."""

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
    moment once. Of a state such as a like the first stands; of several ratings the newest is active.
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
                staging.add(parse_interaction(row, default_kind=kind))
            except BadValue as error:
                bad_rows.add(row.file, row.number, str(error))
        usable = staging.count + bad_rows.count
        with transaction.atomic():
            counts = merge_interactions(staging, path.name, bad_rows)
            complete_dislikes()
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


def parse_interaction(row: Row, *, default_kind: str) -> StagedInteraction:
    """The checked values of one row. Raises BadValue."""
    values = row.values
    key = parse_key(values, default_kind, column="item")
    type_name = required("type", TYPE, values["type"])
    named("type", TAKEN[key.kind], type_name)
    return StagedInteraction(
        line=row.number,
        username=username(values),
        kind=key.kind,
        external_id=key.external_id,
        type=type_name,
        rating=parse_rating(values, type_name),
        occurred_at=required("occurred_at", HAPPENED, values["occurred_at"]),
    )


def parse_rating(values: Mapping[str, Any], type_name: str) -> float | None:
    """The rating that goes with an interaction of this type, or None. Raises BadValue."""
    rating = optional("rating", RATING, values.get("rating"))
    if rating is not None:
        check_rated(type_name)
    return rating
