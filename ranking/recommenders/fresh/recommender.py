"""Novelty as a recommender: the same for everybody."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Ints
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import ANYBODY, Anybody, Evidence, Kind, Retrieved
from ranking.recommenders.rows import full_evidence, no_similarities, retrieve_ordered, scores_of
from ranking.snapshot import CatalogSnapshot


@dataclass(frozen=True, slots=True)
class Fresh:
    """The items by date, newest first. The score is 1 for the newest and falls evenly over the catalog.

    scores  (n,) of the rows of the catalog, from 1 / n to 1
    """

    catalog: CatalogSnapshot
    scores: Doubles

    @classmethod
    def over(cls, catalog: CatalogSnapshot) -> "Fresh":
        """The recommender over a catalog."""
        scores = np.empty(len(catalog.by_date))
        scores[catalog.by_date] = 1.0 - np.arange(len(scores)) / max(1, len(scores))
        return cls(catalog, scores)

    def represent(self, person: PersonState) -> Anybody:
        """Nothing of the person matters."""
        return ANYBODY

    def retrieve(self, representation: Anybody, limit: int, barred: Barred) -> Retrieved:
        return retrieve_ordered(self.catalog.by_date, self.scores, self.catalog.item_ids, limit, barred)

    def score(self, representation: Anybody, item_ids: Ints) -> Doubles:
        return scores_of(item_ids, self.catalog.item_ids, self.scores)

    def floor(self, representation: Anybody) -> float:
        return 1.0 / max(1, len(self.scores))

    def explain(self, representation: Anybody, item_ids: Ints) -> list[Evidence | None]:
        return [None] * len(item_ids)

    def evidence(self, item_ids: Ints) -> Doubles:
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        return no_similarities(item_ids, others)


KIND = Kind(
    name="fresh",
    label="New items",
    method="fresh",
    why="New in the catalog.",
    build=lambda model, catalog: Fresh.over(catalog),
)
