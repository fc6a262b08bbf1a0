"""The lists of a use case as they would be now or later, and what is like what; nothing is recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from django.db import transaction

from catalog.models import Facet
from core.arrays import Doubles, Ints
from core.domain import CATEGORIES, UseCase
from ranking.context import ScoringContext
from ranking.neighbors import neighbor_scores
from search.pipeline import search_items
from serving.carousels import similar_items
from serving.live import get_context
from serving.opening import open_request
from serving.pipeline import order

# Like an item is this share of the catalog: what is nearest to it.
NEAREST = 0.1
LENGTH = 20
# As many neighbors as an item's page asks for.
NEIGHBORS = 12


@contextmanager
def nothing_kept() -> Iterator[None]:
    """A transaction that is taken back, whatever was written in it."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The models and the catalog of a use case, held still for a run: the lists outside of any experiment.

    The caches hold what is like an item, and the name of its first category.
    """

    use_case: UseCase
    context: ScoringContext
    categories: dict[int, str]
    _by_facets: dict[int, frozenset[int]] = field(default_factory=dict)
    _by_model: dict[int, frozenset[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, use_case: UseCase) -> "World":
        """The world as it is served from now."""
        context = get_context(use_case.name)
        named = Facet.objects.filter(kind__in=CATEGORIES).values_list("pk", "name")
        known = set(context.catalog.facet_ids.tolist())
        return cls(use_case, context, {pk: name for pk, name in named if pk in known})

    @property
    def sees_likeness(self) -> bool:
        """True where a trained model leads, which sees a likeness of its own."""
        return self.context.lead in self.context.recommenders

    def list_of(self, user_id: int, now: datetime) -> list[int]:
        """All items that a person may be shown, best first, without chance."""
        request = open_request(user_id, self.context, now)
        ids: list[int] = order(request).item_ids.tolist()
        return ids

    def neighbors_of(self, item_id: int, user_id: int) -> list[int]:
        """The items on an item's page for a person, and the next one in line."""
        near = similar_items(item_id=item_id, use_case=self.use_case, limit=NEIGHBORS + 1, user_id=user_id)
        return [one.item.id for one in near]

    def found_for(self, query: str, user_id: int) -> list[int]:
        """The hits of a search by a person, and the next one in line."""
        found = search_items(
            user_id=user_id, use_case=self.use_case, query=query, limit=LENGTH + 1, is_recorded=False
        )
        return [one.item.id for one in found.items]

    def like(self, item_id: int) -> frozenset[int]:
        """The NEAREST of the catalog by weighted facets; never the item, and nothing that shares none."""
        if item_id not in self._by_facets:
            catalog = self.context.catalog
            rows = catalog.rows_of(np.array([item_id]))
            near = catalog.content.cosines_to(rows)
            self._by_facets[item_id] = self._nearest(near, item_id)
        return self._by_facets[item_id]

    def alike(self, item_id: int) -> frozenset[int]:
        """The NEAREST of the catalog by the product's own nearness, half of it the leading model's."""
        if item_id not in self._by_model:
            row = int(self.context.catalog.rows_of(np.array([item_id]))[0])
            self._by_model[item_id] = self._nearest(neighbor_scores(row, self.context), item_id)
        return self._by_model[item_id]

    def category_of(self, item_id: int) -> int | None:
        """The facet id of an item's first category in the catalog; None where it has none."""
        return next(iter(self.categories_of(item_id)), None)

    def categories_of(self, item_id: int) -> list[int]:
        """The facet ids of an item's categories."""
        catalog = self.context.catalog
        row = int(catalog.rows_of(np.array([item_id]))[0])
        facets = catalog.facet_ids[catalog.content.facets[[row]].indices]
        return [facet_id for facet_id in facets.tolist() if facet_id in self.categories]

    def _nearest(self, near: Doubles, item_id: int) -> frozenset[int]:
        best = np.argsort(-near, kind="stable")[: 1 + int(NEAREST * len(near))]
        found: Ints = self.context.catalog.item_ids[best[near[best] > 0.0]]
        return frozenset(found.tolist()) - {item_id}
