"""Items and their facets."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from catalog.attributes import Attributes
from core.sql import insert_rows
from core.values import EXTERNAL_ID, FACET_NAMES, OTHER_TITLE, TITLE
from core.web_addresses import MAX_WEB_ADDRESS, check_web_address


def validate_web_address(text: str) -> None:
    """Raises ValidationError where `text` is no web address: `check_web_address` as forms take it."""
    try:
        check_web_address(text)
    except ValueError as error:
        raise ValidationError(f"This {error}.") from error


class ItemQuerySet(models.QuerySet["Item"]):
    """Items; whatever is written to them is dated."""

    def update(self, **values: Any) -> int:
        """As always, and notes when."""
        return super().update(**{"changed_at": timezone.now(), **values})

    def bulk_create(self, objs: Iterable["Item"], *args: Any, **options: Any) -> list["Item"]:
        """As always; where it updates rows it notes when."""
        if fields := options.get("update_fields"):
            options["update_fields"] = [*fields, "changed_at"]
        return super().bulk_create(objs, *args, **options)


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
        db_default="",
        validators=[validate_web_address],
        help_text="A page that tells more about it.",
    )
    image_url = models.CharField(
        "image URL",
        max_length=MAX_WEB_ADDRESS,
        blank=True,
        db_default="",
        validators=[validate_web_address],
        help_text="Its picture, shown where IMAGE_ORIGINS names the server that it is on.",
    )
    attributes: "models.JSONField[Attributes, Attributes]" = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="Named facts that are shown on its page.",
    )
    is_active = models.BooleanField(default=True)
    is_synthetic = models.BooleanField("synthetic", default=False, help_text="Invented for the demo.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(
        auto_now=True,
        db_default=Now(),
        help_text="When it or its facets were written last: what was read of it before is old.",
    )
    facets: "models.ManyToManyField[Facet, ItemFacet]" = models.ManyToManyField(
        "Facet", through="ItemFacet", related_name="items"
    )

    objects = ItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "external_id"], name="one_item_per_external_id")
        ]
        indexes = [
            models.Index(fields=["kind", "title"], name="item_by_title"),
            models.Index(fields=["kind", "changed_at"], name="item_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title

    def save(self, *args: Any, **options: Any) -> None:
        """As always, and notes when, also where only some of the fields are written."""
        if fields := options.get("update_fields"):
            options["update_fields"] = {*fields, "changed_at"}
        super().save(*args, **options)


class FacetQuerySet(models.QuerySet["Facet"]):
    """Facets; what has one of them is changed when they are."""

    def update(self, **values: Any) -> int:
        """As always, and dates what has one of them."""
        with transaction.atomic():
            Item.objects.filter(item_facets__facet__in=self).update()
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As always, and dates what had one of them."""
        with transaction.atomic():
            Item.objects.filter(item_facets__facet__in=self).update()
            return super().delete()


class Facet(models.Model):
    """One value that items share, of one of the kinds of facet of heed.toml."""

    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=FACET_NAMES.max_length)

    objects = FacetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="one_facet_per_name")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"

    def save(self, *args: Any, **options: Any) -> None:
        """As always; what has the facet is changed where it gets another name."""
        is_new = self._state.adding
        super().save(*args, **options)
        if not is_new:
            Item.objects.filter(item_facets__facet=self).update()

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """As always, and dates what had it."""
        with transaction.atomic():
            Item.objects.filter(item_facets__facet=self).update()
            return super().delete(*args, **options)


class ItemFacetQuerySet(models.QuerySet["ItemFacet"]):
    """Links of items and facets; the items are changed when they are."""

    def update(self, **values: Any) -> int:
        """As always, and dates the items: those that have the links before, and after."""
        with transaction.atomic():
            Item.objects.filter(item_facets__in=self).update()
            if item := values.get("item", values.get("item_id")):
                Item.objects.filter(pk=getattr(item, "pk", item)).update()
            return super().update(**values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """As always, and dates the items."""
        with transaction.atomic():
            Item.objects.filter(item_facets__in=self).update()
            return super().delete()

    def bulk_create(self, objs: Iterable["ItemFacet"], *args: Any, **options: Any) -> list["ItemFacet"]:
        """As always, and dates the items."""
        links = list(objs)
        with transaction.atomic():
            created = super().bulk_create(links, *args, **options)
            Item.objects.filter(pk__in={link.item_id for link in links}).update()
        return created

    def link(self, links: Sequence[tuple[int, int, int]], *, dated: Collection[int] = ()) -> None:
        """Creates links, each of an item id, a facet id and a billing, and dates the items.

        Those of `dated` were written in this transaction, and are dated by that.
        """
        with transaction.atomic():
            insert_rows(self.model, ["item", "facet", "billing"], links)
            if others := {item_id for item_id, _, _ in links}.difference(dated):
                Item.objects.filter(pk__in=others).update()


class ItemFacet(models.Model):
    """That an item has a facet, and where it stands in the billing (0 is first)."""

    # Its index is the beginning of `one_row_per_item_and_facet`.
    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="item_facets", db_index=False)
    facet = models.ForeignKey(Facet, on_delete=models.CASCADE, related_name="item_facets")
    billing = models.PositiveSmallIntegerField(default=0)

    objects = ItemFacetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "facet"], name="one_row_per_item_and_facet")]
        ordering = ["billing"]

    def __str__(self) -> str:
        return f"{self.item} has {self.facet}"

    def save(self, *args: Any, **options: Any) -> None:
        """As always; the item is changed by it, and the one that had the link before."""
        with transaction.atomic():
            before = ItemFacet.objects.filter(pk=self.pk)
            Item.objects.filter(models.Q(pk=self.item_id) | models.Q(item_facets__in=before)).update()
            super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """As always; the item is changed by it."""
        deleted = super().delete(*args, **options)
        Item.objects.filter(pk=self.item_id).update()
        return deleted
