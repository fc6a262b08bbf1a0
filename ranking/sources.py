"""The candidate sources. Each looks at one thing and brings what it finds best, with its own scores.

To add one: write a function of the form of `CandidateSource`, give it a name in `SOURCES`, and name it in
the use cases that shall ask it (docs/adding-a-source.md). Every source is tried by
tests/ranking/recommenders/test_sources.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from profiles.fold import NEUTRAL
from profiles.selectors import STRANGER, PersonalTaste
from profiles.taste import manhattan_distances, vector_for
from ranking.candidates import Candidates
from ranking.live import Live
from ranking.recommenders.als.model import AlsModel, calibrate, fold_in, score_all, top_k
from ranking.recommenders.similar.model import content_similarities
from ranking.recommenders.two_tower.input import tower_input
from ranking.recommenders.two_tower.model import TwoTower, calibrated, score_items, user_vector
from ranking.snapshot import Catalogue

# Places by ALS score are told apart down to this one.
DEEPEST_PLACE = 1000
# So much nearer to the taste vector makes half of the score: about three well-liked facets. Sums of thousands
# of entries are exact to ROUNDING.
_HALFWAY, _ROUNDING = 2.0, 1e-6
# From this training weight on an item is approved of: liked, kept, or watched and not rated below 5.
APPROVED = 1.5
# `similar` looks around so many of the last approved items.
_ANCHORS = 3
# Items that have less in common, such as one frequent genre, are not alike.
_LEAST_SIMILAR = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class UserState:
    """What is known of one person at the moment of the request.

    item_ids   (h,) items with a history, oldest first, none twice
    weights    (h,) signed training weight: the sum of what speaks for the item, or that of its dislike
    last_types (h,) the type that says most about the item, for explaining
    excluded   item ids that must not be shown: disliked, watched, or otherwise known
    held_back  factor below 1 of each facet that the person's dislikes hold back
    als_user   (f,) the person's factor in the ALS model; None where it has no ground to say anything of them
    taste      what is believed of them; of a stranger where nobody asked
    tower_user (d,) the person's vector in the two-tower model; None where it knows nothing of them
    """

    user_id: int
    item_ids: NDArray[np.int64]
    weights: NDArray[np.float32]
    last_types: tuple[str, ...]
    excluded: NDArray[np.int64]
    held_back: Mapping[int, float]
    als_user: NDArray[np.float32] | None = None
    taste: PersonalTaste = STRANGER
    tower_user: NDArray[np.float32] | None = None

    def with_taste(self, taste: PersonalTaste, live: Live) -> "UserState":
        """The same person with their taste, and with what the two-tower model makes of both."""
        tower_user = tower_vector(self.item_ids, self.weights, taste, live.two_tower)
        return replace(self, taste=taste, tower_user=tower_user)


CandidateSource = Callable[[UserState, Live, int], Candidates]
"""(the person, the live state, how many at most) → at most so many candidates, none excluded, best first."""


def retrieve_als(state: UserState, live: Live, limit: int) -> Candidates:
    """Items whose ALS factors fit the person, folded in from the history of this very moment.

    Brings nothing where there is no model, or where the model knows nothing that speaks for the person.
    """
    if live.als is None or state.als_user is None:
        return _nothing("als")
    model = live.als
    scores = score_all(model, state.als_user)
    rows = top_k(scores, limit, np.flatnonzero(_barred(state, model, live.als_allowed)))
    return Candidates.from_source("als", model.item_ids[rows], calibrate(model, scores[rows]))


def fold_in_person(
    item_ids: NDArray[np.int64], weights: NDArray[np.float32], als: AlsModel | None
) -> NDArray[np.float32] | None:
    """The person's factor (f,) from their history, or None where the model has no ground to know them."""
    if als is None:
        return None
    rows = als.rows_of(item_ids)
    known = rows >= 0
    if not (weights[known] > 0).any():
        return None
    return fold_in(als, rows[known], weights[known])


def als_scores(
    item_ids: NDArray[np.int64], state: UserState, live: Live
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The calibrated ALS score of each item for the person, and its place from 1 by that score.

    The place is that among everything the model could retrieve, whichever items are asked about; beyond
    DEEPEST_PLACE all stand there. Both are NaN where the model has no score.
    """
    scores, places = np.full(len(item_ids), np.nan), np.full(len(item_ids), np.nan)
    model = live.als
    if model is None or state.als_user is None:
        return scores, places
    rows = model.rows_of(item_ids)
    known = rows >= 0
    everything = score_all(model, state.als_user)
    mine = everything[rows[known]]
    scores[known] = calibrate(model, mine)
    everything[_barred(state, model, live.als_allowed)] = -np.inf
    if len(everything) > DEEPEST_PLACE:
        everything = np.partition(everything, -DEEPEST_PLACE)[-DEEPEST_PLACE:]
    higher = len(everything) - np.searchsorted(np.sort(everything), mine, side="right")
    places[known] = np.minimum(higher + 1, DEEPEST_PLACE)
    return scores, places


def _barred(state: UserState, model: AlsModel | TwoTower, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows of a model may not be recommended to the person; `allowed` says which may to anybody."""
    barred = ~allowed
    known = model.rows_of(state.excluded)
    barred[known[known >= 0]] = True
    return barred


def retrieve_two_tower(state: UserState, live: Live, limit: int) -> Candidates:
    """Items whose vectors lie nearest to the person's, made from their history and taste of this moment.

    Unlike ALS it knows items that nobody met yet, by what they are, and people who only said what they like.
    """
    model = live.two_tower
    if model is None or state.tower_user is None:
        return _nothing("two_tower")
    scores = score_items(model, state.tower_user)
    rows = top_k(scores, limit, np.flatnonzero(_barred(state, model, live.two_tower_allowed)))
    return Candidates.from_source("two_tower", model.item_ids[rows], calibrated(model, scores[rows]))


def tower_vector(
    item_ids: NDArray[np.int64],
    weights: NDArray[np.float32],
    taste: PersonalTaste,
    model: TwoTower | None,
) -> NDArray[np.float32] | None:
    """The person's vector (d,) from their history and taste, or None where the model knows neither."""
    if model is None:
        return None
    known = tower_input(item_ids, weights, taste.taste.facet_ids, taste.taste.scores)
    return user_vector(
        model,
        item_ids=known.item_ids,
        weights=known.weights,
        facet_ids=known.facet_ids,
        facet_scores=known.facet_scores,
    )


def tower_scores(item_ids: NDArray[np.int64], state: UserState, live: Live) -> NDArray[np.float64]:
    """The calibrated score of the two-tower model for each item, NaN where it has none."""
    scores = np.full(len(item_ids), np.nan)
    model = live.two_tower
    if model is not None and state.tower_user is not None:
        rows = model.rows_of(item_ids)
        known = rows >= 0
        scores[known] = calibrated(model, score_items(model, state.tower_user)[rows[known]])
    return scores


def retrieve_taste(state: UserState, live: Live, limit: int) -> Candidates:
    """The items nearest to the person's taste vector, by Manhattan distance.

    The score is n / (n + 2), n being how much nearer an item is than one that has nothing the vector knows;
    items that are no nearer are not brought. So people without a vector get nothing.
    """
    taste, catalogue = state.taste.taste, live.catalogue
    if not (taste.values > NEUTRAL).any():
        return _nothing("taste")
    vector = vector_for(taste, catalogue.facet_ids)
    nearer = np.maximum(vector.sum() - manhattan_distances(catalogue.content.facets, vector), 0.0)
    return _nearest("taste", nearer / (nearer + _HALFWAY), _ROUNDING, state, catalogue, limit)


def retrieve_similar(state: UserState, live: Live, limit: int) -> Candidates:
    """What is most like the last few items that the person approved, by what the items are.

    So what is new and what nobody knows gets into lists. The score is the cosine to the nearest of them.
    """
    anchors = anchor_rows(state, live)
    if not len(anchors):
        return _nothing("similar")
    cosines = content_similarities(anchors, live.catalogue.content).max(axis=1)
    return _nearest("similar", cosines, _LEAST_SIMILAR, state, live.catalogue, limit)


def anchor_rows(state: UserState, live: Live) -> NDArray[np.intp]:
    """The catalogue rows of the last few items that the person approved, the last first."""
    approved = state.item_ids[state.weights >= APPROVED]
    rows = live.catalogue.rows_of(approved)
    last: NDArray[np.intp] = rows[rows >= 0][::-1][:_ANCHORS]
    return last


def retrieve_popular(state: UserState, live: Live, limit: int) -> Candidates:
    """What is most in demand in this use case, older demand counting less."""
    catalogue = live.catalogue
    rows = _allowed(catalogue, catalogue.by_popularity, state, limit)
    return Candidates.from_source("popular", catalogue.item_ids[rows], catalogue.demand.popularity[rows])


def retrieve_fresh(state: UserState, live: Live, limit: int) -> Candidates:
    """What was published last. The score is 1 for the newest and falls evenly to 0 over the catalogue."""
    catalogue = live.catalogue
    rows = _allowed(catalogue, catalogue.by_date, state, limit)
    place = np.empty(len(catalogue.by_date))
    place[catalogue.by_date] = np.arange(len(catalogue.by_date))
    return Candidates.from_source("fresh", catalogue.item_ids[rows], 1.0 - place[rows] / max(1, len(place)))


SOURCES: Mapping[str, CandidateSource] = {
    "als": retrieve_als,
    "two_tower": retrieve_two_tower,
    "taste": retrieve_taste,
    "similar": retrieve_similar,
    "popular": retrieve_popular,
    "fresh": retrieve_fresh,
}

METHODS: Mapping[str, str] = {
    "als": "als",
    "two_tower": "two_tower",
    "taste": "taste",
    "similar": "similar",
    "popular": "popularity",
    "fresh": "fresh",
}
"""What a list is said to be made by when this source gave its order."""

RANKER = "ranker"
"""What a list is said to be made by when a ranker gave its order."""

SEARCH = "search"
"""What the answer to a search is said to be made by; its order is no recommendation."""

EXPLORATION = "exploration"
"""What a slot is said to be filled by when chance did."""


def _nearest(
    source: str,
    scores: NDArray[np.float64],
    least: float,
    state: UserState,
    catalogue: Catalogue,
    limit: int,
) -> Candidates:
    """The rows with the highest `scores` (n,), from `least` on, that are not excluded."""
    excluded = catalogue.rows_of(state.excluded)
    rows = top_k(scores, limit, excluded[excluded >= 0])
    rows = rows[scores[rows] >= least]
    return Candidates.from_source(source, catalogue.item_ids[rows], scores[rows])


def _allowed(
    catalogue: Catalogue, order: NDArray[np.int64], state: UserState, limit: int
) -> NDArray[np.int64]:
    # So many at the front are enough to find `limit` that are not excluded.
    front = order[: limit + len(state.excluded)]
    allowed: NDArray[np.int64] = front[~np.isin(catalogue.item_ids[front], state.excluded)][:limit]
    return allowed


def _nothing(source: str) -> Candidates:
    return Candidates.from_source(source, np.empty(0, dtype=np.int64), np.empty(0))
