"""Items near an item: by who chose both, and by what they are, so that a new item has neighbors too."""

import numpy as np

from core.arrays import Doubles
from ranking.context import ScoringContext
from ranking.recommenders.similar.model import content_similarities

# Weight of the behavior of people beside what the items are, where there is any.
BEHAVIOR_SHARE = 0.5
# Items that have no facet in common are neighbors from this likeness in behavior on.
LEAST_BEHAVIOR = 0.5


def neighbor_scores(row: int, context: ScoringContext) -> Doubles:
    """The nearness of each item of the catalog to the one at `row`, (n,) in [0, 1].

    The cosine of the weighted facets; where the leading model knows both items, the mean of it and the
    model's similarity times the evidence of both, a negative one counting as 0. What shares no facet is no
    neighbor below LEAST_BEHAVIOR. The item itself gets 0.
    """
    content = context.catalog.content
    near = content_similarities(np.array([row]), content)[:, 0]
    lead = context.recommenders.get(context.lead or "")
    if lead is not None:
        alike = np.maximum(lead.similarities(content.item_ids, content.item_ids[[row]])[:, 0], 0.0)
        known = ~np.isnan(alike)
        evidence = lead.evidence(content.item_ids)
        behavior = np.minimum(alike[known], 1.0) * evidence[known] * evidence[row]
        behavior[(near[known] <= 0.0) & (behavior < LEAST_BEHAVIOR)] = 0.0
        near[known] = BEHAVIOR_SHARE * behavior + (1 - BEHAVIOR_SHARE) * near[known]
    near[row] = 0.0
    return near
