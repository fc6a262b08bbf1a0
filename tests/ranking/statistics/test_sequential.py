"""Inference that is looked at repeatedly: false alarms stay below α over all looks, effects are found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import gammaln

from core.arrays import Bools, Doubles
from ranking.statistics.sequential import (
    LEAST_PER_ARM,
    TUNED_FOR,
    check_ratio,
    compare_arms,
    difference_scores,
    follow_mean,
)

SEEDS = 200
EVEN = np.array([0.5, 0.5])


def rates(rng: np.random.Generator, n: int, often: float) -> Doubles:
    """Shares of the slots that each of n people disliked, most of them 0."""
    seen = 1 + rng.geometric(0.1, size=n)
    shares: Doubles = rng.binomial(seen, rng.beta(0.5, 0.5 / often - 0.5, size=n)) / seen
    return shares


def drawn(rng: np.random.Generator, n: int, share: float) -> Bools:
    treated: Bools = rng.random(n) < share
    return treated


@pytest.mark.parametrize("share", [0.5, 0.1, 0.9])
def test_where_nothing_differs_hardly_any_of_all_looks_sees_a_difference(share: float) -> None:
    alarms = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        outcomes, treated = rates(rng, 1_500, 0.06), drawn(rng, 1_500, share)
        alarms += compare_arms(outcomes, treated, share=share, alpha=0.05).test.found_after is not None
    # 5 % and no more, with what chance adds in so many seeds.
    assert alarms / SEEDS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / SEEDS)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_rare_outcome_in_a_small_arm_raises_no_alarm(share: float) -> None:
    """One in a hundred: the small arm has none of them for long, and then looks as if it never would."""
    alarms = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        outcomes, treated = (rng.random(1_500) < 0.01).astype(np.float64), drawn(rng, 1_500, share)
        alarms += compare_arms(outcomes, treated, share=share, alpha=0.05).test.found_after is not None
    assert alarms / SEEDS <= 0.05


def test_an_arm_in_which_nothing_happened_yet_counts_as_one_that_scatters_like_the_other() -> None:
    treated = np.arange(600) % 10 == 0
    outcomes = np.where(treated, 0.0, np.arange(600) % 3 == 1)
    scores = difference_scores(outcomes, treated, share=0.1)
    narrow, interval = (
        follow_mean(scores, alpha=0.05),
        compare_arms(outcomes, treated, share=0.1, alpha=0.05).interval,
    )
    wider = np.sqrt(outcomes.var() * (1 / 0.1 + 1 / 0.9) / scores.var())
    assert wider > 1.5
    assert interval.mean == pytest.approx(narrow.mean)
    assert interval.high - interval.mean == pytest.approx(wider * (narrow.high - narrow.mean))


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_a_real_difference_is_found_and_its_interval_holds_it(share: float) -> None:
    found = held = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        treated = drawn(rng, 2_000, share)
        outcomes = rates(rng, 2_000, 0.06) + 0.06 * treated
        difference = compare_arms(outcomes, treated, share=share, alpha=0.05)
        found += difference.test.found_after is not None
        held += difference.interval.low <= 0.06 <= difference.interval.high
    assert found == 20
    assert held >= 19


def test_the_intervals_of_a_mean_hold_it_at_all_looks_at_once() -> None:
    missed = 0
    for seed in range(SEEDS):
        values = rates(np.random.default_rng(seed), 600, 0.2)
        analyses = [follow_mean(values[:n], alpha=0.05) for n in range(LEAST_PER_ARM, 601, 10)]
        missed += any(not analysis.low <= 0.2 <= analysis.high for analysis in analyses)
    assert missed / SEEDS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / SEEDS)


def alternating(n: int) -> Doubles:
    return (np.arange(n) % 2).astype(np.float64)


@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_interval_of_a_mean_is_that_of_the_theorem(alpha: float) -> None:
    """Theorem 2.2 of Waudby-Smith et al., with ρ for the narrowest interval after TUNED_FOR people."""
    n, rho = 200, np.sqrt((-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / TUNED_FOR)
    spread = n * rho**2 + 1
    width = np.sqrt(0.25) * np.sqrt(2 * spread / (n * rho) ** 2 * np.log(np.sqrt(spread) / alpha))
    interval = follow_mean(alternating(n), alpha=alpha)
    assert (interval.mean, interval.low, interval.high) == pytest.approx((0.5, 0.5 - width, 0.5 + width))


def test_a_mean_of_few_people_or_of_people_all_alike_has_no_interval() -> None:
    for values in (alternating(LEAST_PER_ARM - 1), np.full(500, 0.25)):
        interval = follow_mean(values, alpha=0.05)
        assert interval.mean == pytest.approx(values.mean())
        assert np.isnan([interval.low, interval.high]).all()
    assert not np.isnan(follow_mean(alternating(LEAST_PER_ARM), alpha=0.05).low)


def test_an_interval_leaves_nothing_out_exactly_where_the_test_finds_something() -> None:
    rng = np.random.default_rng(3)
    treated = drawn(rng, 800, 0.5)
    outcomes = rates(rng, 800, 0.1) + 0.05 * treated
    found = compare_arms(outcomes, treated, share=0.5, alpha=0.05).test.found_after
    assert found is not None
    before = compare_arms(outcomes[: found - 1], treated[: found - 1], share=0.5, alpha=0.05).interval
    at = compare_arms(outcomes[:found], treated[:found], share=0.5, alpha=0.05).interval
    assert before.low <= 0.0 < at.low


def test_the_p_value_never_rises_and_what_was_found_stays_found() -> None:
    rng = np.random.default_rng(5)
    treated = drawn(rng, 1_000, 0.5)
    # The effect is gone after the first half.
    outcomes = rates(rng, 1_000, 0.1) + 0.15 * (treated & (np.arange(1_000) < 500))
    analyses = [
        compare_arms(outcomes[:n], treated[:n], share=0.5, alpha=0.05).test for n in range(100, 1_001, 100)
    ]
    p_values = [analysis.p_value for analysis in analyses]
    assert p_values == sorted(p_values, reverse=True)
    found = [analysis.found_after for analysis in analyses if analysis.found_after is not None]
    assert len(found) > 5
    assert len(set(found)) == 1


@given(
    arrays(np.float64, 40, elements=st.floats(0, 1)),
    arrays(np.bool_, 40),
    st.floats(0.05, 0.95),
    st.integers(0, 39),
)
def test_a_score_depends_only_on_those_who_came_before(
    outcomes: Doubles, treated: Bools, share: float, n: int
) -> None:
    whole = difference_scores(outcomes, treated, share=share)
    assert np.allclose(whole[: n + 1], difference_scores(outcomes[: n + 1], treated[: n + 1], share=share))


def test_scores_by_hand() -> None:
    """The means before start from what all before had, as if it were one person more of either arm."""
    outcomes, treated = np.array([1.0, 0.5, 0.0, 1.0]), np.array([True, False, True, False])
    all_before = [0.0, 1.0, 0.75, 0.5]
    with_it = [0.0, (1 + 1.0) / 2, (1 + 0.75) / 2, (1 + 0 + 0.5) / 3]
    without = [0.0, 1.0, (0.5 + 0.75) / 2, (0.5 + 0.5) / 2]
    assert with_it[0] == without[0] == all_before[0]
    expected = [
        (1.0 - 0.0) / 0.2,
        with_it[1] - without[1] - (0.5 - without[1]) / 0.8,
        with_it[2] - without[2] + (0.0 - with_it[2]) / 0.2,
        with_it[3] - without[3] - (1.0 - without[3]) / 0.8,
    ]
    assert difference_scores(outcomes, treated, share=0.2) == pytest.approx(expected)


@given(arrays(np.float64, 12, elements=st.floats(0, 1)), arrays(np.bool_, 12), st.floats(0.05, 0.95))
def test_over_both_draws_of_a_person_a_score_is_what_the_arms_differ_by(
    before: Doubles, treated: Bools, share: float
) -> None:
    with_treatment, without = 0.7, 0.2
    scores = [
        difference_scores(np.append(before, y), np.append(treated, arm), share=share)[-1]
        for y, arm in ((with_treatment, True), (without, False))
    ]
    assert share * scores[0] + (1 - share) * scores[1] == pytest.approx(with_treatment - without)


def test_a_large_mean_does_not_widen_the_interval() -> None:
    rng = np.random.default_rng(0)
    treated, outcomes = drawn(rng, 1_000, 0.5), rates(rng, 1_000, 0.1)
    small, large = (
        compare_arms(values, treated, share=0.5, alpha=0.05).interval for values in (outcomes, outcomes + 0.8)
    )
    assert large.high - large.low < 1.1 * (small.high - small.low)


def test_too_few_people_say_nothing() -> None:
    treated = np.arange(200) % 2 == 0
    outcomes = treated.astype(np.float64) + np.arange(200) / 1_000
    few = compare_arms(
        outcomes[: 2 * LEAST_PER_ARM - 1], treated[: 2 * LEAST_PER_ARM - 1], share=0.5, alpha=0.05
    )
    assert few.test.found_after is None
    assert few.test.p_value == 1.0
    assert np.isnan(few.interval.low)
    enough = compare_arms(outcomes, treated, share=0.5, alpha=0.05)
    assert enough.test.found_after == 2 * LEAST_PER_ARM


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_outcomes_that_are_all_alike_say_nothing(value: float) -> None:
    treated = np.arange(500) % 2 == 0
    difference = compare_arms(np.full(500, value), treated, share=0.5, alpha=0.05)
    assert difference.test.found_after is None
    assert difference.test.p_value == 1.0


def test_nobody_is_no_error() -> None:
    nobody = compare_arms(np.empty(0), np.empty(0, dtype=np.bool_), share=0.5, alpha=0.05)
    assert nobody.test.p_value == 1.0
    for interval in (nobody.interval, follow_mean(np.empty(0), alpha=0.05)):
        assert np.isnan([interval.mean, interval.low, interval.high]).all()
    assert check_ratio(np.empty(0, dtype=np.int64), EVEN, alpha=0.05).p_value == 1.0


def test_an_overwhelming_difference_is_no_overflow() -> None:
    treated = np.arange(20_000) % 2 == 0
    outcomes = treated + 1e-3 * np.random.default_rng(0).random(20_000)
    assert compare_arms(outcomes, treated, share=0.5, alpha=0.05).test.p_value == 0.0


def test_nonsense_is_refused() -> None:
    outcomes, treated = np.zeros(3), np.zeros(3, dtype=np.bool_)
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match="share"):
            compare_arms(outcomes, treated, share=share, alpha=0.05)
    with pytest.raises(ValueError, match="one outcome"):
        compare_arms(outcomes, treated[:2], share=0.5, alpha=0.05)
    for alpha in (0.0, 1.0):
        with pytest.raises(ValueError, match="alpha"):
            compare_arms(outcomes, treated, share=0.5, alpha=alpha)
    with pytest.raises(ValueError, match="sum to 1"):
        check_ratio(np.zeros(3, dtype=np.int64), np.array([0.5, 0.6]), alpha=0.05)
    with pytest.raises(ValueError, match="above 0"):
        check_ratio(np.zeros(3, dtype=np.int64), np.array([1.0, 0.0]), alpha=0.05)
    with pytest.raises(ValueError, match="without a share"):
        check_ratio(np.array([0, 2]), EVEN, alpha=0.05)


def test_the_evidence_on_a_ratio_is_the_bayes_factor_in_closed_form() -> None:
    shares = np.array([0.2, 0.3, 0.5])
    arms = np.random.default_rng(0).choice(3, size=400, p=[0.3, 0.3, 0.4])
    factors = []
    for n in range(1, 401):
        counts, prior = np.bincount(arms[:n], minlength=3), 100.0 * shares
        log_marginal = gammaln(100.0) - gammaln(100.0 + n) + (gammaln(prior + counts) - gammaln(prior)).sum()
        factors.append(log_marginal - (counts * np.log(shares)).sum())
    assert check_ratio(arms, shares, alpha=0.05).p_value == pytest.approx(np.exp(-max(factors)))


def test_an_arm_that_nobody_fell_into_is_noticed_not_refused() -> None:
    assert check_ratio(np.zeros(100, dtype=np.int64), EVEN, alpha=0.001).found_after is not None


def test_people_drawn_as_they_should_be_hardly_ever_look_otherwise() -> None:
    alarms = sum(
        check_ratio(np.random.default_rng(seed).integers(0, 2, 3_000), EVEN, alpha=0.05).found_after
        is not None
        for seed in range(SEEDS)
    )
    assert alarms / SEEDS <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / SEEDS)


def test_an_arm_that_loses_a_tenth_of_its_people_is_noticed() -> None:
    rng = np.random.default_rng(0)
    arms = (rng.random(20_000) < 0.5 * 0.9 / 0.95).astype(np.int64)
    assert check_ratio(arms, EVEN, alpha=0.001).found_after is not None
