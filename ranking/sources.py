"""The candidate sources. Each looks at one thing and brings what it finds best, with its own scores.

To add one: write a function of the form of `CandidateSource`, give it a name in `SOURCES`, and name it in
the use cases that shall ask it (docs/adding-a-source.md). tests/ranking/test_sources.py tries every source.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ranking.candidates import Candidates
from ranking.live import Catalogue, Live, LiveAls
from ranking.ml.als import calibrate, fold_in, score_all, top_k


@dataclass(frozen=True, slots=True, eq=False)
class UserState:
    """What is known of one person at the moment of the request.

    item_ids   (h,) items with a history, oldest first, none twice
    weights    (h,) signed training weight: the sum of what speaks for the item, or that of its dislike
    last_types (h,) the type that says most about the item, for explaining
    excluded   item ids that must not be shown: disliked, watched, or otherwise known
    held_back  factor below 1 of each facet that the person's dislikes hold back
    """

    user_id: int
    item_ids: NDArray[np.int64]
    weights: NDArray[np.float32]
    last_types: tuple[str, ...]
    excluded: NDArray[np.int64]
    held_back: Mapping[int, float]


CandidateSource = Callable[[UserState, Live, int], Candidates]
"""(the person, the live state, how many at most) → at most so many candidates, none excluded, best first."""


def retrieve_als(state: UserState, live: Live, limit: int) -> Candidates:
    """Items whose ALS factors fit the person, folded in from the history of this very moment.

    Brings nothing where there is no model, or where the model knows nothing that speaks for the person.
    """
    user = als_user(state, live.als)
    if user is None or live.als is None:
        return _nothing("als")
    model = live.als.model
    scores = score_all(model, user)
    barred = ~live.als.is_active_row
    known = model.rows_of(state.excluded)
    barred[known[known >= 0]] = True
    rows = top_k(scores, limit, np.flatnonzero(barred))
    return Candidates.from_source("als", model.item_ids[rows], calibrate(model, scores[rows]))


def als_user(state: UserState, als: LiveAls | None) -> NDArray[np.float32] | None:
    """The person's factor (f,), or None where the model has no ground to say anything about them."""
    if als is None:
        return None
    rows = als.model.rows_of(state.item_ids)
    known = rows >= 0
    if not (state.weights[known] > 0).any():
        return None
    return fold_in(als.model, rows[known], state.weights[known])


def retrieve_popular(state: UserState, live: Live, limit: int) -> Candidates:
    """What is most in demand in this use case, older demand counting less."""
    catalogue = live.catalogue
    rows = _allowed(catalogue, catalogue.by_popularity, state, limit)
    return Candidates.from_source("popular", catalogue.item_ids[rows], catalogue.popularity[rows])


def retrieve_fresh(state: UserState, live: Live, limit: int) -> Candidates:
    """What was published last. The score is 1 for the newest and falls evenly to 0 over the catalogue."""
    catalogue = live.catalogue
    rows = _allowed(catalogue, catalogue.by_date, state, limit)
    place = np.empty(len(catalogue.by_date))
    place[catalogue.by_date] = np.arange(len(catalogue.by_date))
    return Candidates.from_source("fresh", catalogue.item_ids[rows], 1.0 - place[rows] / max(1, len(place)))


SOURCES: Mapping[str, CandidateSource] = {
    "als": retrieve_als,
    "popular": retrieve_popular,
    "fresh": retrieve_fresh,
}

METHODS: Mapping[str, str] = {"als": "als", "popular": "popularity", "fresh": "fresh"}
"""What a list is said to be made by when this source gave its order."""


def _allowed(
    catalogue: Catalogue, order: NDArray[np.int64], state: UserState, limit: int
) -> NDArray[np.int64]:
    # So many at the front are enough to find `limit` that are not excluded.
    front = order[: limit + len(state.excluded)]
    allowed: NDArray[np.int64] = front[~np.isin(catalogue.item_ids[front], state.excluded)][:limit]
    return allowed


def _nothing(source: str) -> Candidates:
    return Candidates.from_source(source, np.empty(0, dtype=np.int64), np.empty(0))
