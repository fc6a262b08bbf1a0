"""What is compared: models as they would serve, and the orders anybody could have without a model."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Ints
from core.domain import UseCase
from profiles.selectors import STRANGER, PersonalTaste
from ranking.blending import blend, joint_scores, popularity_share, put_behind
from ranking.live import Live
from ranking.registry.loading import NO_MODELS, LoadedModels
from ranking.replay import features_at, rank_at, state_from
from ranking.sources import UserState, als_scores, tower_scores
from ranking.statistics.events import Events
from serving.pipeline import lift, personalise

POPULARITY = "popularity"
RANDOM = "random"
AS_SHOWN = "as shown"

_NOTHING: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Contender:
    """Models under a name. Without any, the order is that of popularity, as in serving.

    boosted     whether what fits the person's taste is lifted as in serving; models are judged without
    seen_until  the latest moment any of the models learned from, seconds since 1970; -inf where not known
    """

    name: str
    models: LoadedModels = NO_MODELS
    seen_until: float = -np.inf
    boosted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a contender makes of one person at one moment.

    retrieved      (c,) what it would show them, best first, before personalisation; empty if not asked for
    scores         (n,) what it orders the given items by, comparable within this look; NaN for an item that
                   the catalogue does not know
    probabilities  (n,) what the models say of these items, before boosts and popularity are mixed in; NaN
                   where no model has anything to say
    """

    retrieved: Ints
    scores: Doubles
    probabilities: Doubles


def look(
    item_ids: Ints,
    history: Events,
    live: Live,
    use_case: UseCase,
    moment: float,
    *,
    retrieve: bool,
    taste: PersonalTaste = STRANGER,
    boosted: bool = False,
) -> Look:
    """Scores items (n,) for a person whose events up to the moment are `history`, oldest first.

    `moment` in seconds since 1970; `taste` is what was believed of the person then. Without a ranker the
    score is that of the models that retrieve, and behind come, by popularity, the items that none of them
    knows, as serving joins them. `boosted`: what fits the taste is lifted, as in serving.
    """
    state = state_from(history, live, taste=taste)
    retrieved = _retrieved(state, live, use_case, moment, boosted=boosted) if retrieve else _NOTHING
    rows = live.catalogue.rows_of(item_ids)
    probabilities = _probabilities(item_ids, state, live, moment)
    # The model may know items that were taken out of the catalogue; nobody would be shown them.
    probabilities[rows < 0] = np.nan
    popularity = np.where(rows >= 0, live.catalogue.demand.popularity[rows], np.nan)
    scores = popularity
    if not np.isnan(probabilities).all():
        scores = blend(put_behind(probabilities, popularity), popularity, popularity_share(state, live))
    if boosted:
        scores[rows >= 0] *= lift(live.catalogue.content.facets[rows[rows >= 0]], state, live).multipliers
    return Look(retrieved, scores, probabilities)


def _retrieved(state: UserState, live: Live, use_case: UseCase, moment: float, *, boosted: bool) -> Ints:
    pool = rank_at(state, live, use_case, moment)
    return personalise(pool, state, live).item_ids if boosted else pool.item_ids


def _probabilities(item_ids: Ints, state: UserState, live: Live, moment: float) -> Doubles:
    """What the ranker, or without one the models that retrieve, say of each item, (n,); NaN for nothing."""
    if live.ranker is None:
        by_als, by_tower = als_scores(item_ids, state, live)[0], tower_scores(item_ids, state, live)
        return joint_scores(by_als, by_tower, state)
    scores = np.full(len(item_ids), np.nan)
    known, features = features_at(item_ids, state, live, moment)
    if len(known):
        scores[known] = live.ranker.probabilities(features)
    return scores
