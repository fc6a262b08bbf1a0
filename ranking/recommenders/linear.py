"""Recommenders whose score is a sum over the history: rows of a matrix over items, by signed weights."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Floats, Ints, Rows, positions
from core.sparse import weighted_sum
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Evidence, Retrieved
from ranking.recommenders.rows import full_evidence, retrieve_rows
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.calibration import probabilities


class LinearModel(Protocol):
    """A trained model; row and column i of `matrix` belong to `item_ids[i]`.

    item_ids  (n,) sorted, unique
    matrix    (n, n) sparse: what an item of the history, by its row, adds to each item; at most 1
    slope, intercept   of the calibration; slope > 0
    """

    @property
    def item_ids(self) -> Ints: ...

    @property
    def matrix(self) -> "csr_matrix[np.float32]": ...

    @property
    def slope(self) -> float: ...

    @property
    def intercept(self) -> float: ...

    def shares(self, weights: Floats) -> Floats:
        """The share of each item of a history (h,), oldest first, by its signed weight, with that sign."""
        ...


def score_all(model: LinearModel, rows: Rows, shares: Floats) -> Floats:
    """The raw score of every item (n,) for a history (h,), oldest first: its rows and their shares."""
    asked = np.flatnonzero(shares)
    return weighted_sum(model.matrix, rows[asked], shares[asked].astype(np.float64)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class KnownHistory:
    """The part of a person's history that the model knows, (h,), oldest first, and all raw scores, (n,)."""

    item_ids: Ints
    rows: Rows
    shares: Floats
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ItemToItem:
    """`allowed` (n,): rows of the model whose item is in the catalog."""

    model: LinearModel
    allowed: Bools

    def represent(self, person: PersonState) -> KnownHistory | None:
        """The scores of all items; None where the model knows nothing that speaks for anything with them."""
        rows = positions(person.item_ids, self.model.item_ids)
        known = rows >= 0
        weights = person.weights[known]
        if not (weights > 0).any():
            return None
        shares = self.model.shares(weights)
        scores = score_all(self.model, rows[known], shares)
        return KnownHistory(person.item_ids[known], rows[known], shares, scores)

    def retrieve(self, representation: KnownHistory, limit: int, barred: Barred) -> Retrieved:
        scores = representation.scores
        # An item that has nothing to do with the history is no more likely than any other.
        rows = retrieve_rows(scores, self.model.item_ids, limit, barred, self.allowed, above=0.0)
        return Retrieved(self.model.item_ids[rows], self._calibrated(scores[rows]))

    def score(self, representation: KnownHistory, item_ids: Ints) -> Doubles:
        rows = positions(item_ids, self.model.item_ids)
        scores = np.full(len(item_ids), np.nan)
        near = (rows >= 0) & (representation.scores[rows] > 0.0)
        scores[near] = self._calibrated(representation.scores[rows[near]])
        return scores

    def floor(self, representation: KnownHistory) -> float:
        return float(self._calibrated(np.zeros(1, dtype=np.float32))[0])

    def explain(self, representation: KnownHistory, item_ids: Ints) -> list[Evidence | None]:
        """The item of the history that adds most to the score of each."""
        rows = positions(item_ids, self.model.item_ids)
        shares = np.maximum(representation.shares, 0.0)
        asked = np.flatnonzero(shares)
        if not len(asked):
            return [None] * len(item_ids)
        added = self.model.matrix[representation.rows[asked]][:, np.maximum(rows, 0)].toarray()
        added = np.where(rows >= 0, added * shares[asked, None], 0.0)
        return [
            Evidence(item_id=int(representation.item_ids[asked[best]]), strength=float(value))
            if value > 0.0
            else None
            for best, value in zip(added.argmax(axis=0), added.max(axis=0), strict=True)
        ]

    def evidence(self, item_ids: Ints) -> Doubles:
        # The acts of few people add little to the matrix itself.
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        mine, theirs = positions(item_ids, self.model.item_ids), positions(others, self.model.item_ids)
        both = (mine >= 0)[:, None] & (theirs >= 0)[None, :]
        # An item may say more of another than that says of it.
        there = self.model.matrix[np.maximum(mine, 0)][:, np.maximum(theirs, 0)].toarray()
        back = self.model.matrix[np.maximum(theirs, 0)][:, np.maximum(mine, 0)].toarray().T
        return np.where(both, np.clip((there.astype(np.float64) + back) / 2, -1.0, 1.0), np.nan)

    def _calibrated(self, scores: Floats) -> Doubles:
        return probabilities(scores, self.model.slope, self.model.intercept)


def build_item_to_item(model: LinearModel, catalog: CatalogSnapshot) -> ItemToItem:
    """The recommender of a model over a catalog."""
    return ItemToItem(model, catalog.holds(model.item_ids))
