"""The request path at another moment: what would have been retrieved and ranked from what was known then.

For datasets without sessions, for lists shown elsewhere, and for judging models on the past. The stages are
those of serving, fed from arrays instead of from the database.
"""

from datetime import UTC, datetime

import numpy as np

from core.arrays import Floats, Ints
from core.domain import UseCase
from profiles.selectors import STRANGER, PersonalTaste
from ranking.candidates import Candidates
from ranking.features import compute_features
from ranking.live import Live
from ranking.sources import UserState, als_scores, fold_in_person
from ranking.statistics.events import Events, summed_history
from serving.pipeline import exclude, known_history, rank, retrieve


def state_from(
    history: Events, live: Live, *, user_id: int = 0, taste: PersonalTaste = STRANGER
) -> UserState:
    """What was known of a person whose events up to the moment are `history`, oldest first.

    Everything in the history counts as known to the person, so none of it is retrieved again. `taste` is what
    was believed of them then.
    """
    item_ids, weights = summed_history(history.item_ids, history.weights)
    state = UserState(
        user_id=user_id,
        item_ids=item_ids,
        weights=weights.astype(np.float32),
        last_types=(),
        excluded=np.sort(item_ids),
        held_back={},
        als_user=fold_in_person(item_ids, weights.astype(np.float32), live.als),
    )
    return state.with_taste(taste, live)


def rank_at(state: UserState, live: Live, use_case: UseCase, moment: float) -> Candidates:
    """Everything retrieved for the person, in the order of the models of `live`, with its features.

    `moment` in seconds since 1970. Boosts and dislike adjustments are not applied: they are no models.
    """
    now = datetime.fromtimestamp(moment, UTC)
    return exclude(rank(retrieve(state, live, use_case), state, live, now), state)


def features_at(item_ids: Ints, state: UserState, live: Live, moment: float) -> tuple[Ints, Floats]:
    """The features of given items for a person at a moment, by the function that serving uses.

    Returns which of `item_ids` the catalogue knows, as positions (k,), and their features (k, f).
    """
    rows = live.catalogue.rows_of(item_ids)
    known = np.flatnonzero(rows >= 0)
    features = compute_features(
        rows[known],
        *als_scores(item_ids[known], state, live),
        history=known_history(state, live),
        content=live.catalogue.content,
        demand=live.catalogue.demand,
        als=live.als,
        now=moment,
    )
    return known, features
