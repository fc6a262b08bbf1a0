"""Boosts of candidates by a person's taste: pure array functions.

personalized = base × (1 + the sum of the parts), each part from 0 to its cap.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from core.domain import BOOSTED, CATEGORIES, FACETS, HELD_BACK
from profiles.reduction import KINDS, Taste, columns_of, share_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

CAPS = np.array([FACETS[kind].boost_cap for kind in BOOSTED], dtype=np.float64)
"""The cap of each kind in BOOSTED."""

ORIGINAL_ALPHA = 0.7
ALPHA_REACH = 0.2
LEAST_ALPHA = ORIGINAL_ALPHA - ALPHA_REACH
# So many interactions move alpha half of the way that it can go.
HALF_EVIDENCE = 10.0

# The column of BOOSTED of each kind code, -1 for a kind that boosts nothing.
_COLUMN_OF_CODE = np.array([BOOSTED.index(kind) if kind in BOOSTED else -1 for kind in KINDS], dtype=np.int64)
_IS_HELD_BACK = np.array([kind in HELD_BACK for kind in KINDS], dtype=np.bool_)
_IS_CATEGORY = np.array([kind in CATEGORIES for kind in KINDS], dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Boosts:
    """The boosts of n candidates.

    parts        (n, kinds) in the order of BOOSTED, each from 0 to its cap
    multipliers  (n,) 1 + the sum of the parts: the factor of the base score
    """

    parts: NDArray[np.float64]
    multipliers: NDArray[np.float64]


def personal_alpha(taste: Taste) -> float:
    """The share of a score that is left to the base score where tastes and models disagree: 0.5 to 0.7.

    alpha = 0.7 − 0.2 × e × c

    e = n / (n + 10) is how much is known, n the interactions that said something. c = √Σ p² is how clear the
    taste is, p the share of each category in the sum of their positive scores: 1 for one only, 0.5 for
    four alike, near 0 for everything alike (the root of Herfindahl's index). So alpha starts at 0.7 and falls
    towards 0.5 as a clear taste shows; for who likes a bit of everything it stays near 0.7.
    """
    liked = taste.scores[_IS_CATEGORY[taste.kinds] & (taste.scores > 0.0)]
    if not len(liked):
        return ORIGINAL_ALPHA
    clearness = float(np.sqrt(np.square(liked / liked.sum()).sum()))
    evidence = taste.evidence / (taste.evidence + HALF_EVIDENCE)
    return ORIGINAL_ALPHA - ALPHA_REACH * evidence * clearness


def penalties_of(taste: Taste) -> dict[int, float]:
    """The factor in [floor, 1) of each facet that the person holds something against.

    1 + the share that the score stands for, of the kinds of facet that dislikes can hold back. A facet is so
    held back by low ratings too, and by a dislike as long as what is liked raises what is liked: both are
    forgotten by what comes after them, and not by time.
    """
    against = _IS_HELD_BACK[taste.kinds] & (taste.scores < 0.0)
    shares = [share_of(score) for score in taste.scores[against].tolist()]
    floor = float(settings.DISLIKE_FLOOR)
    return {
        facet_id: max(floor, 1.0 + share)
        for facet_id, share in zip(taste.facet_ids[against].tolist(), shares, strict=True)
    }


def boost(
    item_facets: "csr_matrix[np.float64]",
    facet_ids: NDArray[np.int64],
    taste: Taste,
    *,
    alpha: float,
    strength: float,
) -> Boosts:
    """The boosts of n candidates by the taste of a person.

    item_facets  (n, m), stored where the candidate has the facet
    facet_ids    (m,) sorted: the facet of each column, of any kind
    alpha        the person's, 0.5 to 0.7
    strength     0 (nothing is boosted) to 1

    A kind's part is w × cap × (1 − Π (1 − s)) over the candidate's facets with a preference s above 0; what
    is disliked boosts nothing, and makes no penalty either. w = strength × (1 − alpha) / 0.5, so that
    score = (1 − w) × base + w × base × (1 + the sum of the parts).
    """
    n = item_facets.shape[0]
    share = strength * (1.0 - alpha) / (1.0 - LEAST_ALPHA)
    logarithms, columns = _by_column(facet_ids, taste)
    of_entries = columns[item_facets.indices]
    rows = np.repeat(np.arange(n), np.diff(item_facets.indptr))
    boosting = of_entries >= 0
    sums = np.bincount(
        rows[boosting] * len(BOOSTED) + of_entries[boosting],
        weights=logarithms[item_facets.indices[boosting]],
        minlength=n * len(BOOSTED),
    )
    parts = share * CAPS * (0.0 - np.expm1(sums.reshape(n, len(BOOSTED))))
    return Boosts(parts, 1.0 + parts.sum(axis=1))


def _by_column(facet_ids: NDArray[np.int64], taste: Taste) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """log(1 − preference) and the place in BOOSTED of each facet column; -1 where nothing is boosted."""
    places = _COLUMN_OF_CODE[taste.kinds]
    wanted = (taste.scores > 0.0) & (places >= 0)
    liked, places = taste.facet_ids[wanted], places[wanted]
    # A preference of 1 would be the logarithm of 0.
    scores = np.minimum(taste.scores[wanted], 1.0 - 1e-12)
    known, at = columns_of(liked, facet_ids)
    logarithms = np.zeros(len(facet_ids))
    columns = np.full(len(facet_ids), -1, dtype=np.int64)
    logarithms[at] = np.log1p(-scores[known])
    columns[at] = places[known]
    return logarithms, columns
