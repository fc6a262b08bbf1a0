"""The taste profile of each person: reduced from the log, so that it can always be made anew."""

from django.conf import settings
from django.db import models


class TasteProfile(models.Model):
    """One person's taste, up to a cursor in the log.

    `cursor`, `cursor_at`, `rows`, `ids` and `reasons` describe what is included: as long as the log up to the
    cursor has the same rows, only what came after is to be added. Rows up to the reset never count again.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="taste_profile"
    )
    cursor = models.BigIntegerField(default=0, help_text="the greatest id of an interaction that is included")
    cursor_at = models.DateTimeField(null=True, blank=True, help_text="the latest moment that is included")
    rows = models.PositiveIntegerField(default=0, help_text="interactions included")
    ids = models.BigIntegerField(default=0, db_default=0, help_text="the sum of their ids")
    reasons = models.PositiveIntegerField(default=0, help_text="dislikes with a reason among them")
    reset_id = models.BigIntegerField(default=0, help_text="interactions up to this id never count")
    reset_at = models.DateTimeField(null=True, blank=True, help_text="nor do those from before this moment")
    vector = models.BinaryField(default=b"", help_text="facet, score and entries of the taste vector")
    names = models.JSONField(default=dict, help_text="of the facets liked best, by id")
    evidence = models.PositiveIntegerField(default=0, help_text="interactions that said something of a facet")
    feedback = models.PositiveIntegerField(
        default=0, help_text="pieces of feedback; some of them move the vector"
    )
    rules = models.CharField(
        max_length=16, blank=True, help_text="a hash of the rules that it was computed by"
    )
    updated_at = models.DateTimeField()

    class Meta:
        permissions = [
            ("view_others_profile", "Can read the taste profile of others"),
            ("change_others_profile", "Can rate for others and reset their taste profile"),
        ]

    def __str__(self) -> str:
        return f"taste of {self.user_id}"


class Preference(models.Model):
    """The attitude of a person to one facet: above 0 they like it, below 0 they do not."""

    profile = models.ForeignKey(
        TasteProfile, on_delete=models.CASCADE, related_name="preferences", db_index=False
    )
    facet = models.ForeignKey("catalog.Facet", on_delete=models.CASCADE, related_name="preferences")
    score = models.FloatField(help_text="-1 to 1")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["profile", "facet"], name="one_preference_per_facet"),
        ]

    def __str__(self) -> str:
        return f"{self.facet_id}: {self.score:+.2f}"
