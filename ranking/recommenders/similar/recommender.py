"""Likeness to what a person approved last, as a recommender: new items get into lists by what they are."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Ints, Rows
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Evidence, Kind, Retrieved
from ranking.recommenders.rows import full_evidence, retrieve_above, scores_of
from ranking.snapshot import CatalogSnapshot

# From this training weight on an item is approved of: liked, kept, or watched and not rated below 5.
APPROVED = 1.5
# So many of the last approved items are anchors.
_ANCHORS = 3
# Items that have less in common, such as one frequent genre, are not alike.
_LEAST = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """The last few items that a person approved, newest first.

    rows    (a,) of the catalog
    scores  (n,) of each item the greatest cosine between its facets and those of an anchor
    """

    rows: Rows
    scores: Doubles


@dataclass(frozen=True, slots=True)
class Similar:
    """The items most like the last few that the person approved; the score is the cosine to the nearest."""

    catalog: CatalogSnapshot

    def represent(self, person: PersonState) -> Anchors | None:
        """The likeness of everything; None for somebody who approved nothing that the catalog has."""
        rows = self.catalog.rows_of(person.item_ids[person.weights >= APPROVED])
        rows = rows[rows >= 0][::-1][:_ANCHORS]
        if not len(rows):
            return None
        return Anchors(rows, self.catalog.content.cosines_to(rows))

    def retrieve(self, representation: Anchors, limit: int, barred: Barred) -> Retrieved:
        return retrieve_above(representation.scores, self.catalog.item_ids, limit, barred, _LEAST)

    def score(self, representation: Anchors, item_ids: Ints) -> Doubles:
        alike = np.where(representation.scores >= _LEAST, representation.scores, 0.0)
        return scores_of(item_ids, self.catalog.item_ids, alike)

    def floor(self, representation: Anchors) -> float:
        return _LEAST

    def explain(self, representation: Anchors, item_ids: Ints) -> list[Evidence | None]:
        """The nearest anchor of each item; an anchor is no evidence for itself."""
        anchors = self.catalog.item_ids[representation.rows]
        rows = self.catalog.rows_of(item_ids)
        cosines = self.catalog.content.cosines(np.maximum(rows, 0), representation.rows)
        cosines[rows < 0] = 0.0
        cosines[item_ids[:, None] == anchors[None, :]] = 0.0
        return [
            Evidence(item_id=int(anchors[nearest]), strength=float(cosine)) if cosine > 0.0 else None
            for nearest, cosine in zip(cosines.argmax(axis=1), cosines.max(axis=1), strict=True)
        ]

    def evidence(self, item_ids: Ints) -> Doubles:
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        mine, theirs = self.catalog.rows_of(item_ids), self.catalog.rows_of(others)
        result = np.full((len(mine), len(theirs)), np.nan)
        known = np.flatnonzero(theirs >= 0)
        if len(known):
            cosines = self.catalog.content.cosines(np.maximum(mine, 0), theirs[known])
            result[:, known] = np.where((mine >= 0)[:, None], cosines, np.nan)
        return result


KIND = Kind(
    name="similar",
    label="Similar items",
    method="similar",
    why="Much like something that you liked.",
    build=lambda model, catalog: Similar(catalog),
    evidence_for_all=True,
)
