"""The rules of one row of a file of interactions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain import MAX_RATING, TYPES
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
from imports.cells import optional, remembered, required, username
from imports.rows import Columns, Row
from imports.said import SAID_COLUMNS, parse_said
from imports.staged_interactions import StagedInteraction

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


def parse_interaction(row: Row, *, default_kind: str, scale: RatingScale = OUR_SCALE) -> StagedInteraction:
    """The checked values of one row. Raises BadValue."""
    values = row.values
    kind = kind_in(values.get("kind")) or default_kind
    external_id = remembered(_ITEMS, values.get("item"), _read_item)
    type_name = remembered(_TYPES, values["type"], read_type)
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


def kind_in(value: object) -> str | None:
    """The kind that a cell names, if any. Raises BadValue."""
    return None if value is None else optional("kind", KIND, value)


def _read_item(value: object) -> str:
    return required("item", EXTERNAL_ID, value)


def read_type(value: object) -> str:
    """The type that a cell names. Raises BadValue."""
    return required("type", TYPE, value)


def _withdrawn_at(values: Mapping[str, Any], type_name: str, occurred_at: datetime) -> datetime | None:
    """The moment at which the act was taken back, where the row says so. Raises BadValue."""
    moment = optional("withdrawn_at", HAPPENED, values.get("withdrawn_at"))
    if moment is None:
        return None
    if not TYPES[type_name].can_be_withdrawn:
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
