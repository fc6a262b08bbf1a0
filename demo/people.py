"""Simulated people with hidden tastes, which no model is ever told."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.models import ItemFacet

# Weight of each sort of facet for a person, relative to the others.
_INFLUENCE = {
    "genre": 1.6,
    "theme": 0.8,
    "director": 0.4,
    "actor": 0.4,
    "position": 0.8,
}
_ARCHETYPES = 8
# Spread of what all people agree on, in units of the spread of one person's own taste.
GENERAL_APPEAL = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class HiddenTastes:
    """The opinions of p people on n items of one kind: standard scores per person, higher is more liked.

    item_ids    (n,) sorted
    utilities   (p, n) mean 0 and standard deviation 1 in each row
    """

    item_ids: NDArray[np.int64]
    utilities: NDArray[np.float64]

    def of(self, person: int, item_ids: list[int]) -> NDArray[np.float64]:
        """The opinions of one person on these items, in their order."""
        thought: NDArray[np.float64] = self.utilities[person, np.searchsorted(self.item_ids, item_ids)]
        return thought


def invent_tastes(kind: str, *, people: int, rng: np.random.Generator) -> HiddenTastes:
    """Tastes for items of `kind`: a few archetypes of liking for facets, each person a variation of one.

    Two people of one archetype like much the same, which is what collaborative filtering can find.
    """
    rows = list(
        ItemFacet.objects.filter(item__kind=kind, item__is_active=True, facet__kind__in=list(_INFLUENCE))
        .order_by("item_id", "billing", "facet_id")
        .values_list("item_id", "facet_id", "facet__kind")
    )
    item_ids, item_rows = np.unique([row[0] for row in rows], return_inverse=True)
    facet_ids, facet_rows = np.unique([row[1] for row in rows], return_inverse=True)
    influence = np.array([_INFLUENCE[row[2]] for row in rows])

    archetypes = rng.standard_normal((_ARCHETYPES, len(facet_ids)))
    own = archetypes[rng.integers(_ARCHETYPES, size=people)]
    liking = own + rng.standard_normal(own.shape)

    # The mean over an item's facets, so that many facets do not make an item louder.
    sums = np.zeros((people, len(item_ids)))
    totals = np.zeros(len(item_ids))
    np.add.at(sums.T, item_rows, (liking[:, facet_rows] * influence).T)
    np.add.at(totals, item_rows, 1.0)
    appeal = rng.standard_normal(len(item_ids))
    utilities = _standard_scores(_standard_scores(sums / totals) + GENERAL_APPEAL * appeal)
    return HiddenTastes(item_ids.astype(np.int64), utilities)


def _standard_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row with mean 0 and standard deviation 1."""
    scores: NDArray[np.float64] = values - values.mean(axis=1, keepdims=True)
    scores /= scores.std(axis=1, keepdims=True)
    return scores
