"""Ranking metrics per person, and bootstrap intervals over people.

A metric is an array (p,) aligned with the people. NaN marks a person it is not defined for; the
intervals leave these people out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Floats, Ints, Rows
from ranking.statistics.interval import Interval

_CHUNK = 2_000_000  # resampled values held at once: 16 MB


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationCurve:
    """The distance of predicted probabilities from observed rates, bin by bin from the lowest to the highest.

    error      mean of |predicted - observed| over the predictions, in [0, 1]; NaN without a prediction
    predicted  (b,) mean prediction in the bin; observed (b,) share that came true; counts (b,) predictions
    """

    error: float
    predicted: Doubles
    observed: Doubles
    counts: Ints


def ndcg_at_k(ranked: Doubles, grades: Doubles, *, k: int) -> Doubles:
    """Normalized discounted cumulative gain, (p,) in [0, 1], NaN without a relevant item.

    ranked  (p, n) relevance of what was recommended, in list order, 0 where the list is shorter
    grades  (p, m) relevance of everything there was to find, in any order, padded with 0

    Gain 2^relevance - 1, discount log2(rank + 1), ranks from 1; Järvelin and Kekäläinen 2002, with the
    gain of Burges et al. 2005.
    """
    ideal = _dcg(-np.sort(-grades, axis=1), k)
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


def reciprocal_rank_at_k(hits: Bools, relevant_counts: Ints, *, k: int) -> Doubles:
    """1 / rank of the first relevant item, 0 where the first k hold none, (p,); NaN without a relevant item.

    Its mean over people is the MRR@k; Voorhees 1999.
    """
    inverse_ranks: Doubles = hits[:, :k] / (np.arange(hits[:, :k].shape[1]) + 1)
    first = inverse_ranks.max(axis=1, initial=0)
    return np.where(relevant_counts > 0, first, np.nan)


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


def coverage(recommended: Ints, catalog_size: int) -> float:
    """Share of the catalog that was recommended to anyone; entries below 0 are padding."""
    return len(np.unique(recommended[recommended >= 0])) / catalog_size


def novelty_at_k(shares: Doubles, *, k: int) -> Doubles:
    """Mean self-information -log2(share) of a person's first k items, in bits, (p,); NaN for an empty list.

    shares  (p, n) popularity of the item at each rank, the share of people who chose it, in (0, 1]; NaN where
            the list is shorter. Count one more person for every item where some were chosen by nobody

    1 bit more is an item half as popular; Zhou et al. 2010, Vargas and Castells 2011. Raises ValueError for a
    share outside (0, 1].
    """
    first = shares[:, :k]
    listed = ~np.isnan(first)
    known = np.where(listed, first, 1.0)  # no information: adds nothing to the sum
    if ((known <= 0) | (known > 1)).any():
        raise ValueError("Popularity shares must be above 0 and at most 1.")
    return _ratio(-np.log2(known).sum(axis=1), listed.sum(axis=1))


def expected_calibration_error(
    probabilities: Doubles, came_true: Bools, *, bins: int = 10
) -> CalibrationCurve:
    """Compare probabilities (n,) with what happened (n,), in bins of equal numbers of predictions.

    Equal predictions share a bin, so the order of the input does not matter and there may be fewer bins than
    asked for. Naeini et al. 2015, with the equal-mass bins of Nguyen and O'Connor 2015. Raises ValueError if
    the lengths differ, a probability is outside [0, 1], or bins < 1.
    """
    if probabilities.shape != came_true.shape or probabilities.ndim != 1:
        raise ValueError("Probabilities and outcomes must be two arrays of one length.")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("Probabilities must be between 0 and 1.")
    if bins < 1:
        raise ValueError("There must be at least 1 bin.")
    if not len(probabilities):
        return CalibrationCurve(np.nan, np.empty(0), np.empty(0), np.empty(0, dtype=np.int64))
    order = np.argsort(probabilities)
    ordered = probabilities[order]
    cuts = np.arange(bins) * len(ordered) // bins
    starts = np.unique(np.searchsorted(ordered, ordered[cuts], side="left"))
    counts = np.diff(starts, append=len(ordered)).astype(np.int64)
    predicted = np.add.reduceat(ordered, starts) / counts
    observed = np.add.reduceat(came_true[order].astype(np.float64), starts) / counts
    error = float(np.abs(predicted - observed) @ counts / len(ordered))
    return CalibrationCurve(error, predicted, observed, counts)


def bootstrap_interval(
    values: Doubles, *, rng: np.random.Generator, rounds: int = 1000, confidence: float = 0.95
) -> Interval:
    """Mean of the values that are not NaN, with a percentile interval from resampling people.

    Efron and Tibshirani 1993, chapter 13. Raises ValueError for rounds < 1 or a confidence outside (0, 1).
    """
    _check_settings(rounds, confidence)
    values = values[~np.isnan(values)]
    if not len(values):
        return Interval(np.nan, np.nan, np.nan)
    means = [values[drawn].mean(axis=1) for drawn in _resamples(len(values), rounds, rng)]
    return _percentiles(float(values.mean()), np.concatenate(means), confidence)


def paired_bootstrap_interval(
    a: Doubles, b: Doubles, *, rng: np.random.Generator, rounds: int = 1000, confidence: float = 0.95
) -> Interval:
    """Mean of a - b over the same people, with its interval; both (p,), in one order.

    Raises ValueError if the lengths differ.
    """
    if a.shape != b.shape:
        raise ValueError("Paired values must belong to the same people.")
    return bootstrap_interval(a - b, rng=rng, rounds=rounds, confidence=confidence)


def is_clearly_better(values: Doubles, others: Doubles) -> bool:
    """True where the mean difference between cases (n,) is above its standard error.

    The rule of one standard error (Breiman et al., "Classification and Regression Trees", 1984): of settings
    that cannot be told apart the one in use stays, or a search would follow the noise of every night.
    """
    differences = (values - others)[~np.isnan(values - others)]
    if not len(differences):
        return False
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return bool(differences.mean() > error)


def ratio_bootstrap_interval(
    numerators: Doubles,
    denominators: Doubles,
    *,
    rng: np.random.Generator,
    rounds: int = 1000,
    confidence: float = 0.95,
) -> Interval:
    """Sum of the numerators over the sum of the denominators, with its interval from resampling people.

    Both (p,), a person's sums, in one order; denominators at least 0. So a mean over events keeps a person's
    events together. Resamples whose denominators sum to 0 are left out; all NaN if the denominators do.
    Raises ValueError if the lengths differ, and as `bootstrap_interval`.
    """
    if numerators.shape != denominators.shape:
        raise ValueError("Numerators and denominators must belong to the same people.")
    _check_settings(rounds, confidence)
    whole = _ratio(numerators.sum(keepdims=True), denominators.sum(keepdims=True))[0]
    if np.isnan(whole):
        return Interval(np.nan, np.nan, np.nan)
    ratios = [
        _ratio(numerators[drawn].sum(axis=1), denominators[drawn].sum(axis=1))
        for drawn in _resamples(len(numerators), rounds, rng)
    ]
    resampled = np.concatenate(ratios)
    return _percentiles(float(whole), resampled[~np.isnan(resampled)], confidence)


def _check_settings(rounds: int, confidence: float) -> None:
    if rounds < 1 or not 0 < confidence < 1:
        raise ValueError("Rounds must be at least 1 and confidence between 0 and 1.")


def _resamples(people: int, rounds: int, rng: np.random.Generator) -> Iterator[Rows]:
    """Rows of people drawn with replacement, (count, people) at a time, `rounds` in all."""
    step = max(1, _CHUNK // people)
    for first in range(0, rounds, step):
        yield rng.integers(people, size=(min(step, rounds - first), people))


def _percentiles(mean: float, resampled: Doubles, confidence: float) -> Interval:
    if not len(resampled):
        return Interval(mean, np.nan, np.nan)
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(mean, float(low), float(high))


def _ratio(numerator: Doubles | Ints, denominator: Doubles | Ints) -> Doubles:
    """Element by element, NaN where the denominator is 0."""
    result = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
