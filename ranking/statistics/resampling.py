"""Intervals for figures of a whole group, which are no means over people: coverage and calibration error.

People are resampled, as everywhere. But a resample holds only 63 % of the people, so it covers less of the
catalog, and its calibration error is larger by what chance adds. Percentiles of the resamples would lie
beside the figure; what is taken from them is their spread (Efron and Tibshirani 1993, chapter 13): the figure
± 1.96 standard deviations, kept within [0, 1].
"""

import numpy as np
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Ints
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import coverage, expected_calibration_error

_NORMAL_95 = 1.959964
_CHUNK = 4_000_000  # values held at once: 32 MB


def coverage_interval(
    recommended: Ints, catalog_size: int, *, rng: np.random.Generator, rounds: int = 1000
) -> Interval:
    """Share of the catalog that was recommended to anyone, with its interval.

    recommended  (p, k) item ids, below 0 where a list is shorter

    NaN for nobody or an empty catalog.
    """
    people = len(recommended)
    if not people or not catalog_size:
        return Interval(np.nan, np.nan, np.nan)
    listed = recommended >= 0
    items, columns = np.unique(recommended[listed], return_inverse=True)
    rows = np.nonzero(listed)[0]
    # Stored the other way round, so that the product with the drawn people is dense times sparse.
    shown = csr_matrix((np.ones(len(rows)), (columns, rows)), shape=(len(items), people))
    drawn = []
    step = max(1, _CHUNK // max(people, len(items)))
    for first in range(0, rounds, step):
        counts = _draws(people, min(step, rounds - first), rng)
        covered = np.asarray(shown @ counts.T) > 0
        drawn.append(covered.sum(axis=0) / catalog_size)
    return _around(coverage(recommended, catalog_size), np.concatenate(drawn))


def calibration_interval(
    probabilities: Doubles,
    came_true: Bools,
    user_ids: Ints,
    *,
    rng: np.random.Generator,
    rounds: int = 1000,
    bins: int = 10,
) -> Interval:
    """The error of `expected_calibration_error` with its interval; all arrays (n,).

    The bins are those of all predictions in each resample. NaN without a prediction. Raises ValueError as
    `expected_calibration_error`.
    """
    curve = expected_calibration_error(probabilities, came_true, bins=bins)
    if not len(probabilities):
        return Interval(np.nan, np.nan, np.nan)
    people, person = np.unique(user_ids, return_inverse=True)
    bin_of = np.empty(len(probabilities), dtype=np.int64)
    bin_of[np.argsort(probabilities)] = np.repeat(np.arange(len(curve.counts)), curve.counts)
    gaps = np.zeros((len(people), len(curve.counts)))
    np.add.at(gaps, (person, bin_of), probabilities - came_true)
    predictions = np.bincount(person).astype(np.float64)
    drawn = []
    step = max(1, _CHUNK // len(people))
    for first in range(0, rounds, step):
        counts = _draws(len(people), min(step, rounds - first), rng)
        drawn.append(np.abs(counts @ gaps).sum(axis=1) / (counts @ predictions))
    return _around(curve.error, np.concatenate(drawn))


def _draws(people: int, rounds: int, rng: np.random.Generator) -> Doubles:
    """The count of each person in each resample, (rounds, people)."""
    return rng.multinomial(people, np.full(people, 1 / people), size=rounds).astype(np.float64)


def _around(value: float, resampled: Doubles) -> Interval:
    spread = _NORMAL_95 * float(resampled.std())
    return Interval(value, max(0.0, value - spread), min(1.0, value + spread))
