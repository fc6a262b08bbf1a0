"""Dislikes, and what they set in motion."""

from django.conf import settings
from django.db import models

from core.domain.words import reason_label


class Dislike(models.Model):
    """One person's no to one item, with the reason.

    It stands while its interaction does: taking back that row, by undoing or by liking the item after all,
    takes back everything here with it. So there is at most one that stands per person and item, held by the
    interaction's own constraint.

    `predicted_score` is what the list gave the item. `context_source` says where it came from: the server's
    own record of the list, or what the client said because the server had no record.
    """

    class ReviewState(models.TextChoices):
        NEW = "new"
        REVIEWED = "reviewed"
        EXCLUDED = "excluded", "excluded from training"

    class ContextSource(models.TextChoices):
        SESSION = "session", "the server's record"
        CLIENT = "client", "what the client said"
        NONE = "none", "unknown"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dislikes", db_index=False
    )
    item = models.ForeignKey("catalog.Item", on_delete=models.CASCADE, related_name="dislikes")
    title = models.CharField(max_length=300, help_text="as it was when it was disliked")
    interaction = models.OneToOneField(
        "interactions.UserInteraction", on_delete=models.CASCADE, related_name="dislike"
    )
    session = models.ForeignKey(
        "recommendations.RecommendationSession",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="dislikes",
    )
    use_case = models.CharField(max_length=64, blank=True)
    model_version = models.CharField(max_length=200, blank=True)
    rank = models.PositiveSmallIntegerField(null=True, blank=True)
    predicted_score = models.FloatField(null=True, blank=True)
    context_source = models.CharField(
        max_length=16, choices=ContextSource.choices, default=ContextSource.NONE
    )
    reason = models.CharField(max_length=32)
    feedback_text = models.TextField(blank=True, max_length=2000)
    review_state = models.CharField(max_length=16, choices=ReviewState.choices, default=ReviewState.NEW)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "user_dislikes"
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["user", "-created_at"], name="dislike_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} dislikes {self.title}"

    @property
    def reason_label(self) -> str:
        """The reason in a person's words, or its name where heed.toml no longer has it."""
        return reason_label(self.reason)


class NegativeTrainingExample(models.Model):
    """A dislike as a ranker learns from it: predicted so high, and it should have been 0.

    Which model version used it is the registry's to say; it links to this table.
    """

    dislike = models.OneToOneField(Dislike, on_delete=models.CASCADE, related_name="example")
    actual = models.FloatField(default=0.0)
    predicted = models.FloatField(null=True, help_text="empty where nothing predicted it")
    error = models.FloatField(null=True, help_text="predicted − actual")
    weight = models.FloatField()
    used_in_training = models.BooleanField(default=False, db_index=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "negative_training_examples"

    def __str__(self) -> str:
        return f"example of dislike {self.dislike_id}"


class FeatureAdjustment(models.Model):
    """By how much one facet is held back in one person's lists because of one dislike."""

    dislike = models.ForeignKey(Dislike, on_delete=models.CASCADE, related_name="adjustments")
    facet = models.ForeignKey("catalog.Facet", on_delete=models.CASCADE, related_name="adjustments")
    delta = models.FloatField(help_text="−0.15 multiplies scores by 0.85 when new, and fades")

    class Meta:
        db_table = "dislike_feedback_impact"
        constraints = [
            models.UniqueConstraint(fields=["dislike", "facet"], name="one_adjustment_per_facet"),
        ]

    def __str__(self) -> str:
        return f"{self.facet_id}: {self.delta:+.0%}"
