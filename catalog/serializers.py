"""Items as JSON."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.selectors import ItemCard
from core.renderers import write
from core.written import Written

_ATTRIBUTE = {
    "anyOf": [
        {"type": "string"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "string"}},
    ]
}


@extend_schema_field({"type": "object", "additionalProperties": _ATTRIBUTE})
class AttributesField(serializers.JSONField):
    """Named facts of an item, as the API shows them."""


class ItemSerializer(serializers.Serializer[ItemCard]):
    """An item as the API shows it. Used to describe; `item_json` makes the same form faster."""

    id = serializers.IntegerField()
    external_id = serializers.CharField(help_text="What the catalog it came from calls it.")
    kind = serializers.CharField()
    title = serializers.CharField()
    original_title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    description = serializers.CharField()
    published_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField(help_text="A page that tells more about it; empty where none is known.")
    image_url = serializers.CharField(help_text="Its picture; empty where none is known.")
    is_synthetic = serializers.BooleanField(help_text="Invented for the demo.")
    genres = serializers.ListField(child=serializers.CharField())
    facets = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))


def item_text(card: ItemCard) -> Written:
    """The same, written once for each card that is kept."""
    if "item" not in card.written:
        card.written["item"] = write(item_json(card))
    return card.written["item"]


def item_json(card: ItemCard) -> dict[str, Any]:
    """`card` in the form that ItemSerializer describes."""
    return {
        "id": card.id,
        "external_id": card.external_id,
        "kind": card.kind,
        "title": card.title,
        "original_title": card.original_title,
        "year": card.year,
        "description": card.description,
        "published_at": card.published_at,
        "url": card.url,
        "image_url": card.image_url,
        "is_synthetic": card.is_synthetic,
        "genres": card.categories,
        "facets": card.facets,
    }
