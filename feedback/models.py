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
    `recommendation_set_id` is the list that the client named, as it was given: alone it proves nothing.
    """

    # The source of a row that is being written together with many others; see feedback/completion.py.
    UNFINISHED = "completing"

    class ReviewState(models.TextChoices):
        NEW = "new"
        REVIEWED = "reviewed"
        IMPORTED = "imported", "brought by staff, not for review"
        EXCLUDED = "excluded", "excluded from training"

    class ContextSource(models.TextChoices):
        SESSION = "session", "the server's record"
        CLIENT = "client", "what the client said"
        IMPORT = "import", "an import"
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
    recommendation_set_id = models.CharField(max_length=100, blank=True, default="", db_default="")
    use_case = models.CharField(max_length=64, blank=True)
    model_version = models.CharField(max_length=200, blank=True)
    rank = models.PositiveSmallIntegerField(null=True, blank=True)
    predicted_score = models.FloatField(null=True, blank=True)
    context_source = models.CharField(
        max_length=16, choices=ContextSource.choices, default=ContextSource.NONE
    )
    reason = models.CharField(max_length=32)
    feedback_text = models.TextField(blank=True, max_length=2000)
    about = models.ForeignKey(
        "catalog.Facet",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="the one facet that it is about, where the person named it",
    )
    title_only = models.BooleanField(
        default=False, db_default=False, help_text="it says nothing about other titles"
    )
    review_state = models.CharField(max_length=16, choices=ReviewState.choices, default=ReviewState.NEW)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "user_dislikes"
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="dislike_by_user"),
            models.Index(
                fields=["context_source"],
                name="dislike_unfinished",
                condition=models.Q(context_source="completing"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} dislikes {self.title}"

    @property
    def reason_label(self) -> str:
        """The reason in a person's words, or its name where heed.toml no longer has it."""
        return reason_label(self.reason)


class OwnRule(models.Model):
    """A wish of a person for their lists that stands until its end, or until they end it.

    A facet is shown less, or never; an item is left out until the end, or let through whatever else is said
    of its facets. With both, a no until an end: the item is left out and the facet shown less. A rule is no
    verdict: neither models nor the taste learn from it, so the old list is back once it has ended.
    """

    class Strength(models.TextChoices):
        LESS = "less"
        MUCH_LESS = "much_less", "much less"
        NEVER = "never"
        ALLOW = "allow", "let through"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_rules", db_index=False
    )
    strength = models.CharField(max_length=16, choices=Strength.choices)
    facet = models.ForeignKey(
        "catalog.Facet", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    item = models.ForeignKey(
        "catalog.Item", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    dislike = models.ForeignKey(
        Dislike, null=True, blank=True, on_delete=models.SET_NULL, related_name="own_rules"
    )
    words = models.CharField(max_length=200, blank=True, default="", help_text="as the person said it")
    created_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True, help_text="empty where it stands until it is ended")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="when the person ended it")

    class Meta:
        db_table = "own_rules"
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["user"], name="standing_rule_by_user", condition=models.Q(ended_at=None)),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(facet__isnull=False) | models.Q(item__isnull=False),
                name="rule_of_a_facet_or_an_item",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strength} of {self.facet_id or self.item_id} for {self.user_id}"


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

    # Its index is the beginning of `one_adjustment_per_facet`.
    dislike = models.ForeignKey(Dislike, on_delete=models.CASCADE, related_name="adjustments", db_index=False)
    facet = models.ForeignKey("catalog.Facet", on_delete=models.CASCADE, related_name="adjustments")
    delta = models.FloatField(help_text="−0.15 multiplies scores by 0.85 when new, and fades")

    class Meta:
        db_table = "dislike_feedback_impact"
        constraints = [
            models.UniqueConstraint(fields=["dislike", "facet"], name="one_adjustment_per_facet"),
        ]

    def __str__(self) -> str:
        return f"{self.facet_id}: {self.delta:+.0%}"


class DislikePattern(models.Model):
    """A facet that a person turns down, and how often: one row for each facet of what they disliked.

    Counted from the dislikes that stand and speak of taste, whenever one is made or taken back and when staff
    open the table; see feedback/patterns.py.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dislike_patterns", db_index=False
    )
    facet = models.ForeignKey("catalog.Facet", on_delete=models.CASCADE, related_name="dislike_patterns")
    dislikes = models.PositiveIntegerField(help_text="standing dislikes of items that have the facet")
    since = models.DateTimeField(help_text="the first of them")
    last_at = models.DateTimeField(help_text="the last of them")

    class Meta:
        db_table = "dislike_patterns"
        ordering = ["-dislikes", "facet__name", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "facet"], name="one_pattern_per_facet")]

    def __str__(self) -> str:
        return f"{self.user_id} turns down {self.facet_id}, {self.dislikes} times"


class RetrainingMark(models.Model):
    """The moment up to which the dislikes of a use case are spent: only later ones ask for the next model."""

    use_case = models.CharField(max_length=64, unique=True)
    counted_until = models.DateTimeField()

    class Meta:
        db_table = "retraining_marks"

    def __str__(self) -> str:
        return f"{self.use_case} {self.counted_until:%Y-%m-%d %H:%M}"
