"""Well-known titles, spread over the categories, for people of whom nothing is known yet."""

from collections import Counter

from django.core.cache import cache
from django.db.models import Q

from catalog.models import Item
from catalog.selectors import ItemCard, get_cards
from core.domain import KINDS, ItemKind, UseCase
from serving.carousels import rules_without_history
from serving.live import get_context

_POOL = 240
_CACHE_KEY = "kinds-with-items"


def kinds_with_items() -> list[ItemKind]:
    """The kinds of which the catalog holds something, as they are registered.

    Asked of the database once a minute, so that a feed makes no more queries than the API's list.
    """
    names: set[str] | None = cache.get(_CACHE_KEY)
    if not names:
        names = _names_with_items()
        cache.set(_CACHE_KEY, names, timeout=60)
    return [kind for kind in KINDS.values() if kind.name in names]


def _names_with_items() -> set[str]:
    one_of_each = Q(pk=None)
    for name in KINDS:
        one_of_each |= Q(pk=Item.objects.filter(kind=name, is_active=True).order_by().values("pk")[:1])
    return set(Item.objects.filter(one_of_each).values_list("kind", flat=True))


def popular_items(use_case: UseCase, count: int) -> list[ItemCard]:
    """At most `count` items of a use case: the most popular ones, no category much more often than another.

    Where too little is popular, the newest items follow. What staff block is left out.
    """
    context = get_context(use_case.name)
    catalog, blocked = context.catalog, set(rules_without_history(context, None).blocked.tolist())
    rows = [*catalog.by_popularity[:_POOL].tolist(), *catalog.by_date[:_POOL].tolist()]
    ids = dict.fromkeys(catalog.item_ids[rows].tolist())
    pool = [item_id for item_id in ids if item_id not in blocked][:_POOL]
    cards = get_cards(pool)
    return spread_over_categories([cards[item_id] for item_id in pool if item_id in cards], count)


def spread_over_categories(cards: list[ItemCard], count: int) -> list[ItemCard]:
    """`count` of `cards`: each time the first whose first category was taken least often so far."""
    waiting: dict[str, list[ItemCard]] = {}
    for card in reversed(cards):
        waiting.setdefault(card.categories[0] if card.categories else "", []).append(card)
    place = {card.id: number for number, card in enumerate(cards)}
    taken: Counter[str] = Counter()
    chosen: list[ItemCard] = []
    while waiting and len(chosen) < count:
        category = min(waiting, key=lambda name: (taken[name], place[waiting[name][-1].id]))
        chosen.append(waiting[category].pop())
        taken[category] += 1
        if not waiting[category]:
            del waiting[category]
    return chosen
