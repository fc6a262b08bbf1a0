"""Nearness in service: what has in common what the person's choices have in common."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Doubles, Ints, Rows
from core.sparse import Reversible
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Evidence, Retrieved
from ranking.recommenders.nearness import NearnessWeights, Units, profile, shares_of
from ranking.recommenders.rows import full_evidence, retrieve_rows
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.calibration import probabilities


@dataclass(frozen=True, slots=True, eq=False)
class NearTo:
    """A person's history in the catalog, (h,), oldest first, and the raw score of every item, (n,)."""

    rows: Rows
    shares: Doubles
    scores: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class ByNearness:
    """The recommender of a model over a catalog, whose items have `units` as vectors.

    vectors  those of `units`, by row and by column
    """

    model: NearnessWeights
    catalog: CatalogSnapshot
    units: Units
    vectors: Reversible

    @classmethod
    def build(cls, model: NearnessWeights, catalog: CatalogSnapshot, units: Units) -> "ByNearness":
        """The recommender, with what its products need."""
        return cls(model, catalog, units, Reversible.of(units.values))

    def represent(self, person: PersonState) -> NearTo | None:
        """The scores of all items; None where nothing that they approved has to do with any item."""
        rows = self.catalog.rows_of(person.item_ids)
        known = rows >= 0
        shares = shares_of(person.weights[known], self.model.decay)
        read = shares != 0.0
        rows, shares = rows[known][read], shares[read]
        if not (shares > 0).any():
            return None
        columns = profile(self.units, rows, shares, self.model)
        if not (columns > 0).any():
            return None
        return NearTo(rows, shares, self.vectors.product(columns))

    def retrieve(self, representation: NearTo, limit: int, barred: Barred) -> Retrieved:
        scores = representation.scores
        rows = retrieve_rows(scores, self.catalog.item_ids, limit, barred, above=0.0)
        return Retrieved(self.catalog.item_ids[rows], self._calibrated(scores[rows]))

    def score(self, representation: NearTo, item_ids: Ints) -> Doubles:
        rows = self.catalog.rows_of(item_ids)
        scores = np.full(len(item_ids), np.nan)
        known = np.flatnonzero(rows >= 0)
        near = known[representation.scores[rows[known]] > 0.0]
        scores[near] = self._calibrated(representation.scores[rows[near]])
        return scores

    def floor(self, representation: NearTo) -> float:
        return float(self._calibrated(np.zeros(1))[0])

    def explain(self, representation: NearTo, item_ids: Ints) -> list[Evidence | None]:
        """The approved item of the history that adds most to the score of each; none is its own reason."""
        rows = self.catalog.rows_of(item_ids)
        liked = np.flatnonzero(representation.shares > 0)
        history = representation.rows[liked]
        if not len(rows) or not len(self.catalog.item_ids):
            return [None] * len(item_ids)
        added = self._products(history, np.maximum(rows, 0)) * representation.shares[liked, None]
        added[:, rows < 0] = 0.0
        added[history[:, None] == rows[None, :]] = 0.0
        return [
            Evidence(item_id=int(self.catalog.item_ids[history[best]]), strength=float(value))
            if value > 0.0
            else None
            for best, value in zip(added.argmax(axis=0), added.max(axis=0), strict=True)
        ]

    def evidence(self, item_ids: Ints) -> Doubles:
        # The vector of an item does not depend on how many met it.
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        """The mean over the groups of the cosines, each by its weight."""
        mine, theirs = self.catalog.rows_of(item_ids), self.catalog.rows_of(others)
        result = np.full((len(mine), len(theirs)), np.nan)
        left, right = np.flatnonzero(mine >= 0), np.flatnonzero(theirs >= 0)
        if len(left) and len(right):
            alike = self._products(mine[left], theirs[right]) / self.model.approved.sum()
            result[np.ix_(left, right)] = np.clip(alike, 0.0, 1.0)
        return result

    def _products(self, rows: Rows, others: Rows) -> Doubles:
        """(n, m): the weighted sum over the groups of the cosines between items."""
        left = self.units.values[rows]
        values = left.data * self.model.approved[self.units.groups[left.indices]]
        weighted = csr_matrix((values, left.indices, left.indptr), shape=left.shape)
        products: Doubles = (weighted @ self.units.values[others].T).toarray()
        return products

    def _calibrated(self, scores: Doubles) -> Doubles:
        return probabilities(scores, self.model.slope, self.model.intercept)
