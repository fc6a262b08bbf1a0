"""The contenders of an evaluation: models as they would serve, and the orders anybody has without a model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Ints
from profiles.selectors import STRANGER, PersonalTaste
from ranking.boosting import boosts_of, personalize
from ranking.context import ScoringContext
from ranking.person import person_before
from ranking.registry.loading import NO_MODELS, ModelSet
from ranking.request import RankingRequest
from ranking.scoring import exclude, rank, score_items
from ranking.scoring import retrieve as bring
from ranking.statistics.events import Events
from ranking.statistics.exposure import NO_IMPRESSIONS, Impressions

POPULARITY = "popularity"
RANDOM = "random"
AS_SHOWN = "as shown"

_NOTHING: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Contender:
    """Models under a name. Without any, the order is that of popularity, as in serving.

    boosted     boosts are applied as in serving; models are evaluated without them
    seen_until  the latest moment any of the models learned from, seconds since 1970; -inf where not known
    """

    name: str
    models: ModelSet = NO_MODELS
    seen_until: float = -np.inf
    boosted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ContenderScores:
    """One contender's answer for one person at one moment.

    retrieved      (c,) the items of the list it would make, best first; empty if not asked for
    brought        by source, in order of trust, the items that it brought to this list; empty likewise
    scores         (n,) what it orders the given items by; NaN for an item that the catalog does not have
    probabilities  (n,) what the models say of these items, before boosts and popularity are mixed in; NaN
                   where no model has anything to say
    by_models      a model had a say in the order; else it is what anybody gets without one
    """

    retrieved: Ints
    brought: Mapping[str, Ints]
    scores: Doubles
    probabilities: Doubles
    by_models: bool


def contender_scores(
    item_ids: Ints,
    history: Events,
    context: ScoringContext,
    moment: float,
    *,
    retrieve: bool,
    taste: PersonalTaste = STRANGER,
    not_there: Ints | None = None,
    seen: Impressions = NO_IMPRESSIONS,
    boosted: bool = False,
) -> ContenderScores:
    """Scores items (n,) for a person whose events up to the moment are `history`, oldest first.

    moment     seconds since 1970
    taste      what was believed of the person then
    not_there  items of the catalog that came later
    seen       the slots that the person had seen lately
    boosted    boosts are applied, as in serving; dislikes hold nothing back, for they are no part of a model
    """
    person = person_before(history, taste=taste, not_there=not_there, seen=seen)
    request = RankingRequest.of(person, context, moment)
    retrieved, brought = _NOTHING, {}
    if retrieve:
        candidates = bring(request)
        pool = exclude(rank(request, candidates), request.not_to_show)
        retrieved = (personalize(pool, request) if boosted else pool).item_ids
        sources = request.context.policy.sources
        brought = {name: one.item_ids for name, one in zip(sources, candidates, strict=True)}
    scored = score_items(request, item_ids)
    scores = scored.base
    if boosted:
        has = ~np.isnan(scores)
        facets = context.catalog.content.facets[context.catalog.rows_of(item_ids[has])]
        scores[has] *= boosts_of(facets, request).multipliers
    return ContenderScores(retrieved, brought, scores, scored.probabilities, request.is_by_models)
