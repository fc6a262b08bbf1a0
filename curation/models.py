"""The rules of staff, and what became of each."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from catalog.models import Item
from core.values import FACET_NAMES
from curation import kinds

MAX_NOTE = 300


class Rule(models.Model):
    """One rule: what it does, with which items, in whose lists, and from when until when.

    It is ended and never deleted, since lists name it. What it is about is said by `about`, and by the
    columns that go with it: an item, the kind and name of a facet, a filter as lists take it, or what has
    values (`each`). `number` is the slot of a pin, the factor of a boost or bury, the most of a quota.
    """

    class Kind(models.TextChoices):
        PIN = kinds.PIN, "Pin"
        BOOST = kinds.BOOST, "Boost"
        BURY = kinds.BURY, "Bury"
        BLOCK = kinds.BLOCK, "Block"
        QUOTA = kinds.QUOTA, "Quota"

    class About(models.TextChoices):
        ITEM = "item", "An item"
        FACET = "facet", "A facet"
        FILTER = "filter", "What meets a filter"
        EACH = "each", "Each value of"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    use_case = models.CharField(max_length=64, blank=True, help_text="empty: every use case")
    segment = models.CharField(max_length=32, blank=True, help_text="empty: everybody")
    about = models.CharField(max_length=16, choices=About.choices)
    item = models.ForeignKey(Item, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    facet_kind = models.CharField(max_length=16, blank=True)
    facet_name = models.CharField(max_length=FACET_NAMES.max_length, blank=True)
    filter = models.TextField(blank=True, help_text="as lists take it: genre:Horror,year:..1979")
    each = models.CharField(max_length=80, blank=True, help_text="a kind of facet, or attributes.publisher")
    number = models.FloatField(null=True, blank=True, help_text="slot, factor, or the most of a list")
    begins_at = models.DateTimeField("from", default=timezone.now)
    ends_at = models.DateTimeField("until", null=True, blank=True)
    note = models.CharField("why", max_length=MAX_NOTE, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["use_case", "ends_at"], name="rule_by_end")]

    def __str__(self) -> str:
        return f"Rule {self.pk}: {self.sentence}"

    @property
    def target(self) -> str:
        """The items that it is about, in words."""
        match self.about:
            case Rule.About.ITEM:
                return f"“{self.item}”" if self.item else "an item that is gone"
            case Rule.About.FACET:
                return f"{self.facet_kind} {self.facet_name}"
            case Rule.About.FILTER:
                return f"what meets {self.filter}"
            case _:
                return f"each {self.each.removeprefix('attributes.')}"

    @property
    def sentence(self) -> str:
        """The effect of it, in words."""
        number = 0.0 if self.number is None else self.number
        match self.kind:
            case Rule.Kind.PIN:
                return f"pin {self.target} to place {number:.0f}"
            case Rule.Kind.QUOTA:
                return f"at most {number:.0f} of {self.target}"
            case Rule.Kind.BLOCK:
                return f"block {self.target}"
            case _:
                return f"{self.kind} {self.target} × {number:g}"


class RuleChange(models.Model):
    """That a rule was made, changed or ended: by whom, when, and from what to what."""

    class What(models.TextChoices):
        MADE = "made", "Made"
        CHANGED = "changed", "Changed"
        ENDED = "ended", "Ended"

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="changes")
    what = models.CharField(max_length=16, choices=What.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now, db_index=True)
    before = models.JSONField(default=dict, blank=True, help_text="what it said of the fields that changed")
    after = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_what_display()} rule {self.rule_id}"
