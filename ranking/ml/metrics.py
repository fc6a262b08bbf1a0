"""Ranking metrics per person, and bootstrap intervals over people.

A metric is an array (p,) aligned with the people. NaN marks a person it is not defined for; the
intervals leave these people out.
"""

from dataclasses import dataclass

import numpy as np

from ranking.ml.arrays import Bools, Doubles, Floats, Ints

_CHUNK = 2_000_000  # resampled values held at once: 16 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over people with its confidence interval; all NaN where there is nobody to average."""

    mean: float
    low: float
    high: float


def ndcg_at_k(ranked: Doubles, judged: Doubles, *, k: int) -> Doubles:
    """Normalised discounted cumulative gain, (p,) in [0, 1], NaN without a relevant item.

    ranked  (p, n) relevance of what was recommended, in list order, 0 where the list is shorter
    judged  (p, m) relevance of everything there was to find, in any order, padded with 0

    Gain 2^relevance - 1, discount log2(rank + 1), ranks from 1; Järvelin and Kekäläinen 2002, with the
    gain of Burges et al. 2005.
    """
    ideal = _dcg(-np.sort(-judged, axis=1), k)
    return _ratio(_dcg(ranked, k), ideal)


def _dcg(relevance: Doubles, k: int) -> Doubles:
    gains: Doubles = np.exp2(relevance[:, :k]) - 1
    discounts: Doubles = 1 / np.log2(np.arange(gains.shape[1]) + 2)
    return gains @ discounts


def recall_at_k(hits: Bools, relevant_counts: Ints, *, k: int) -> Doubles:
    """Share of a person's relevant items among their first k, (p,); NaN without a relevant item.

    hits  (p, n) whether the item at each rank is relevant; relevant_counts (p,)
    """
    return _ratio(hits[:, :k].sum(axis=1), relevant_counts)


def hit_rate_at_k(hits: Bools, relevant_counts: Ints, *, k: int) -> Doubles:
    """1 where the first k hold a relevant item, else 0, (p,); NaN without a relevant item."""
    return np.where(relevant_counts > 0, hits[:, :k].any(axis=1).astype(np.float64), np.nan)


def disliked_share_at_k(disliked_hits: Bools, disliked_counts: Ints, *, k: int) -> Doubles:
    """Share of the k places taken by items disliked later, (p,); NaN for who disliked nothing later."""
    return np.where(disliked_counts > 0, disliked_hits[:, :k].sum(axis=1) / k, np.nan)


def liked_over_disliked(liked_scores: Doubles | Floats, disliked_scores: Doubles | Floats) -> float:
    """P(a liked item scores above a disliked one) for one person, ties counting half; NaN without a pair.

    The area under the ROC curve, by ranks: Mann and Whitney 1947. O((m + n) log(m + n)), no m × n table.
    """
    if not len(liked_scores) or not len(disliked_scores):
        return float("nan")
    ordered = np.sort(disliked_scores)
    below = np.searchsorted(ordered, liked_scores, side="left")
    not_above = np.searchsorted(ordered, liked_scores, side="right")
    return float((below + not_above).mean() / (2 * len(ordered)))


def coverage(recommended: Ints, catalogue_size: int) -> float:
    """Share of the catalogue that was recommended to anyone; entries below 0 are padding."""
    return len(np.unique(recommended[recommended >= 0])) / catalogue_size


def bootstrap_interval(
    values: Doubles, *, rng: np.random.Generator, rounds: int = 1000, confidence: float = 0.95
) -> Interval:
    """Mean of the values that are not NaN, with a percentile interval from resampling people.

    Efron and Tibshirani 1993, chapter 13. Raises ValueError for rounds < 1 or a confidence outside (0, 1).
    """
    if rounds < 1 or not 0 < confidence < 1:
        raise ValueError("Rounds must be at least 1 and confidence between 0 and 1.")
    values = values[~np.isnan(values)]
    people = len(values)
    if not people:
        return Interval(np.nan, np.nan, np.nan)
    means = np.empty(rounds)
    step = max(1, _CHUNK // people)
    for first in range(0, rounds, step):
        count = min(step, rounds - first)
        drawn = rng.integers(people, size=(count, people))
        means[first : first + count] = values[drawn].mean(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high))


def paired_bootstrap_interval(
    a: Doubles, b: Doubles, *, rng: np.random.Generator, rounds: int = 1000, confidence: float = 0.95
) -> Interval:
    """Mean of a - b over the same people, with its interval; both (p,), in one order.

    Raises ValueError if the lengths differ.
    """
    if a.shape != b.shape:
        raise ValueError("Paired values must belong to the same people.")
    return bootstrap_interval(a - b, rng=rng, rounds=rounds, confidence=confidence)


def _ratio(numerator: Doubles | Ints, denominator: Doubles | Ints) -> Doubles:
    """Element by element, NaN where the denominator is 0."""
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
