"""Items and their facets."""

from django.core.exceptions import ValidationError
from django.db import models

from catalog.attributes import Attributes
from core.values import EXTERNAL_ID, FACET_NAMES, OTHER_TITLE, TITLE
from core.web_addresses import MAX_WEB_ADDRESS, check_web_address


def validate_web_address(text: str) -> None:
    """Raises ValidationError where `text` is no web address: `check_web_address` as forms take it."""
    try:
        check_web_address(text)
    except ValueError as error:
        raise ValidationError(f"This {error}.") from error


class Item(models.Model):
    """Something that can be recommended, of one of the kinds of heed.toml."""

    kind = models.CharField(max_length=32)
    external_id = models.CharField(max_length=EXTERNAL_ID.max_length)
    title = models.CharField(max_length=TITLE.max_length)
    original_title = models.CharField(max_length=OTHER_TITLE.max_length, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    description = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    url = models.CharField(
        "URL",
        max_length=MAX_WEB_ADDRESS,
        blank=True,
        validators=[validate_web_address],
        help_text="A page that tells more about it.",
    )
    image_url = models.CharField(
        "image URL",
        max_length=MAX_WEB_ADDRESS,
        blank=True,
        validators=[validate_web_address],
        help_text="Its picture, shown where IMAGE_ORIGINS names the server that it is on.",
    )
    attributes: "models.JSONField[Attributes, Attributes]" = models.JSONField(
        default=dict, blank=True, help_text="Named facts that are shown on its page."
    )
    is_active = models.BooleanField(default=True)
    is_synthetic = models.BooleanField("synthetic", default=False, help_text="Invented for the demo.")
    created_at = models.DateTimeField(auto_now_add=True)
    facets: "models.ManyToManyField[Facet, ItemFacet]" = models.ManyToManyField(
        "Facet", through="ItemFacet", related_name="items"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "external_id"], name="one_item_per_external_id")
        ]
        indexes = [models.Index(fields=["kind", "title"], name="item_by_title")]

    def __str__(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title


class Facet(models.Model):
    """One value that items share, of one of the kinds of facet of heed.toml."""

    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=FACET_NAMES.max_length)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="one_facet_per_name")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


class ItemFacet(models.Model):
    """That an item has a facet, and where it stands in the billing (0 is first)."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="item_facets")
    facet = models.ForeignKey(Facet, on_delete=models.CASCADE, related_name="item_facets")
    billing = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "facet"], name="one_row_per_item_and_facet")]
        ordering = ["billing"]

    def __str__(self) -> str:
        return f"{self.item_id} has {self.facet_id}"
