"""A transformer in service: the person's vector is made from their last events of this moment.

It also knows items that nobody met yet, where they share a facet with those that somebody did.
"""

from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows, positions
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Evidence, Kind, Retrieved
from ranking.recommenders.rows import cosines, full_evidence, retrieve_rows
from ranking.recommenders.sequence.file import load_sequence
from ranking.recommenders.sequence.model import SequenceModel, calibrated, kinds_of, score_all
from ranking.snapshot import CatalogSnapshot


@dataclass(frozen=True, slots=True, eq=False)
class ReadHistory:
    """The rows of the items that the person approved, (h,), and the raw scores of all items, (n,)."""

    approved: Rows
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SequenceRecommender:
    """`allowed` (n,): rows of the model whose item is in the catalog."""

    model: SequenceModel
    allowed: Bools

    def represent(self, person: PersonState) -> ReadHistory | None:
        """The scores of all items; None where the model knows nothing that speaks for anything with them."""
        rows = positions(person.item_ids, self.model.item_ids)
        known = rows >= 0
        rows, weights = rows[known], person.weights[known]
        if not (weights > 0).any():
            return None
        return ReadHistory(rows[weights > 0], score_all(self.model, rows, kinds_of(weights)))

    def retrieve(self, representation: ReadHistory, limit: int, barred: Barred) -> Retrieved:
        scores, model = representation.scores, self.model
        rows = retrieve_rows(scores, model.item_ids, limit, barred, self.allowed)
        return Retrieved(model.item_ids[rows], calibrated(model, scores[rows]))

    def score(self, representation: ReadHistory, item_ids: Ints) -> Doubles:
        rows = positions(item_ids, self.model.item_ids)
        scores = np.full(len(item_ids), np.nan)
        known = rows >= 0
        scores[known] = calibrated(self.model, representation.scores[rows[known]])
        return scores

    def floor(self, representation: ReadHistory) -> float:
        lowest = calibrated(self.model, representation.scores.min(keepdims=True))
        return float(np.maximum(lowest, np.finfo(np.float64).tiny)[0])

    def explain(self, representation: ReadHistory, item_ids: Ints) -> list[Evidence | None]:
        """The approved item of the history that is most like each; None where none is."""
        rows = positions(item_ids, self.model.item_ids)
        alike = np.nan_to_num(cosines(self.model.item_vectors, rows, representation.approved))
        ids = self.model.item_ids[representation.approved]
        return [
            Evidence(item_id=int(ids[best]), strength=float(value)) if value > 0.0 else None
            for best, value in zip(alike.argmax(axis=1), alike.max(axis=1), strict=True)
        ]

    def evidence(self, item_ids: Ints) -> Doubles:
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        mine, theirs = positions(item_ids, self.model.item_ids), positions(others, self.model.item_ids)
        return cosines(self.model.item_vectors, mine, theirs)


def _build(model: SequenceModel, catalog: CatalogSnapshot) -> SequenceRecommender:
    whole = model.with_items(catalog.item_ids, catalog.content.facets)
    return SequenceRecommender(whole, catalog.holds(whole.item_ids))


KIND = Kind(
    name="sequence",
    label="sequence model",
    method="sequence",
    why="It fits what you have chosen lately.",
    build=_build,
    load=load_sequence,
    sizes=lambda model: {
        "dimensions": model.item_vectors.shape[1],
        "layers": model.layers.distances.shape[0],
        "heads": model.layers.distances.shape[1],
    },
    without="the other sources go on",
)
