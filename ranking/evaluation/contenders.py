"""What is compared: models as they would serve, and the orders anybody could have without a model."""

from dataclasses import dataclass

import numpy as np

from config.use_cases import UseCase
from ranking.candidates import Candidates
from ranking.live import Live
from ranking.loading import NO_MODELS, LoadedModels
from ranking.ml.arrays import Doubles, Ints
from ranking.ml.events import Events
from ranking.replay import features_at, rank_at, state_from
from ranking.sources import UserState, als_scores

POPULARITY = "popularity"
RANDOM = "random"
AS_SHOWN = "as shown"

_NOTHING: Ints = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Contender:
    """Models under a name. Without any, the order is that of popularity, as in serving.

    seen_until  the latest moment any of the models learned from, seconds since 1970; -inf where not known
    """

    name: str
    models: LoadedModels = NO_MODELS
    seen_until: float = -np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a contender makes of one person at one moment.

    retrieved      (c,) what it would show them, best first, before personalisation; empty if not asked for
    scores         (n,) what it orders the given items by, comparable within this look; NaN for an item that
                   the catalogue does not know
    probabilities  (n,) the scores these items would be shown with; NaN where no model has one
    """

    retrieved: Ints
    scores: Doubles
    probabilities: Doubles


def look(
    item_ids: Ints, history: Events, live: Live, use_case: UseCase, moment: float, *, retrieve: bool
) -> Look:
    """Scores items (n,) for a person whose events up to the moment are `history`, oldest first.

    `moment` in seconds since 1970. Without a ranker the score is that of ALS, and below all of these come,
    by popularity, the items the model has none for, as serving joins them.
    """
    state = state_from(history, live)
    pool = rank_at(state, live, use_case, moment) if retrieve else None
    retrieved = _NOTHING if pool is None else pool.item_ids
    if live.ranker is not None:
        probabilities = _ranker_scores(item_ids, state, live, moment, pool)
        return Look(retrieved, probabilities, probabilities)
    probabilities, _ = als_scores(item_ids, state, live)
    rows = live.catalogue.rows_of(item_ids)
    # The model may know items that were taken out of the catalogue; nobody would be shown them.
    probabilities[rows < 0] = np.nan
    scores = probabilities.copy()
    by_popularity = np.isnan(scores) & (rows >= 0)
    below = 0.0 if live.als is None else 2.0
    scores[by_popularity] = live.catalogue.demand.popularity[rows[by_popularity]] - below
    return Look(retrieved, scores, probabilities)


def _ranker_scores(
    item_ids: Ints, state: UserState, live: Live, moment: float, pool: Candidates | None
) -> Doubles:
    """What the ranker says of each item, (n,); what stands in the pool already is not computed again."""
    scores = np.full(len(item_ids), np.nan)
    if pool is not None and len(pool):
        by_item = np.argsort(pool.item_ids)
        place = np.searchsorted(pool.item_ids, item_ids, sorter=by_item)
        rows = by_item[np.minimum(place, len(pool) - 1)]
        found = pool.item_ids[rows] == item_ids
        scores[found] = pool.base_scores[rows[found]]
    missing = np.flatnonzero(np.isnan(scores) & live.catalogue.holds(item_ids))
    if live.ranker is not None and len(missing):
        known, features = features_at(item_ids[missing], state, live, moment)
        scores[missing[known]] = live.ranker.probabilities(features)
    return scores
