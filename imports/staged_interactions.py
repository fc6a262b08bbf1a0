"""The staged form of an interaction, whatever file it came from."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField

from accounts.models import User
from catalog.models import Item
from core.domain import REASONS, TYPES
from core.sql import column_field
from imports.said import NOTHING, STAGED_SAID, Said
from imports.staging import StagingTable
from interactions.models import UserInteraction

# The state that a row of this type brings to an end, if it stood before. The other states, such as a like,
# are not renewed: a second one changes nothing.
ENDS = {row.name: row.name for row in TYPES.values() if row.is_rated or row.undo} | {
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
        "weight": column_field(UserInteraction, "weight"),
        "rating": column_field(UserInteraction, "rating"),
        "occurred_at": column_field(UserInteraction, "occurred_at"),
        "withdrawn_at": column_field(UserInteraction, "withdrawn_at"),
        **STAGED_SAID,
    },
)
