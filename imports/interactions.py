"""Import of interactions from CSV, JSON Lines or Parquet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils import timezone

from core.domain import DEFAULT_KIND, MAX_RATING, TYPES, USE_CASES
from core.progress import Progress
from core.values import (
    EXTERNAL_ID,
    HAPPENED,
    KIND,
    RATING,
    TAKEN,
    TYPE,
    BadValue,
    Number,
    check_rated,
    named,
    shown,
)
from imports.cells import Bindable, optional, remembered, required, username
from imports.interaction_merge import STAGED_INTERACTIONS, StagedInteraction, merge_interactions
from imports.items import kind_named
from imports.reading import AS_IT_SHOWS, BadRow, BadRows, Columns, Notation, Row, read_rows
from imports.said import SAID_COLUMNS, parse_said
from imports.slices import in_slices
from imports.staging import open_staging
from interactions.popularity import refresh_popularity

INTERACTION_COLUMNS = Columns(
    known=frozenset({"user", "item", "kind", "type", "occurred_at", "rating", "withdrawn_at", *SAID_COLUMNS}),
    required=frozenset({"user", "item", "type", "occurred_at"}),
)


@dataclass(frozen=True, slots=True)
class RatingScale:
    """The ratings of a file: from `low` to `high`, and the number that says that there is none."""

    low: float = 0.0
    high: float = MAX_RATING
    unrated: float | None = None

    def read(self, value: object) -> float | None:
        """A cell as a rating of 0 to 10, the middle of the scale as 5; None where there is none.

        Raises BadValue.
        """
        written = RATING.read(value.strip() if isinstance(value, str) else value)
        if self.unrated is not None and written == self.unrated:
            return None
        rating = optional("rating", Number(self.low, self.high), value)
        if rating is None or (self.low, self.high) == (0.0, MAX_RATING):
            return rating
        return (rating - self.low) / (self.high - self.low) * MAX_RATING


OUR_SCALE = RatingScale()


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
    notation: Notation = AS_IT_SHOWS,
    scale: RatingScale = OUR_SCALE,
    max_errors: int = 0,
    accounts: Collection[str] = (),
    progress: Progress | None = None,
) -> InteractionSummary:
    """Imports a file of interactions; `kind` is that of items in rows that name none.

    `scale` is that of its ratings; `accounts` are the names of people who log in and to whom it may add.

    All or nothing, and the same file again changes nothing: one person does one thing with one item at one
    moment once. Of a state such as a like the first stands; of several ratings the newest is active.
    Raises BrokenFile, ImportRefused when more than `max_errors` rows are bad, and InvalidInput.
    """
    kind = kind_named(kind)
    bad_rows = BadRows(allowed=max_errors)
    people = Bindable(accounts)
    progress = progress or Progress(quiet=True)
    now = timezone.now()
    kinds = set()
    rows = read_rows(path, columns=INTERACTION_COLUMNS, bad_rows=bad_rows, notation=notation)
    with open_staging(STAGED_INTERACTIONS) as staging:
        for row in rows:
            progress.advance()
            try:
                staged = parse_interaction(row, default_kind=kind, scale=scale)
                people.check(staged.username)
                staging.add(staged)
                kinds.add(staged.kind)
            except BadValue as error:
                bad_rows.add(row.file, row.number, str(error))
        usable = staging.count + bad_rows.count
        with in_slices() as slices:
            counts = merge_interactions(staging, path.name, bad_rows, slices)
            # Nobody's demand changed for items of other kinds.
            for use_case in USE_CASES.values():
                if use_case.kind in kinds:
                    refresh_popularity(use_case=use_case.name, now=now)
    return InteractionSummary(
        rows=usable,
        created=counts.created,
        replaced=counts.replaced,
        unchanged=counts.unchanged,
        new_users=counts.new_users,
        bad_rows=bad_rows.count,
        reports=tuple(bad_rows.reports),
    )


def parse_interaction(row: Row, *, default_kind: str, scale: RatingScale = OUR_SCALE) -> StagedInteraction:
    """The checked values of one row. Raises BadValue."""
    values = row.values
    kind = _kind(values.get("kind")) or default_kind
    external_id = remembered(_ITEMS, values.get("item"), _read_item)
    type_name = remembered(_TYPES, values["type"], _read_type)
    if type_name not in TAKEN[kind].names:
        named("type", TAKEN[kind], type_name)
    occurred_at = required("occurred_at", HAPPENED, values["occurred_at"])
    return StagedInteraction(
        line=row.number,
        username=username(values),
        kind=kind,
        external_id=external_id,
        type=type_name,
        rating=parse_rating(values, type_name, scale),
        occurred_at=occurred_at,
        withdrawn_at=_withdrawn_at(values, type_name, occurred_at),
        said=parse_said(values, type_name),
    )


_ITEMS: dict[str, str] = {}
_TYPES: dict[str, str] = {}


def _kind(value: object) -> str | None:
    return None if value is None else optional("kind", KIND, value)


def _read_item(value: object) -> str:
    return required("item", EXTERNAL_ID, value)


def _read_type(value: object) -> str:
    return required("type", TYPE, value)


def _withdrawn_at(values: Mapping[str, Any], type_name: str, occurred_at: datetime) -> datetime | None:
    """The moment at which a state ended, where the row says so. Raises BadValue."""
    moment = optional("withdrawn_at", HAPPENED, values.get("withdrawn_at"))
    if moment is None:
        return None
    if not TYPES[type_name].is_state:
        raise BadValue(f"withdrawn_at belongs to what can be taken back, not to {type_name}")
    if moment < occurred_at:
        raise BadValue(f"withdrawn_at is before occurred_at: {shown(values['withdrawn_at'])}")
    return moment


def parse_rating(values: Mapping[str, Any], type_name: str, scale: RatingScale = OUR_SCALE) -> float | None:
    """The rating that goes with an interaction of this type, or None. Raises BadValue."""
    rating = scale.read(values.get("rating"))
    if rating is not None:
        check_rated(type_name)
    return rating
