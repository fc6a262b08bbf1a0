"""Tests and intervals that hold however often somebody looks at them: of means, of arms, of sample ratios.

A t-test that is looked at again and again finds a difference sooner or later where there is none. What is
computed here holds at all sizes n at once: P(the truth is outside at any n, or p ≤ α at any n) ≤ α. For means
that is so in the limit, as for every interval that rests on the central limit theorem, so nothing is tested
before there are LEAST_PER_ARM people in each arm. For sample ratios it is exact.

People come in the order of their arrival, and what is known of one is final: only so is a longer log the same
sequence with something added at its end.

- Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024: Time-uniform central limit theory and asymptotic
  confidence sequences, theorem 2.2. The statistic is that of the mixture SPRT of Johari, Koomen, Pekelis and
  Walsh 2022 with an estimated variance.
- Lindon and Malek 2022: Anytime-valid inference for multinomial count data.
"""

from dataclasses import dataclass

import numpy as np

from core.arrays import Bools, Doubles, Ints
from ranking.statistics.interval import Interval

# For so many people an interval is as narrow as it can be; it is at most 10 % wider for 120 and for 10,000.
TUNED_FOR = 500
# With fewer people in an arm the normal approximation is not to be trusted.
LEAST_PER_ARM = 30
# Strength of the prior on the given shares, in people.
_RATIO_PRIOR = 100.0
# Below this a variance is nothing but rounding.
_NO_VARIANCE = 1e-12


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """The outcome of a sequential test as of its last person.

    p_value      the smallest so far, in [0, 1]; 1 where nothing could be tested yet
    found_after  people after whom it was at most alpha for the first time; None where it never was
    """

    p_value: float
    found_after: int | None

    @classmethod
    def of(cls, log_evidence: Doubles, alpha: float) -> "SequentialTest":
        """From the log of a test martingale after each person, (n,): p = 1 / its maximum; Ville 1939."""
        if not len(log_evidence):
            return cls(1.0, None)
        # Compared as logarithms: p-values too small for a double are 0.
        found = np.flatnonzero(log_evidence >= -np.log(alpha))
        p_value = float(np.exp(min(0.0, -float(log_evidence.max()))))
        return cls(p_value, int(found[0]) + 1 if len(found) else None)


@dataclass(frozen=True, slots=True)
class ArmDifference:
    """The difference of means by treatment: its interval after the last person, and its significance.

    The ends of the interval are NaN while there are too few people.
    """

    interval: Interval
    test: SequentialTest


def follow_mean(values: Doubles, *, alpha: float) -> Interval:
    """The mean of `values` (n,) with an interval that holds for all n from LEAST_PER_ARM on at once.

    The ends are NaN while there are fewer or all are alike; the mean is NaN for no values. Raises ValueError
    for an alpha outside (0, 1).
    """
    variances = _running_variance(values)
    usable = (np.arange(1, len(values) + 1) >= LEAST_PER_ARM) & (variances > _NO_VARIANCE)
    return _interval(values, variances, usable, alpha)


def compare_arms(outcomes: Doubles, treated: Bools, *, share: float, alpha: float) -> ArmDifference:
    """The difference of the mean outcomes with and without treatment; both (n,), in the order of arrival.

    share  P(treated) of each of these people, as they were drawn

    Nothing is tested before LEAST_PER_ARM people are on either side. Raises ValueError if the lengths differ,
    or if share or alpha is not inside (0, 1).
    """
    scores = difference_scores(outcomes, treated, share=share)
    # Where few of a rare outcome fell into the smaller arm, its variance looks too small by far, and chance
    # looks like a difference. So it is taken to be no smaller than if both arms scattered alike.
    alike = _running_variance(outcomes) * (1 / share + 1 / (1 - share))
    variances = np.maximum(_running_variance(scores), alike)
    fewer = np.minimum(np.cumsum(treated), np.cumsum(~treated))
    usable = (fewer >= LEAST_PER_ARM) & (variances > _NO_VARIANCE)
    return ArmDifference(
        _interval(scores, variances, usable, alpha),
        SequentialTest.of(_log_evidence(scores, variances, usable, alpha), alpha),
    )


def difference_scores(outcomes: Doubles, treated: Bools, *, share: float) -> Doubles:
    """(n,): for each person a value that is expected, from all who came before, to be the arms' difference.

        m₁ − m₀ + treated · (y − m₁) / share − (1 − treated) · (y − m₀) / (1 − share)

    with m₁ and m₀ the means of those who came before: the augmented inverse-probability-weighted score
    (Robins, Rotnitzky and Zhao 1994) without covariates. Weighting alone would scatter with the size of the
    outcomes, this only with their spread. And where more people drop out of one arm than of the other, so
    that `share` is a little wrong, the error vanishes as the means become known. Raises ValueError if the
    lengths differ or the share is not inside (0, 1).
    """
    if outcomes.shape != treated.shape:
        raise ValueError("There must be one outcome for each person.")
    if not 0 < share < 1:
        raise ValueError("The share of the treated must be between 0 and 1.")
    with_it, without = _mean_before(outcomes, treated), _mean_before(outcomes, ~treated)
    surprise = np.where(treated, (outcomes - with_it) / share, (without - outcomes) / (1 - share))
    scores: Doubles = with_it - without + surprise
    return scores


def check_ratio(arms: Ints, shares: Doubles, *, alpha: float) -> SequentialTest:
    """Tests that people fell into the arms (n,), numbered from 0, by the given shares (k,), which sum to 1.

    The evidence is the Bayes factor of unknown shares, a Dirichlet around the given ones, against these. A
    small p-value says that people are lost or counted on one side, and then no comparison of the arms is to
    be trusted. Raises ValueError for shares not above 0 or not summing to 1, and for an arm without one.
    """
    if not np.isclose(shares.sum(), 1.0) or (shares <= 0).any():
        raise ValueError("The shares must be above 0 and sum to 1.")
    if len(arms) and not 0 <= arms.min() <= arms.max() < len(shares):
        raise ValueError("There is a person in an arm without a share.")
    before = np.zeros(len(arms))
    for arm in range(len(shares)):
        inside = arms == arm
        before[inside] = np.arange(inside.sum())
    # Likelihood of each person's arm by those before them, over its likelihood under the given shares.
    learned = (_RATIO_PRIOR * shares[arms] + before) / (_RATIO_PRIOR + np.arange(len(arms)))
    return SequentialTest.of(np.cumsum(np.log(learned / shares[arms])), alpha)


def _interval(values: Doubles, variances: Doubles, usable: Bools, alpha: float) -> Interval:
    """mean ± √(v · 2(nρ² + 1) / (n²ρ²) · log(√(nρ² + 1) / α)) after the last of n values."""
    rho2, n = _mixture(alpha), len(values)
    if not n:
        return Interval(np.nan, np.nan, np.nan)
    mean, spread = float(values.mean()), n * rho2 + 1
    if not usable[-1]:
        return Interval(mean, np.nan, np.nan)
    width = float(np.sqrt(variances[-1] * 2 * spread / (n**2 * rho2) * np.log(np.sqrt(spread) / alpha)))
    return Interval(mean, mean - width, mean + width)


def _log_evidence(values: Doubles, variances: Doubles, usable: Bools, alpha: float) -> Doubles:
    """(n,): log of (nρ² + 1)^(−1/2) · exp(ρ²(Σ values)² / (2v(nρ² + 1))); -inf where not usable.

    The evidence against a mean of 0, which reaches log(1 / α) where the interval leaves 0 out.
    """
    rho2 = _mixture(alpha)
    spread = np.arange(1, len(values) + 1) * rho2 + 1
    evidence = np.full(len(values), -np.inf)
    scatter = 2 * variances[usable] * spread[usable]
    evidence[usable] = rho2 * np.cumsum(values)[usable] ** 2 / scatter - np.log(spread[usable]) / 2
    return evidence


def _mixture(alpha: float) -> float:
    """ρ², for which the interval is as narrow as it can be after TUNED_FOR people; 2024."""
    if not 0 < alpha < 1:
        raise ValueError("alpha must be between 0 and 1.")
    return float((-2 * np.log(alpha) + np.log(1 - 2 * np.log(alpha))) / TUNED_FOR)


def _running_variance(values: Doubles) -> Doubles:
    """(n,): the variance of the first 1, 2, …, n values, by n."""
    n = np.arange(1, len(values) + 1)
    variances: Doubles = np.maximum(np.cumsum(values**2) / n - (np.cumsum(values) / n) ** 2, 0.0)
    return variances


def _mean_before(outcomes: Doubles, inside: Bools) -> Doubles:
    """(n,): the mean outcome of those before who are inside, and of one more who is like all before."""
    overall = (np.cumsum(outcomes) - outcomes) / np.maximum(np.arange(len(outcomes)), 1)
    own = np.where(inside, outcomes, 0.0)
    means: Doubles = (np.cumsum(own) - own + overall) / (np.cumsum(inside) - inside + 1)
    return means
