"""Boosts by a person's taste and penalties by their dislikes, applied to base scores."""

import numpy as np
from scipy.sparse import csr_matrix

from feedback.adjustments import apply_feature_adjustments
from profiles.boosts import Boosts, boost
from ranking.candidates import Candidates
from ranking.scoring import RankingRequest


def personalize(candidates: Candidates, request: RankingRequest) -> Candidates:
    """The candidates with boosts and penalties, ordered anew.

    personalized = base × (1 + the sum of the boosts) × penalty.
    """
    person, catalog = request.person, request.context.catalog
    if not person.penalties and not len(person.taste.taste.facet_ids):
        return candidates
    facets = catalog.content.facets[catalog.rows_of(candidates.item_ids)]
    penalties = candidates.penalties
    if person.penalties and request.context.policy.dislikes_hold_back:
        penalties = apply_feature_adjustments(facets, catalog.facet_ids, person.penalties)
    return candidates.with_boosts(boosts_of(facets, request).parts, penalties)


def boosts_of(facets: "csr_matrix[np.float64]", request: RankingRequest) -> Boosts:
    """The boosts of items with these facets, (n, m) as in the catalog.

    A ranker knows the taste from its features, so there the boosts have a strength of their own.
    """
    policy, taste = request.context.policy, request.person.taste
    strength = policy.boost_strength if request.context.ranker is None else policy.boost_strength_with_ranker
    return boost(facets, request.context.catalog.facet_ids, taste.taste, alpha=taste.alpha, strength=strength)
