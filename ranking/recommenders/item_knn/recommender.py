"""Item-to-item neighbors in service."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows
from ranking.person import PersonState
from ranking.recommenders.base import Evidence, Kind, Retrieved
from ranking.recommenders.item_knn.file import load_item_knn
from ranking.recommenders.item_knn.model import ItemKnn, score_all
from ranking.recommenders.rows import full_evidence, retrieve_rows
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.calibration import probabilities


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The part of a person's history that the model knows, and the raw score of every item, (n,)."""

    item_ids: Ints
    rows: Rows
    weights: Floats
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ItemNeighbors:
    """`allowed` (n,): rows of the model whose item is in the catalog."""

    model: ItemKnn
    allowed: Bools

    def represent(self, person: PersonState) -> History | None:
        """The scores of all items; None where the model knows nothing that speaks for anything with them."""
        rows = self.model.rows_of(person.item_ids)
        known = rows >= 0
        weights = person.weights[known]
        if not (weights > 0).any():
            return None
        return History(
            person.item_ids[known], rows[known], weights, score_all(self.model, rows[known], weights)
        )

    def retrieve(self, representation: History, limit: int, barred: Ints) -> Retrieved:
        scores = representation.scores
        rows = retrieve_rows(scores, self.model.item_ids, limit, barred, self.allowed)
        # An item without a common neighbor is no more likely than any other.
        rows = rows[scores[rows] > 0.0]
        return Retrieved(self.model.item_ids[rows], self._calibrated(scores[rows]))

    def score(self, representation: History, item_ids: Ints) -> Doubles:
        rows = self.model.rows_of(item_ids)
        scores = np.full(len(item_ids), np.nan)
        near = (rows >= 0) & (representation.scores[rows] > 0.0)
        scores[near] = self._calibrated(representation.scores[rows[near]])
        return scores

    def floor(self, representation: History) -> float:
        return float(self._calibrated(np.zeros(1, dtype=np.float32))[0])

    def explain(self, representation: History, item_ids: Ints) -> list[Evidence | None]:
        """The item of the history that adds most to the score of each."""
        rows = self.model.rows_of(item_ids)
        added = self.model.similarity[representation.rows][:, np.maximum(rows, 0)].toarray()
        added = np.where(rows >= 0, added * np.maximum(representation.weights, 0.0)[:, None], 0.0)
        return [
            Evidence(item_id=int(representation.item_ids[best]), strength=float(value))
            if value > 0.0
            else None
            for best, value in zip(added.argmax(axis=0), added.max(axis=0), strict=True)
        ]

    def evidence(self, item_ids: Ints) -> Doubles:
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        mine, theirs = self.model.rows_of(item_ids), self.model.rows_of(others)
        both = (mine >= 0)[:, None] & (theirs >= 0)[None, :]
        found = self.model.similarity[np.maximum(mine, 0)][:, np.maximum(theirs, 0)].toarray()
        return np.where(both, found.astype(np.float64), np.nan)

    def _calibrated(self, scores: Floats) -> Doubles:
        return probabilities(scores, self.model.slope, self.model.intercept)


def _build(model: ItemKnn, catalog: CatalogSnapshot) -> ItemNeighbors:
    return ItemNeighbors(model, catalog.holds(model.item_ids))


KIND = Kind(
    name="item_knn",
    label="item neighbors",
    method="item_knn",
    why="People who chose what you chose took it too.",
    build=_build,
    load=load_item_knn,
    without="the other sources go on",
)
