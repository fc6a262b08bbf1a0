"""The record of what people did, each tied to the list and slot it came from."""

from typing import TYPE_CHECKING, TypeAlias, cast

from django.conf import settings
from django.db import models

from core.aliases import Alias
from core.domain import TYPES

if TYPE_CHECKING:
    _Boolean: TypeAlias = models.BooleanField[bool, bool]
else:
    _Boolean = models.BooleanField


# The source of what was done from a list. Which retriever had brought the item is kept with the list.
RECOMMENDATION = "recommendation"


class StateField(_Boolean):
    """True where an interaction is a state, as heed.toml says of its type when it is written.

    A column, because a constraint can look at no file.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> bool:  # noqa: FBT001  Django's own
        type_name = cast("UserInteraction", model_instance).type
        is_state = type_name in TYPES and TYPES[type_name].is_state
        setattr(model_instance, self.attname, is_state)
        return is_state


class UserInteraction(models.Model):
    """One thing that one person did with one item.

    The recommendation columns are copied from the session row by the server, never from the client.
    A row that is taken back or replaced is kept with `withdrawn_at`, and counts for nothing from then on.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="interactions", db_index=False
    )
    item = models.ForeignKey("catalog.Item", on_delete=models.CASCADE, related_name="interactions")
    type = models.CharField(max_length=32)
    is_state = StateField(default=False, editable=False)
    weight = models.FloatField()
    rating = models.FloatField(null=True, blank=True)
    occurred_at = models.DateTimeField(db_index=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    recommendation_session = models.ForeignKey(
        "recommendations.RecommendationSession",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="interactions",
    )
    recommendation_source = models.CharField(max_length=64, blank=True)
    recommendation_rank = models.PositiveSmallIntegerField(null=True, blank=True)
    recommendation_score = models.FloatField(null=True, blank=True)
    recommendation_method = models.CharField(max_length=64, blank=True)

    # The names in the queries of the documents that asked for this (docs/research/seeds.md).
    interaction_type = Alias("type")
    startup_id = Alias("item_id")

    class Meta:
        db_table = "user_interactions"
        constraints = [
            models.UniqueConstraint(
                fields=["user", "item", "type", "occurred_at"], name="one_interaction_per_moment"
            ),
            models.UniqueConstraint(
                fields=["user", "item", "type"],
                condition=models.Q(withdrawn_at=None, is_state=True),
                name="one_live_state_per_item",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.type} {self.item_id}"


class ItemPopularity(models.Model):
    """The counts of all people's acts on an item in one use case: demand, approvals, dislikes, responses.

    A table of its own, refreshed by the commands that cron runs, so that a request never sums the log.
    """

    item = models.ForeignKey("catalog.Item", on_delete=models.CASCADE, related_name="popularity")
    use_case = models.CharField(max_length=64)
    score = models.FloatField(
        help_text="decayed weight times the share of approvals, over that of the most popular: 0 to 1"
    )
    approvals = models.PositiveIntegerField(
        default=0, db_default=0, help_text="interactions that count as a success in the use case"
    )
    dislikes = models.PositiveIntegerField(default=0, db_default=0)
    trend_1 = models.FloatField(default=0.0, db_default=0.0, help_text="demand with a half-life of a day")
    trend_7 = models.FloatField(default=0.0, db_default=0.0, help_text="demand with a half-life of a week")
    trend_30 = models.FloatField(default=0.0, db_default=0.0, help_text="demand with a half-life of a month")
    examined = models.FloatField(
        default=0.0,
        db_default=0.0,
        help_text="expected examinations of the slots it was seen in, half-life 90 days",
    )
    engaged = models.FloatField(
        default=0.0, db_default=0.0, help_text="slots engaged with, half-life 90 days"
    )
    refused = models.FloatField(default=0.0, db_default=0.0, help_text="slots turned down, half-life 90 days")
    examined_lately = models.FloatField(
        default=0.0, db_default=0.0, help_text="as examined, half-life 7 days"
    )
    engaged_lately = models.FloatField(default=0.0, db_default=0.0, help_text="as engaged, half-life 7 days")
    refreshed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["use_case", "item"], name="one_popularity_per_use_case")
        ]

    def __str__(self) -> str:
        return f"{self.use_case} {self.item_id}: {self.score:.3f}"
