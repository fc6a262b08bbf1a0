"""What several that know something say of an item for a person, as one score.

Of people of whom little is known yet, what their features say and what everybody wants weighs more.
"""

import numpy as np
from django.conf import settings

from core.arrays import Doubles
from ranking.live import Live
from ranking.sources import UserState

# After so many approved items a model is on its own. A ranker reads demand and the size of the history, so it
# is trusted sooner.
ON_ITS_OWN = 60
RANKER_ON_ITS_OWN = 10
# Popularity is half believed where so many verdicts were given on the item with the most of them.
HALF_BELIEVED = 20.0
# With so many approved items ALS weighs as much as the two-tower model, which knows people by their taste.
ALS_HALFWAY = 20.0


def joint_scores(als: Doubles, tower: Doubles, state: UserState) -> Doubles:
    """(n,) of the calibrated scores of both models; of the one that has a score, or NaN where none has.

    h / (h + 20) × ALS + the rest × two-tower, h approved items: measured in docs/two-tower.md.
    """
    approved = int(np.count_nonzero(state.weights > 0))
    share = approved / (approved + ALS_HALFWAY)
    both: Doubles = share * als + (1.0 - share) * tower
    return np.where(np.isnan(als), tower, np.where(np.isnan(tower), als, both))


def put_behind(scores: Doubles, others: Doubles) -> Doubles:
    """(n,) `scores`, and where they are NaN the `others` (0 to 1), scaled to lie below."""
    known = ~np.isnan(scores)
    least = scores[known].min() if known.any() else 1.0
    return np.where(known, scores, least * others)


def popularity_share(state: UserState, live: Live) -> float:
    """How much of a base score is popularity: POPULARITY_SHARE × (1 − h / 60) × v / (v + 20), at least 0.

    h approved items of the person, 10 for 60 with a ranker; v verdicts on the item that has the most. A model
    folded in from one film knows less than the charts, and one folded in from a hundred knows more
    (docs/taste.md); charts made by a handful of people are mostly chance.
    """
    approved = int(np.count_nonzero(state.weights > 0))
    enough = ON_ITS_OWN if live.ranker is None else RANKER_ON_ITS_OWN
    verdicts = float(live.catalogue.demand.verdicts.max(initial=0.0))
    believed = verdicts / (verdicts + HALF_BELIEVED)
    return float(settings.POPULARITY_SHARE) * max(0.0, 1.0 - approved / enough) * believed


def blend(scores: Doubles, popularity: Doubles, share: float) -> Doubles:
    """(n,) base scores in 0 to 1, of what a model says and of the popularity of the same items."""
    blended: Doubles = (1.0 - share) * scores + share * popularity
    return blended
