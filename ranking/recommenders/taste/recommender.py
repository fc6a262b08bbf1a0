"""The taste vector as a recommender."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Ints
from profiles.reduction import NEUTRAL, Taste
from profiles.taste import nearness, vector_for
from ranking.person import PersonState
from ranking.recommenders.barred import Barred
from ranking.recommenders.base import Evidence, Kind, Retrieved
from ranking.recommenders.rows import full_evidence, no_similarities, retrieve_above, scores_of
from ranking.snapshot import CatalogSnapshot
from ranking.tastes import liked_facets

# So much nearer to the taste vector makes half of the score: about three well-liked facets.
_HALFWAY = 2.0
# Who is nearer by less is no nearer: sums of thousands of entries are exact to this.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class TasteScores:
    """A person's taste, and how much nearer to it each row of the catalog is, (n,)."""

    taste: Taste
    nearer: Doubles


@dataclass(frozen=True, slots=True)
class NearTaste:
    """The items nearest to a person's taste vector, by Manhattan distance.

    The score is n / (n + 2), n being how much nearer an item is than one that has nothing the vector knows;
    items that are no nearer have no score.
    """

    catalog: CatalogSnapshot

    def represent(self, person: PersonState) -> TasteScores | None:
        """The scores of everything; None for somebody whose vector says nothing good of any facet."""
        taste = person.taste.taste
        if not (taste.values > NEUTRAL).any():
            return None
        vector = vector_for(taste, self.catalog.facet_ids)
        return TasteScores(taste, nearness(self.catalog.content.by_facet, vector))

    def retrieve(self, representation: TasteScores, limit: int, barred: Barred) -> Retrieved:
        nearest = retrieve_above(representation.nearer, self.catalog.item_ids, limit, barred, _ROUNDING)
        return Retrieved(nearest.item_ids, _score_of(nearest.scores))

    def score(self, representation: TasteScores, item_ids: Ints) -> Doubles:
        nearer = scores_of(item_ids, self.catalog.item_ids, representation.nearer)
        return _score_of(np.where(nearer >= _ROUNDING, nearer, np.nan))

    def floor(self, representation: TasteScores) -> float:
        return float(_score_of(np.array(_ROUNDING)))

    def explain(self, representation: TasteScores, item_ids: Ints) -> list[Evidence | None]:
        """The facets of each item that the vector likes most."""
        taste = representation.taste
        liked = liked_facets(item_ids, taste, taste.values - NEUTRAL, self.catalog)
        return [Evidence(facets=facets) if facets else None for facets in liked]

    def evidence(self, item_ids: Ints) -> Doubles:
        return full_evidence(item_ids)

    def similarities(self, item_ids: Ints, others: Ints) -> Doubles:
        return no_similarities(item_ids, others)


def _score_of(nearer: Doubles) -> Doubles:
    scores: Doubles = nearer / (nearer + _HALFWAY)
    return scores


KIND = Kind(
    name="taste",
    label="Taste",
    method="taste",
    why="Close to what you like.",
    build=lambda model, catalog: NearTaste(catalog),
    is_taste=True,
)
