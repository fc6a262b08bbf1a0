"""The filters of the feed: what can be chosen of a kind of item, and the request that a choice makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.cache import cache
from django.db.models import Count, Max, Min
from django.http import QueryDict

from catalog.models import Facet, Item
from core.domain import CATEGORIES, FACETS, THEMES
from serving.wishes import NEWEST, OLDEST

SORTS = (("", "Best for you"), (NEWEST, "Newest first"), (OLDEST, "Oldest first"))
# So many names of each kind of facet can be chosen, those that most items have.
MOST_NAMES = 30
_KEPT = 60  # seconds
_EARLIEST = 1870


@dataclass(frozen=True, slots=True)
class Choices:
    """The names of each kind of facet by which a kind of item can be narrowed, and its decades."""

    names: Mapping[str, tuple[str, ...]]
    decades: tuple[int, ...]


def choices_of(kind: str) -> Choices:
    """The choices of a kind of item. Asked of the database once a minute: two queries."""
    key = f"filters-of-{kind}"
    known: Choices | None = cache.get(key)
    if known is None:
        known = _read(kind)
        cache.set(key, known, timeout=_KEPT)
    return known


def _read(kind: str) -> Choices:
    facets = Facet.objects.filter(
        kind__in=(*CATEGORIES, *THEMES), item_facets__item__kind=kind, item_facets__item__is_active=True
    )
    counted = facets.annotate(count=Count("item_facets")).filter(count__gt=1).order_by("-count", "name")
    names: dict[str, list[str]] = {}
    for facet_kind, name in counted.values_list("kind", "name"):
        of_kind = names.setdefault(facet_kind, [])
        if len(of_kind) < MOST_NAMES:
            of_kind.append(name)
    years = Item.objects.filter(kind=kind, is_active=True, year__gte=_EARLIEST)
    first, last = years.aggregate(first=Min("year"), last=Max("year")).values()
    decades = () if first is None else tuple(range(last // 10 * 10, first // 10 * 10 - 1, -10))
    order = [facet for facet in (*CATEGORIES, *THEMES) if facet in names]
    return Choices({facet: tuple(sorted(names[facet])) for facet in order}, decades)


class FeedFilters(forms.Form):
    """The filters of one list, from the address of the feed."""

    decade = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label="Decade")
    sort = forms.ChoiceField(required=False, choices=SORTS, label="Order")
    unseen = forms.BooleanField(required=False, label="New to me")

    def __init__(self, data: QueryDict, choices: Choices) -> None:
        super().__init__(data, auto_id="filter-%s")
        for kind, names in reversed(list(choices.names.items())):
            label = "Mood" if kind in THEMES else FACETS[kind].label
            field = forms.ChoiceField(
                required=False, label=label, choices=[("", "Any"), *((name, name) for name in names)]
            )
            self.fields = {kind: field, **self.fields}
        decades = [("", "Any"), *((str(one), f"{one}s") for one in choices.decades)]
        self.fields["decade"].choices = decades  # type: ignore[attr-defined]
        self.facet_kinds = tuple(choices.names)

    def asked(self) -> dict[str, Any]:
        """The request for a list, as `ListRequest` takes it. Only for a valid form."""
        chosen = self.cleaned_data
        wanted: dict[str, Any] = {kind: chosen[kind] for kind in self.facet_kinds if chosen[kind]}
        if chosen["decade"] is not None:
            wanted["year"] = {"from": chosen["decade"], "to": chosen["decade"] + 9}
        asked: dict[str, Any] = {"filter": wanted} if wanted else {}
        if chosen["unseen"]:
            asked["unseen"] = True
        if chosen["sort"]:
            asked["sort"] = chosen["sort"]
        return asked

    def query(self) -> str:
        """The filters as they stand in an address; "" where there are none. Only for a valid form."""
        chosen = {
            name: "on" if value is True else value for name, value in self.cleaned_data.items() if value
        }
        return urlencode(chosen)

    def chosen(self) -> list[str]:
        """The words for the fields that are set. Only for a valid form."""
        return [_words(name, str(value)) for name, value in self.cleaned_data.items() if value]


def _words(name: str, value: str) -> str:
    match name:
        case "decade":
            return f"the {value}s"
        case "sort":
            return dict(SORTS)[value].lower()
        case "unseen":
            return "new to me"
    return value
