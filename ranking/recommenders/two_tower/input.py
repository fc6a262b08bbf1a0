"""Input of the user tower: made by one function for the dataset and for serving, so that both agree."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Floats, Ints, Rows, top_k

MOST_ITEMS = 50
MOST_FACETS = 50

_NONE: Rows = np.empty(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class TowerInput:
    """The input of the user tower for one person.

    item_ids, weights        (h,) what was acted on last, oldest first, with signed training weights, none 0
    facet_ids, facet_scores  (k,) the facets with the clearest scores in the taste profile, [-1, 1], none 0
    """

    item_ids: Ints
    weights: Floats
    facet_ids: Ints
    facet_scores: Floats


def tower_input(item_ids: Ints, weights: Floats, facet_ids: Ints, facet_scores: Doubles) -> TowerInput:
    """The last MOST_ITEMS items that anything speaks for or against, and the MOST_FACETS clearest facets.

    item_ids, weights        (n,) each item once, oldest first
    facet_ids, facet_scores  (m,) each facet once, in any order, which is kept; of equal ones the first stay
    """
    last = np.flatnonzero(weights)[-MOST_ITEMS:]
    clearest = np.sort(top_k(np.abs(facet_scores), MOST_FACETS, _NONE))
    clearest = clearest[facet_scores[clearest] != 0.0]
    return TowerInput(
        item_ids=item_ids[last],
        weights=weights[last].astype(np.float32),
        facet_ids=facet_ids[clearest],
        facet_scores=facet_scores[clearest].astype(np.float32),
    )
