"""Penalties of dislikes: computed from the reason, faded by time, multiplied into scores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from core.domain import CATEGORIES, DOMAIN, SPREADING

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

# From this preference on somebody demonstrably likes a category: after three likes, and not after two.
_LIKED_FROM = 0.25
_STEEPNESS = 12.0


@dataclass(frozen=True, slots=True)
class FacetDelta:
    """By how much one dislike holds one facet back: −0.15 multiplies by 0.85 while it is new."""

    facet_id: int
    kind: str
    name: str
    delta: float


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A facet's delta as it stands in the table, with the moment of its dislike."""

    facet_id: int
    delta: float
    since: datetime


def calculate_feature_adjustment_from_dislike(
    reason: str, facets: Iterable[tuple[int, str, str]], likings: Mapping[int, float] | None = None
) -> list[FacetDelta]:
    """The penalties of a dislike with `reason`, given the item's facets as (id, kind, name).

    likings  how the person stands to them, -1 to 1: a reason that does not say which category it means is
             laid on those that they like least

    Raises KeyError for a reason that does not exist.
    """
    shares = DOMAIN.reasons[reason].shares()
    spoken = [facet for facet in facets if facet[1] in shares]
    blamed: dict[int, float] = {}
    if reason in SPREADING and likings:
        categories = [facet_id for facet_id, kind, _ in spoken if kind in CATEGORIES]
        scores = np.array([likings.get(facet_id, 0.0) for facet_id in categories])
        blamed = dict(zip(categories, blame(scores).tolist(), strict=True))
    return [
        FacetDelta(facet_id, kind, name, round(-shares[kind] * blamed.get(facet_id, 1.0), 4))
        for facet_id, kind, name in spoken
    ]


def named_share(reason: str, kind: str) -> float:
    """By how much a dislike that names one facet holds it back, which is at least what its reason says."""
    return max(float(settings.DISLIKE_NAMED_SHARE), DOMAIN.reasons[reason].shares().get(kind, 0.0))


def blame(likings: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of a no that falls on each of an item's categories, (k,) in (0, 1], by how they are liked.

    d is how far a preference lies above 0.25, which takes three likes: 1 for the category with the least d,
    e^(−12 Δd) for others. Who likes thrillers and turns a crime thriller down for its genre means the
    crime; of somebody of whom little is known each has all of it.
    """
    if not len(likings):
        return likings
    liked = np.maximum(likings - _LIKED_FROM, 0.0)
    parts: NDArray[np.float64] = np.exp(-_STEEPNESS * (liked - liked.min()))
    return parts


def combine_adjustments(
    adjustments: Iterable[Adjustment], *, now: datetime, half_life_days: float | None = None
) -> dict[int, float]:
    """The factor in [floor, 1] of each facet that is held back.

    factor = max(floor, Π (1 + delta × 2^(−age / half-life)))

    The half-life is DISLIKE_HALF_LIFE_DAYS where no other is given.
    """
    factors: dict[int, float] = {}
    half_life = (half_life_days or settings.DISLIKE_HALF_LIFE_DAYS) * 86_400
    for adjustment in adjustments:
        age = max(0.0, (now - adjustment.since).total_seconds())
        faded = adjustment.delta * 2.0 ** (-age / half_life)
        factors[adjustment.facet_id] = factors.get(adjustment.facet_id, 1.0) * (1.0 + faded)
    floor = settings.DISLIKE_FLOOR
    return {facet_id: max(floor, factor) for facet_id, factor in factors.items()}


def apply_feature_adjustments(
    item_facets: "csr_matrix[np.float64]",
    facet_ids: NDArray[np.int64],
    factors: Mapping[int, float],
    strength: float = 1.0,
) -> NDArray[np.float64]:
    """The penalty of each item, the factor of its score: (n,) in [floor, 1].

    item_facets  (n, m), 1 where the item has the facet
    facet_ids    (m,) sorted: the facet of each column
    factors      of the facets held back; facets that no column has are passed over
    strength     the exponent of each factor: with 2 each dislike acts as two

    The factors of an item's facets multiply, down to the floor.
    """
    logarithms = np.zeros(len(facet_ids))
    penalized = np.fromiter(factors, dtype=np.int64, count=len(factors))
    columns = np.searchsorted(facet_ids, penalized)
    known = columns < len(facet_ids)
    known[known] = facet_ids[columns[known]] == penalized[known]
    values = np.fromiter(factors.values(), dtype=np.float64, count=len(factors))
    logarithms[columns[known]] = np.log(values[known])
    sums: NDArray[np.float64] = np.asarray(item_facets @ logarithms)
    multipliers: NDArray[np.float64] = np.maximum(np.exp(strength * sums), settings.DISLIKE_FLOOR)
    return multipliers
