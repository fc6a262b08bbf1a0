"""Evaluation orders as serving orders: for any models, catalog, person and policy.

The score of an item in an evaluation, which names the items itself, is the one under which serving ranks it,
which retrieves them. So no verdict speaks of an order that nobody is shown.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import USE_CASES
from ranking.boosting import personalize
from ranking.context import ScoringContext
from ranking.evaluation.contenders import contender_scores
from ranking.person import person_before
from ranking.policy import Policy
from ranking.recommenders.registry import RETRIEVING, TRAINED
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.request import RankingRequest
from ranking.scoring import ranked_pool
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand
from tests.ranking.recommenders.kinds import BYTES, taste_of_facets
from tests.ranking.statistics.builders import make_content, make_events

MOVIES = USE_CASES["movie_home"]
NOW = 1e9
# The models know items 0 to 13 at most; half as many came after them.
ITEMS = 21


@cache
def model_of(kind: str) -> LoadedModel:
    parse = TRAINED[kind].load
    assert parse is not None
    return LoadedModel(1, f"{kind}-movie_home-1", parse(BYTES[kind]()))


@st.composite
def contexts(draw: st.DrawFn) -> ScoringContext:
    """Any set of models over a catalog of which they know a part, under any policy."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kept = np.flatnonzero(rng.random(ITEMS) < 0.9).tolist()
    content = make_content(
        [tuple(np.flatnonzero(rng.random(2) < 0.6).tolist()) for _ in kept],
        groups=["genre", "theme"],
        item_ids=kept,
        published=rng.integers(-100, 100, len(kept)).astype(float).tolist(),
    )
    popularity = np.where(rng.random(len(kept)) < 0.3, 0.0, rng.random(len(kept)))
    demand = ItemDemand.from_counts(popularity, *rng.integers(0, 40, (2, len(kept))).astype(np.float64))
    models = {kind: model_of(kind) for kind in TRAINED if draw(st.booleans())}
    share = st.sampled_from([0.0, 0.3, 1.0])
    policy = Policy.of(MOVIES).changed(
        {
            "sources": draw(st.permutations(sorted(RETRIEVING))),
            "popularity_share": draw(share),
            "boost_strength": draw(share),
            "boost_strength_with_ranker": draw(share),
        }
    )
    catalog = CatalogSnapshot.build(content, demand, np.arange(content.facets.shape[1]))
    return ScoringContext.of(MOVIES, catalog, ModelSet(models), policy)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, float]]:
    """(item, weight) of somebody new, of somebody who only dislikes, and of people with a past."""
    some = st.tuples(st.integers(0, ITEMS - 1), st.sampled_from([0.5, 2.0, 3.0, -1.0]))
    return draw(st.lists(some, max_size=8))


@pytest.mark.slow
@given(contexts(), histories(), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_evaluation_scores_as_serving_ranks(
    context: ScoringContext, history: list[tuple[int, float]], boosted: bool, has_taste: bool, seed: int
) -> None:
    events = make_events([(1, item, weight, float(n), False) for n, (item, weight) in enumerate(history)])
    person = person_before(events)
    if has_taste:
        person = taste_of_facets(person, {0: 0.8, 1: 0.2})
    request = RankingRequest.of(person, context, NOW)
    pool = ranked_pool(request)
    served = personalize(pool, request) if boosted else pool
    asked = np.random.default_rng(seed).permutation(served.item_ids)
    answer = contender_scores(asked, events, context, NOW, retrieve=True, taste=person.taste, boosted=boosted)
    assert answer.retrieved.tolist() == served.item_ids.tolist()
    scores = dict(zip(asked.tolist(), answer.scores.tolist(), strict=True))
    served_scores = served.boosted_scores if boosted else served.base_scores
    assert [scores[item] for item in served.item_ids.tolist()] == pytest.approx(
        served_scores, abs=0, rel=1e-12
    )
    assert (np.diff([scores[item] for item in served.item_ids.tolist()]) <= 1e-12).all()


@pytest.mark.slow
@given(contexts(), histories())
def test_a_score_does_not_depend_on_who_else_is_scored_or_brought(
    context: ScoringContext, history: list[tuple[int, float]]
) -> None:
    events = make_events([(1, item, weight, float(n), False) for n, (item, weight) in enumerate(history)])
    items = context.catalog.item_ids

    def scores(asked: Any, within: ScoringContext) -> list[float]:
        found: list[float] = contender_scores(asked, events, within, NOW, retrieve=False).scores.tolist()
        return found

    together = scores(items, context)
    assert together == [scores(np.array([item]), context)[0] for item in items.tolist()]
    few = replace(
        context, policy=replace(context.policy, candidates_per_source=2, candidates_per_further_source=1)
    )
    assert scores(items, few) == together
