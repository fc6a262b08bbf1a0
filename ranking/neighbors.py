"""Items near an item: by who chose both, and by their facets, so that a new item has neighbors too."""

import numpy as np

from core.arrays import Bools, Doubles
from core.sparse import dense_row
from ranking.context import ScoringContext
from ranking.item_content import CONTENT, GROUPS, ItemContent

# Weight of the behavior of people beside what the items are, where there is any.
BEHAVIOR_SHARE = 0.5
# The nearness of what shares no category and no theme is divided by so much: it stands behind what does.
_WITHOUT_CONTENT = 0.1
# What is left of the nearness to an item of quite other categories: one category and one theme in common
# make no evening like another, such as Drama and addiction in a crime film.
OTHER_MIX = 0.2
_CATEGORY = GROUPS.index("genre")
# From this cosine of what two items are on, behavior counts in full; below it by its share. One theme
# in common, such as friendship, does not make a film of a war like one of weddings.
ENOUGH_LIKENESS = 0.15
# Items that have no facet in common are neighbors from this likeness in behavior on.
LEAST_BEHAVIOR = 0.5


def shares_content(row: int, content: ItemContent) -> Bools:
    """The mask of the items that have a category or a theme in common with the one at `row`, (n,)."""
    columns = content.facets.indices[content.facets.indptr[row] : content.facets.indptr[row + 1]]
    wanted = np.zeros(content.facets.shape[1])
    wanted[columns[np.isin(content.groups[columns], CONTENT)]] = 1.0
    shares: Bools = np.asarray(content.facets @ wanted) > 0.0
    return shares


def _of_one_mix(row: int, content: ItemContent) -> Doubles:
    """The factor of each item by how far its categories are those of the one at `row`, (n,).

    1 where they are the same or either has none, down to OTHER_MIX where all are others.
    """
    unknown = content.counts[:, _CATEGORY] == 0.0
    if unknown[row]:
        return np.ones(len(unknown))
    alike = np.asarray(content.categories @ dense_row(content.categories, row))
    return np.where(unknown, 1.0, OTHER_MIX + (1.0 - OTHER_MIX) * np.minimum(alike, 1.0))


def neighbor_scores(row: int, context: ScoringContext) -> Doubles:
    """The nearness of each item of the catalog to the one at `row`, (n,) in [0, 1].

    The cosine of the weighted facets; where the leading model knows both items, the mean of it and the
    model's similarity times the evidence of both, a negative one counting as 0, by as much as they are alike
    up to ENOUGH_LIKENESS. All of it counts by how far their categories are the same. What shares no facet is
    no neighbor below LEAST_BEHAVIOR. The item itself gets 0.
    """
    content = context.catalog.content
    near = content.cosines_to(np.array([row]))
    lead = context.recommenders.get(context.lead or "")
    if lead is not None:
        alike = np.maximum(lead.similarities(content.item_ids, content.item_ids[[row]])[:, 0], 0.0)
        known = ~np.isnan(alike)
        evidence = lead.evidence(content.item_ids)
        behavior = np.minimum(alike[known], 1.0) * evidence[known] * evidence[row]
        behavior[(near[known] <= 0.0) & (behavior < LEAST_BEHAVIOR)] = 0.0
        if content.counts[row, CONTENT].any():
            behavior *= np.clip(near[known] / ENOUGH_LIKENESS, _WITHOUT_CONTENT, 1.0)
        near[known] = BEHAVIOR_SHARE * behavior + (1 - BEHAVIOR_SHARE) * near[known]
    near[row] = 0.0
    if content.counts[row, CONTENT].any():
        near *= _of_one_mix(row, content)
        # What shares a category or a theme stands first; whom many people chose together follows.
        near[~shares_content(row, content)] *= _WITHOUT_CONTENT
    return near
