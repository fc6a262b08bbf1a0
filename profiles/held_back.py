"""Reads of what is held back in a person's lists now: by dislikes, and by what the taste speaks against."""

from dataclasses import replace

from catalog.models import ItemFacet
from feedback.selectors import HeldBack, get_held_back
from profiles.boosts import penalties_of
from profiles.log import name_facets
from profiles.selectors import get_taste


def get_all_held_back(*, user_id: int) -> list[HeldBack]:
    """The facets held back now, strongest first, each by the factor that lists are made with."""
    held = {(one.kind, one.name): one for one in get_held_back(user_id=user_id)}
    factors = penalties_of(get_taste(user_id).taste)
    titles = _titles_against(user_id, list(factors)) if factors else {}
    for facet_id, (kind, name) in name_facets(factors).items() if factors else ():
        known = held.get((kind, name)) or HeldBack(kind, name, 1.0, tuple(titles.get(facet_id, ())))
        held[kind, name] = replace(known, factor=min(known.factor, factors[facet_id]))
    return sorted(
        (one for one in held.values() if one.percent < 0), key=lambda one: (one.factor, one.kind, one.name)
    )


def _titles_against(user_id: int, facet_ids: list[int]) -> dict[int, list[str]]:
    """The titles with each of these facets that the person refused, by facet: one query."""
    rows = (
        ItemFacet.objects.filter(
            facet_id__in=facet_ids,
            item__interactions__user_id=user_id,
            item__interactions__withdrawn_at=None,
            item__interactions__weight__lt=0.0,
        )
        .order_by("item__interactions__occurred_at", "item_id")
        .values_list("facet_id", "item__title")
    )
    titles: dict[int, list[str]] = {}
    for facet_id, title in rows:
        titles.setdefault(facet_id, []).append(title)
    return titles
