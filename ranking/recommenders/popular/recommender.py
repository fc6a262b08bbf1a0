"""Popularity as a recommender: the same for everybody."""

from dataclasses import dataclass

from core.arrays import Doubles, Ints
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import ANYBODY, Anybody, Evidence, Kind, Retrieved
from ranking.recommenders.rows import full_evidence, no_similarities, retrieve_ordered, scores_of
from ranking.snapshot import CatalogSnapshot

# Popularity fades without end; below this it tells nothing apart.
_LEAST = 1e-9


@dataclass(frozen=True, slots=True)
class Popular:
    """The items by `ItemDemand.popularity`, 1 for the most popular; those that nobody wants have no score."""

    catalog: CatalogSnapshot

    def represent(self, person: PersonState) -> Anybody:
        """Nothing of the person matters."""
        return ANYBODY

    def retrieve(self, representation: Anybody, limit: int, barred: Barred) -> Retrieved:
        catalog = self.catalog
        return retrieve_ordered(
            catalog.by_popularity, catalog.demand.popularity, catalog.item_ids, limit, barred
        )

    def score(self, representation: Anybody, item_ids: Ints) -> Doubles:
        return scores_of(item_ids, self.catalog.item_ids, self.catalog.demand.popularity)

    def floor(self, representation: Anybody) -> float:
        order = self.catalog.by_popularity
        return max(_LEAST, float(self.catalog.demand.popularity[order[-1]])) if len(order) else 1.0

    def explain(self, representation: Anybody, item_ids: Ints) -> list[Evidence | None]:
        return [None] * len(item_ids)

    def evidence(self, item_ids: Ints) -> Doubles:
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        return no_similarities(item_ids, others)


KIND = Kind(
    name="popular",
    label="Popularity",
    method="popularity",
    why="Popular here at the moment.",
    build=lambda model, catalog: Popular(catalog),
)
