"""ALS in service: a person is folded in from the history of this very moment."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows
from ranking.person import PersonState
from ranking.recommenders.als.explain import contributions
from ranking.recommenders.als.file import load_als
from ranking.recommenders.als.longest import LongestFactors
from ranking.recommenders.als.model import AlsModel, calibrate, fold_in, score_all
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Evidence, Kind, Retrieved
from ranking.recommenders.rows import cosines, retrieve_rows
from ranking.snapshot import CatalogSnapshot

# With so many approved items ALS weighs as much as a model that knows people by their taste.
_HALFWAY = 20.0


@dataclass(frozen=True, eq=False)
class FoldedIn:
    """A person in the model.

    factor          (f,) of the person
    history         (h,) item ids of the history that the model knows
    rows, weights   (h,) their rows and signed training weights
    """

    model: AlsModel
    factor: Floats
    history: Ints
    rows: Rows
    weights: Floats

    @cached_property
    def scores(self) -> Floats:
        """(n,) raw, of every row of the model."""
        return score_all(self.model, self.factor)


@dataclass(frozen=True, slots=True, eq=False)
class Als:
    """ALS over a catalog.

    allowed  (n,) rows of the model whose item is in the catalog
    longest  where nearly all lists come from in a large catalog; None in others
    """

    model: AlsModel
    allowed: Bools
    longest: LongestFactors | None

    @classmethod
    def build(cls, model: AlsModel, catalog: CatalogSnapshot) -> "Als":
        """The recommender of a model over a catalog."""
        allowed = catalog.holds(model.item_ids)
        return cls(model, allowed, LongestFactors.of(model, allowed))

    def represent(self, person: PersonState) -> FoldedIn | None:
        """The person folded in; None where the model knows nothing that speaks for anything with them."""
        rows = self.model.rows_of(person.item_ids)
        known = rows >= 0
        weights = person.weights[known]
        if not (weights > 0).any():
            return None
        factor = fold_in(self.model, rows[known], weights)
        return FoldedIn(self.model, factor, person.item_ids[known], rows[known], weights)

    def retrieve(self, representation: FoldedIn, limit: int, barred: Barred) -> Retrieved:
        model = self.model
        rows = None
        if self.longest is not None and barred.filtered is None and limit > 0:
            rows = self.longest.best(representation.factor, limit, barred)
        if rows is None:
            rows = retrieve_rows(representation.scores, model.item_ids, limit, barred, self.allowed)
        scores = self._scores_at(representation, rows)
        best = np.argsort(-scores, kind="stable")[:limit]
        return Retrieved(model.item_ids[rows[best]], calibrate(model, scores[best]))

    def score(self, representation: FoldedIn, item_ids: Ints) -> Doubles:
        rows = self.model.rows_of(item_ids)
        scores = np.full(len(item_ids), np.nan)
        known = rows >= 0
        scores[known] = calibrate(self.model, self._scores_at(representation, rows[known]))
        return scores

    def floor(self, representation: FoldedIn) -> float:
        return float(calibrate(self.model, representation.scores.min(keepdims=True))[0])

    def explain(self, representation: FoldedIn, item_ids: Ints) -> list[Evidence | None]:
        """The item of the history that adds most to each predicted preference."""
        rows = self.model.rows_of(item_ids)
        known = np.flatnonzero(rows >= 0)
        evidence: list[Evidence | None] = [None] * len(item_ids)
        if not len(known):
            return evidence
        history = representation.history
        added = contributions(self.model, rows[known], representation.rows, representation.weights)
        # An item that was viewed may be shown again, and then says most for itself. That is no reason.
        added[item_ids[known][:, None] == history[None, :]] = 0.0
        for row, column, value in zip(known, added.argmax(axis=1), added.max(axis=1), strict=True):
            if value > 0.0:
                evidence[row] = Evidence(item_id=int(history[column]), strength=float(value))
        return evidence

    def evidence(self, item_ids: Ints) -> Doubles:
        """The squared length of each factor over that of the mean item, at most 1.

        Regularization keeps the factor short of an item that few have met, or that people only refused.
        """
        squares = np.square(self.model.lengths.astype(np.float64))
        mean, rows = float(squares.mean()), self.model.rows_of(item_ids)
        if mean <= 0.0:
            return np.zeros(len(item_ids))
        return np.where(rows >= 0, np.minimum(squares[rows] / mean, 1.0), 0.0)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        return cosines(self.model.item_factors, self.model.rows_of(item_ids), self.model.rows_of(others))

    def _scores_at(self, representation: FoldedIn, rows: Rows) -> Floats:
        """The raw scores of rows of the model; each the same whichever others are asked about."""
        if self.longest is None:
            return representation.scores[rows]
        # A product of BLAS rounds by how many rows there are.
        scores: Floats = np.einsum("nf,f->n", self.model.item_factors[rows], representation.factor)
        return scores


KIND = Kind(
    name="als",
    label="ALS",
    method="als",
    why="People with a taste like yours chose it.",
    build=Als.build,
    load=load_als,
    sizes=lambda model: {"factors": model.item_factors.shape[1]},
    trust=lambda approved: approved / (approved + _HALFWAY),
)
