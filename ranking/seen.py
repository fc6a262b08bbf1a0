"""Factors of items by what a person has seen: what they pass over, and doubles of what they know.

A no that is said of an item alone is heeded too: who knows a film has no use for its double, and who saw a
title in five lists and never opened it is better shown another. Neither is a matter of taste, so neither
touches what is believed of the person (docs/decisions/0034-seen-is-not-refused.md).
"""

import numpy as np

from core.arrays import Doubles, Ints
from ranking.request import RankingRequest


def seen_factors(item_ids: Ints, request: RankingRequest) -> Doubles:
    """(n,) in [0, 1], 1 for what the person has seen nothing of.

    (1 − passed_over_share) ^ times passed over × (1 − known_share × likeness to what they know already)

    The likeness is the cosine of the weighted facets with the nearest item that the person turned down only
    because they know it.
    """
    policy, person = request.context.policy, request.person
    times = np.array([person.passed_over.get(item_id, 0) for item_id in item_ids.tolist()], dtype=np.float64)
    return (1.0 - policy.passed_over_share) ** times * (
        1.0 - policy.known_share * _likeness_to_known(item_ids, request)
    )


def _likeness_to_known(item_ids: Ints, request: RankingRequest) -> Doubles:
    """(n,) in [0, 1]; 0 where the catalog lacks the item."""
    catalog = request.context.catalog
    known = catalog.rows_of(np.array(request.person.known, dtype=np.int64))
    known = known[known >= 0]
    likeness = np.zeros(len(item_ids))
    if len(known):
        rows = catalog.rows_of(item_ids)
        likeness[rows >= 0] = catalog.content.cosines(rows[rows >= 0], known).max(axis=1)
    return likeness
