"""Penalties of dislikes: computed from the reason, faded by time, multiplied into scores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from core.domain import DOMAIN


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
    reason: str, facets: Iterable[tuple[int, str, str]]
) -> list[FacetDelta]:
    """The penalties of a dislike with `reason`, given the item's facets as (id, kind, name).

    Raises KeyError for a reason that does not exist.
    """
    shares = DOMAIN.reasons[reason].shares()
    return [
        FacetDelta(facet_id, kind, name, -shares[kind]) for facet_id, kind, name in facets if kind in shares
    ]


def combine_adjustments(adjustments: Iterable[Adjustment], *, now: datetime) -> dict[int, float]:
    """The factor in [floor, 1] of each facet that is held back.

    factor = max(floor, Π (1 + delta × 2^(−age / half-life)))
    """
    factors: dict[int, float] = {}
    half_life = settings.DISLIKE_HALF_LIFE_DAYS * 86_400
    for adjustment in adjustments:
        age = max(0.0, (now - adjustment.since).total_seconds())
        faded = adjustment.delta * 2.0 ** (-age / half_life)
        factors[adjustment.facet_id] = factors.get(adjustment.facet_id, 1.0) * (1.0 + faded)
    floor = settings.DISLIKE_FLOOR
    return {facet_id: max(floor, factor) for facet_id, factor in factors.items()}


def apply_feature_adjustments(
    item_facets: "csr_matrix[np.float64]", facet_ids: NDArray[np.int64], factors: Mapping[int, float]
) -> NDArray[np.float64]:
    """The penalty of each item, the factor of its score: (n,) in [floor, 1].

    item_facets  (n, m), 1 where the item has the facet
    facet_ids    (m,) sorted: the facet of each column
    factors      of the facets held back; facets that no column has are passed over

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
    multipliers: NDArray[np.float64] = np.maximum(np.exp(sums), settings.DISLIKE_FLOOR)
    return multipliers
