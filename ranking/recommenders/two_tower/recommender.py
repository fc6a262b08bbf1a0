"""Two towers in service: a person's vector is made from their history and taste of this moment.

Unlike ALS it knows items that nobody met yet, by what they are, and people who only said what they like.
"""

from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Evidence, Kind, Retrieved
from ranking.recommenders.rows import cosines, full_evidence, retrieve_rows
from ranking.recommenders.two_tower.file import load_two_tower
from ranking.recommenders.two_tower.input import tower_input
from ranking.recommenders.two_tower.model import TwoTower, calibrated, score_items, user_vector
from ranking.snapshot import CatalogSnapshot

# With so many approved items ALS weighs as much; with fewer, knowing the taste is worth more.
_HALFWAY = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Towers:
    """`allowed` (n,): rows of the model whose item is in the catalog."""

    model: TwoTower
    allowed: Bools

    def represent(self, person: PersonState) -> Floats | None:
        """The raw scores of all items, (n,); None where the model knows neither history nor taste."""
        taste = person.taste.taste
        known = tower_input(person.item_ids, person.weights, taste.facet_ids, taste.scores)
        vector = user_vector(
            self.model,
            item_ids=known.item_ids,
            weights=known.weights,
            facet_ids=known.facet_ids,
            facet_scores=known.facet_scores,
        )
        return None if vector is None else score_items(self.model, vector)

    def retrieve(self, representation: Floats, limit: int, barred: Barred) -> Retrieved:
        model = self.model
        rows = retrieve_rows(representation, model.item_ids, limit, barred, self.allowed)
        return Retrieved(model.item_ids[rows], calibrated(model, representation[rows]))

    def score(self, representation: Floats, item_ids: Ints) -> Doubles:
        rows = self.model.rows_of(item_ids)
        scores = np.full(len(item_ids), np.nan)
        known = rows >= 0
        scores[known] = calibrated(self.model, representation[rows[known]])
        return scores

    def floor(self, representation: Floats) -> float:
        return float(calibrated(self.model, representation.min(keepdims=True))[0])

    def explain(self, representation: Floats, item_ids: Ints) -> list[Evidence | None]:
        return [None] * len(item_ids)

    def evidence(self, item_ids: Ints) -> Doubles:
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        return cosines(self.model.item_vectors, self.model.rows_of(item_ids), self.model.rows_of(others))


def _build(model: TwoTower, catalog: CatalogSnapshot) -> Towers:
    return Towers(model, catalog.holds(model.item_ids))


KIND = Kind(
    name="two_tower",
    label="two-tower",
    method="two_tower",
    why="It fits what you have chosen so far and what you like.",
    build=_build,
    load=load_two_tower,
    trust=lambda approved: _HALFWAY / (approved + _HALFWAY),
    without="the other sources go on",
)
