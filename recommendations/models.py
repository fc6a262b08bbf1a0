"""The record of what was shown."""

import uuid

from django.conf import settings
from django.db import models


class RecommendationSession(models.Model):
    """One list that was served, as it was served, by rank. An imported one may lack some of its ranks.

    Each entry holds `item_id`, `rank` (from 1), `score`, `base_score`, `method` (what ordered it), `source`
    (what retrieved it), `source_rank`, `source_score` and `propensity` (P(this item here) under the policy),
    and where rules of staff acted on it their ids, `rules`.
    The versions that made the list are named in plain text, so that the record outlives them.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # Its index is the beginning of `session_by_user`.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="recommendation_sessions",
        db_index=False,
    )
    use_case = models.CharField(max_length=64)
    method = models.CharField(max_length=64)
    model_version = models.CharField(max_length=200, blank=True)
    experiment_arm = models.CharField(max_length=100, blank=True)
    is_external = models.BooleanField("made elsewhere", default=False)
    recommendations_shown = models.JSONField()
    pushed_out = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text="ids of items that would be in the list if no dislike held them back",
    )
    asked_for = models.JSONField(
        null=True,
        blank=True,
        help_text="the filter, factors, examples and earlier pages that the request named",
    )
    rules = models.JSONField(
        "rules of staff",
        default=list,
        db_default=models.Value([], models.JSONField()),
        help_text="ids of those that acted on the list",
    )
    features = models.BinaryField(null=True, help_text="float32, slots × features, row-major")
    feature_set = models.CharField(max_length=64, blank=True)
    made_in_ms = models.PositiveIntegerField(
        "made in",
        null=True,
        blank=True,
        help_text="milliseconds until it was recorded; none of one from elsewhere",
    )
    seen_rank = models.PositiveSmallIntegerField(default=0, help_text="deepest rank seen; 0 is none")
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "recommendation_sessions"
        indexes = [
            models.Index(fields=["user", "-created_at"], name="session_by_user"),
            # Every list asks what the person saw lately, and of most lists nobody says that they were seen.
            models.Index(
                fields=["user", "use_case", "-created_at"],
                name="session_seen_by_user",
                condition=models.Q(seen_rank__gt=0),
            ),
        ]
        permissions = [
            ("recommend_for_others", "Can ask for another person's recommendations"),
            ("view_as_person", "Can see a person's lists, taste and dislikes as they are to them"),
        ]

    def __str__(self) -> str:
        return str(self.id)
