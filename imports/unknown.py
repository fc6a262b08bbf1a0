"""The sentence about an item that a row names and that does not exist."""

from catalog.models import Item
from core.domain import KINDS


def unknown_item(kind: str, external_id: str) -> str:
    """The cause and what to do: it is of another kind, or was not imported yet."""
    others = Item.objects.filter(kind__in=list(KINDS), external_id=external_id)
    there_is_none = f"there is no {kind} {external_id!r}"
    if other := others.values_list("kind", flat=True).order_by("kind").first():
        return f"{there_is_none}, but a {other}; name its kind in the row, or for all rows by an option"
    return f"{there_is_none}; import the items first"
