"""Boosts by a person's taste and penalties by their dislikes, applied to base scores."""

import numpy as np
from scipy.sparse import csr_matrix

from curation.kinds import BOOST, BURY
from feedback.adjustments import apply_feature_adjustments
from profiles.boosts import Boosts, boost
from ranking.candidates import Candidates
from ranking.request import RankingRequest
from ranking.scoring import RANKER_ON_ITS_OWN
from ranking.seen import seen_factors


def personalize(candidates: Candidates, request: RankingRequest) -> Candidates:
    """The candidates with boosts and penalties, and what rules of staff ask for, ordered anew.

    personalized = base × (1 + the sum of the boosts) × penalty × seen × curated.
    """
    # Who is the same is held back by the same factors, unless a dislike has faded since.
    person, kept = request.person, request.remembered.personalized
    weighing = tuple(request.rules.of_kind(BOOST, BURY))
    bent_by = (person.penalties, person.passed_over, person.allowed, weighing)
    if kept is not None and kept[0] == bent_by and kept[1] is candidates.base_scores:
        return kept[2]
    personalized = _bent(candidates, request)
    request.remembered.personalized = (bent_by, candidates.base_scores, personalized)
    return personalized


def _bent(candidates: Candidates, request: RankingRequest) -> Candidates:
    person, catalog = request.person, request.context.catalog
    if (curated := request.rules.factors_of(candidates.item_ids)) is not None:
        candidates = candidates.with_curated(curated)
    if person.known or person.passed_over:
        candidates = candidates.with_seen(seen_factors(candidates.item_ids, request))
    if not person.penalties and not len(person.taste.taste.facet_ids):
        return candidates
    facets = catalog.content.facets[catalog.rows_of(candidates.item_ids)]
    penalties = candidates.penalties
    if person.penalties and (strength := request.context.policy.hold_back):
        penalties = apply_feature_adjustments(facets, catalog.facet_ids, person.penalties, strength)
        if person.allowed:
            penalties[np.isin(candidates.item_ids, person.allowed)] = 1.0
    return candidates.with_boosts(boosts_of(facets, request).parts, penalties)


def boosts_of(facets: "csr_matrix[np.float64]", request: RankingRequest) -> Boosts:
    """The boosts of items with these facets, (n, m) as in the catalog."""
    taste, facet_ids = request.person.taste, request.context.catalog.facet_ids
    return boost(facets, facet_ids, taste.taste, alpha=taste.alpha, strength=boost_strength(request))


def boost_strength(request: RankingRequest) -> float:
    """The share of a person's boosts that is applied, 0 to 1.

    A ranker knows the taste from its features, so there the boosts have a strength of their own: up to twice
    that, and at most the usual one, for who is too new for a ranker to be on its own (`ranking.scoring`).
    """
    policy = request.context.policy
    if request.context.ranker is None:
        return policy.boost_strength
    newness = max(0.0, 1.0 - request.person.approved / RANKER_ON_ITS_OWN)
    own = policy.boost_strength_with_ranker
    return max(own, min(policy.boost_strength, own * (1.0 + newness)))
