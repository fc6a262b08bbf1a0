"""Time-decayed popularity: the baseline every model has to beat, and what serves when there is none."""

import numpy as np

from core.arrays import Doubles, Ints
from core.demand import approval_of, popularity_of
from ranking.statistics.events import SECONDS_PER_DAY, Events


def decayed_popularity(events: Events, *, now: float, half_life_days: float) -> tuple[Ints, Doubles]:
    """(item_ids sorted, scores in [0, 1]), the popularity of `core.demand` at one moment.

    The demand is the sum of positive weights × 2^(-age / half-life), a dislike is what weighs less than 0.

    `now` in seconds since 1970; an event later than `now` counts as if it happened now.
    An infinite half-life is plain popularity. Raises ValueError for a half-life that is not positive.
    """
    if not half_life_days > 0:
        raise ValueError("The half-life must be positive.")
    item_ids, item_of_event = np.unique(events.item_ids, return_inverse=True)
    age_days = np.maximum(now - events.times, 0) / SECONDS_PER_DAY
    # Ages are counted from the youngest event: only ratios matter, and old data cannot all underflow to 0.
    age_days -= age_days.min(initial=np.inf)
    decayed = np.maximum(events.weights, 0) * np.exp2(-age_days / half_life_days)
    approvals = np.bincount(item_of_event, events.relevant).astype(np.float64)
    dislikes = np.bincount(item_of_event, events.weights < 0).astype(np.float64)
    demand = np.bincount(item_of_event, decayed).astype(np.float64)
    return item_ids, popularity_of(demand, approval_of(approvals, dislikes))
