"""Ranking metrics, against answers reckoned by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ranking.statistics.metrics import (
    bootstrap_interval,
    coverage,
    disliked_share_at_k,
    expected_calibration_error,
    hit_rate_at_k,
    liked_over_disliked,
    ndcg_at_k,
    novelty_at_k,
    paired_bootstrap_interval,
    ratio_bootstrap_interval,
    recall_at_k,
    reciprocal_rank_at_k,
)

HITS = np.array([[True, False, True], [False, False, False], [False, True, False], [False, False, False]])
COUNTS = np.array([4, 2, 1, 0])

relevances = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 5), st.integers(1, 12)), elements=st.integers(0, 4)
)


class TestNdcg:
    def test_by_hand(self) -> None:
        # found at ranks 1 and 3 of three relevant items: (1 + 1/2) / (1 + 1/log2(3) + 1/2)
        ranked, grades = np.array([[1.0, 0.0, 1.0]]), np.array([[1.0, 1.0, 1.0]])
        assert ndcg_at_k(ranked, grades, k=3)[0] == pytest.approx(1.5 / (1.5 + 1 / math.log2(3)))

    def test_graded_by_hand(self) -> None:
        # gains 3 and 7 in the wrong order, then cut after the first
        ranked = np.array([[2.0, 3.0]])
        best = 7 + 3 / math.log2(3)
        assert ndcg_at_k(ranked, ranked, k=2)[0] == pytest.approx((3 + 7 / math.log2(3)) / best)
        assert ndcg_at_k(ranked, ranked, k=1)[0] == pytest.approx(3 / 7)

    def test_a_list_shorter_than_k(self) -> None:
        assert ndcg_at_k(np.array([[1.0]]), np.array([[1.0, 0.0]]), k=10)[0] == 1.0

    def test_nobody_relevant_is_left_out(self) -> None:
        values = ndcg_at_k(np.zeros((2, 3)), np.array([[0.0], [1.0]]), k=3)
        assert np.isnan(values[0])
        assert values[1] == 0

    @given(relevances, st.integers(1, 12))
    def test_lies_between_0_and_1_and_the_best_order_gives_1(self, grades: np.ndarray, k: int) -> None:
        values = ndcg_at_k(grades, grades, k=k)
        best = ndcg_at_k(-np.sort(-grades, axis=1), grades, k=k)
        defined = grades.max(axis=1) > 0
        assert (np.isnan(values) == ~defined).all()
        assert ((values[defined] >= 0) & (values[defined] <= 1 + 1e-12)).all()
        assert best[defined] == pytest.approx(1)

    @given(relevances.filter(lambda grades: grades.shape[1] >= 2))
    def test_moving_the_better_item_up_never_hurts(self, grades: np.ndarray) -> None:
        swapped = grades.copy()
        swapped[:, :2] = -np.sort(-grades[:, :2], axis=1)
        k = grades.shape[1]
        before, after = ndcg_at_k(grades, grades, k=k), ndcg_at_k(swapped, grades, k=k)
        assert (after >= before - 1e-12)[~np.isnan(before)].all()


def test_recall_by_hand() -> None:
    np.testing.assert_allclose(recall_at_k(HITS, COUNTS, k=3), [0.5, 0, 1, np.nan])
    np.testing.assert_allclose(recall_at_k(HITS, COUNTS, k=1), [0.25, 0, 0, np.nan])


def test_hit_rate_by_hand() -> None:
    np.testing.assert_array_equal(hit_rate_at_k(HITS, COUNTS, k=3), [1, 0, 1, np.nan])
    np.testing.assert_array_equal(hit_rate_at_k(HITS, COUNTS, k=1), [1, 0, 0, np.nan])


class TestReciprocalRank:
    def test_by_hand(self) -> None:
        np.testing.assert_array_equal(reciprocal_rank_at_k(HITS, COUNTS, k=3), [1, 0, 0.5, np.nan])
        np.testing.assert_array_equal(reciprocal_rank_at_k(HITS, COUNTS, k=1), [1, 0, 0, np.nan])

    def test_an_empty_list_finds_nothing(self) -> None:
        values = reciprocal_rank_at_k(np.empty((1, 0), dtype=np.bool_), np.array([1]), k=5)
        np.testing.assert_array_equal(values, [0])

    @given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 5), st.integers(1, 12))), st.integers(1, 12))
    def test_is_the_rank_of_the_first_hit(self, hits: np.ndarray, k: int) -> None:
        values = reciprocal_rank_at_k(hits, np.ones(len(hits), dtype=np.int64), k=k)
        for row, value in zip(hits[:, :k].tolist(), values, strict=True):
            assert value == (1 / (row.index(True) + 1) if True in row else 0)


def test_disliked_share_by_hand() -> None:
    np.testing.assert_allclose(disliked_share_at_k(HITS, COUNTS, k=3), [2 / 3, 0, 1 / 3, np.nan])


class TestLikedOverDisliked:
    def test_by_hand(self) -> None:
        # 3 beats both, 1 ties with one and loses to the other
        assert liked_over_disliked(np.array([3.0, 1.0]), np.array([1.0, 2.0])) == pytest.approx(2.5 / 4)

    @given(hnp.arrays(np.int8, st.integers(1, 12)), hnp.arrays(np.int8, st.integers(1, 12)))
    def test_equals_the_count_over_all_pairs(self, liked: np.ndarray, disliked: np.ndarray) -> None:
        pairs = liked[:, None].astype(int) - disliked[None, :]
        expected = ((pairs > 0).sum() + (pairs == 0).sum() / 2) / pairs.size
        assert liked_over_disliked(liked.astype(float), disliked.astype(float)) == pytest.approx(expected)

    def test_no_pair_is_undefined(self) -> None:
        assert math.isnan(liked_over_disliked(np.empty(0), np.ones(2)))
        assert math.isnan(liked_over_disliked(np.ones(2), np.empty(0)))


def test_coverage_ignores_padding_and_repeats() -> None:
    assert coverage(np.array([[1, 2, -1], [2, 5, -1]]), 12) == 0.25


class TestNovelty:
    def test_by_hand(self) -> None:
        # half, a quarter and an eighth of the people chose the items: 1, 2 and 3 bits
        shares = np.array([[0.5, 0.25, 0.125], [1.0, 0.25, np.nan], [np.nan, np.nan, np.nan]])
        np.testing.assert_allclose(novelty_at_k(shares, k=3), [2, 1, np.nan])
        np.testing.assert_allclose(novelty_at_k(shares, k=1), [1, 0, np.nan])

    @given(hnp.arrays(np.float64, (3, 4), elements=st.floats(1e-6, 1)), st.integers(1, 6))
    def test_items_half_as_popular_are_one_bit_newer(self, shares: np.ndarray, k: int) -> None:
        values = novelty_at_k(shares, k=k)
        assert (values >= 0).all()
        np.testing.assert_allclose(novelty_at_k(shares / 2, k=k), values + 1)

    @pytest.mark.parametrize("share", [0.0, -0.1, 1.5])
    def test_what_is_no_share_is_refused(self, share: float) -> None:
        with pytest.raises(ValueError, match="shares"):
            novelty_at_k(np.array([[share]]), k=1)


predictions = hnp.arrays(np.float64, st.integers(1, 40), elements=st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]))


class TestExpectedCalibrationError:
    def test_by_hand(self) -> None:
        # 0.1 and 0.3 of which none came true, 0.6 and 0.8 of which both did: 0.2 and 0.3 off
        curve = expected_calibration_error(
            np.array([0.6, 0.1, 0.8, 0.3]), np.array([True, False, True, False]), bins=2
        )
        np.testing.assert_allclose(curve.predicted, [0.2, 0.7])
        np.testing.assert_array_equal(curve.observed, [0, 1])
        np.testing.assert_array_equal(curve.counts, [2, 2])
        assert curve.error == pytest.approx(0.25)

    def test_probabilities_that_are_right_have_almost_no_error(self) -> None:
        rng = np.random.default_rng(1)
        chances = rng.random(100_000)
        came_true = rng.random(100_000) < chances
        curve = expected_calibration_error(chances, came_true)
        assert curve.error < 0.01
        np.testing.assert_array_equal(curve.counts, np.full(10, 10_000))
        assert expected_calibration_error(chances**2, came_true).error == pytest.approx(1 / 6, abs=0.01)

    @given(predictions, st.integers(1, 50), st.integers(0, 2**32 - 1))
    def test_bins_hold_every_prediction_in_whatever_order(
        self, chances: np.ndarray, bins: int, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        came_true = rng.random(len(chances)) < 0.5
        curve = expected_calibration_error(chances, came_true, bins=bins)
        assert 1 <= len(curve.counts) <= bins
        assert (curve.counts > 0).all()
        assert curve.counts.sum() == len(chances)
        assert (np.diff(curve.predicted) > 0).all()
        assert curve.counts @ curve.observed == pytest.approx(came_true.sum())
        assert abs(chances.mean() - came_true.mean()) - 1e-9 <= curve.error <= 1
        order = rng.permutation(len(chances))
        again = expected_calibration_error(chances[order], came_true[order], bins=bins)
        np.testing.assert_array_equal(again.counts, curve.counts)
        np.testing.assert_allclose(again.observed, curve.observed)

    def test_nothing_predicted(self) -> None:
        curve = expected_calibration_error(np.empty(0), np.empty(0, dtype=np.bool_))
        assert math.isnan(curve.error)
        assert len(curve.predicted) == len(curve.observed) == len(curve.counts) == 0
        assert curve.counts.dtype == np.int64

    @pytest.mark.parametrize(
        ("chances", "bins", "message"),
        [
            ([0.5], 10, "one length"),
            ([0.5, 1.1], 10, "between 0 and 1"),
            ([0.5, float("nan")], 10, "between 0 and 1"),
            ([0.5, 0.5], 0, "at least 1 bin"),
        ],
    )
    def test_what_cannot_be_compared_is_refused(self, chances: list[float], bins: int, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            expected_calibration_error(np.array(chances), np.array([True, False]), bins=bins)


class TestBootstrap:
    def test_one_generator_state_gives_one_interval(self) -> None:
        values = np.random.default_rng(1).random(50)
        one, same = (bootstrap_interval(values, rng=np.random.default_rng(2)) for _ in range(2))
        assert one == same
        assert one.low < one.mean < one.high

    def test_covers_the_true_mean_about_as_often_as_it_says(self) -> None:
        rng = np.random.default_rng(3)
        covered = 0
        for _ in range(400):
            interval = bootstrap_interval(rng.exponential(size=80), rng=rng, rounds=300, confidence=0.9)
            covered += interval.low <= 1.0 <= interval.high
        assert 0.84 <= covered / 400 <= 0.94

    def test_the_ends_are_quantiles_of_the_means_of_resampled_people(self) -> None:
        values = np.random.default_rng(1).random(12)
        drawn = np.random.default_rng(2).integers(12, size=(300, 12))
        interval = bootstrap_interval(values, rng=np.random.default_rng(2), rounds=300, confidence=0.8)
        expected = (values.mean(), *np.quantile(values[drawn].mean(axis=1), [0.1, 0.9]))
        assert (interval.mean, interval.low, interval.high) == pytest.approx(expected)

    def test_parts_give_what_one_piece_gives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of two hundred resamples the last part holds fewer than the others."""
        values = np.random.default_rng(1).random(40)
        whole = bootstrap_interval(values, rng=np.random.default_rng(2), rounds=200)
        monkeypatch.setattr("ranking.statistics.metrics._CHUNK", 40 * 30)
        assert bootstrap_interval(values, rng=np.random.default_rng(2), rounds=200) == whole

    def test_one_resample_is_enough_for_an_interval(self) -> None:
        interval = bootstrap_interval(np.arange(9.0), rng=np.random.default_rng(1), rounds=1)
        assert interval.low == interval.high

    def test_a_pair_is_resampled_as_asked_for(self) -> None:
        a, b = np.random.default_rng(1).random((2, 40))
        for told in ({}, {"rounds": 20}, {"confidence": 0.5}):
            paired = paired_bootstrap_interval(a, b, rng=np.random.default_rng(2), **told)
            assert paired == bootstrap_interval(a - b, rng=np.random.default_rng(2), **told)

    def test_many_people_are_resampled_in_parts(self) -> None:
        values = np.random.default_rng(4).random(150_000)
        interval = bootstrap_interval(values, rng=np.random.default_rng(5), rounds=30)
        assert interval.high - interval.low < 0.01

    def test_undefined_people_are_left_out(self) -> None:
        values = np.array([1.0, np.nan, 1.0])
        assert bootstrap_interval(values, rng=np.random.default_rng(1)).mean == 1.0
        nobody = bootstrap_interval(np.array([np.nan]), rng=np.random.default_rng(1))
        assert all(math.isnan(x) for x in (nobody.mean, nobody.low, nobody.high))

    def test_pairing_sees_a_difference_that_people_hide(self) -> None:
        rng = np.random.default_rng(6)
        people = rng.normal(scale=10, size=200)
        better = people + 0.1 + rng.normal(scale=0.01, size=200)
        paired = paired_bootstrap_interval(better, people, rng=rng)
        assert 0.09 < paired.low < paired.high < 0.11
        alone = bootstrap_interval(better, rng=rng)
        assert alone.high - alone.low > 1

    def test_pairs_of_different_people_are_refused(self) -> None:
        with pytest.raises(ValueError, match="same people"):
            paired_bootstrap_interval(np.ones(3), np.ones(4), rng=np.random.default_rng(1))

    @pytest.mark.parametrize(("rounds", "confidence"), [(0, 0.95), (10, 0.0), (10, 1.0)])
    def test_settings_out_of_range_are_refused(self, rounds: int, confidence: float) -> None:
        with pytest.raises(ValueError, match="Rounds"):
            bootstrap_interval(np.ones(3), rng=np.random.default_rng(1), rounds=rounds, confidence=confidence)


class TestRatioBootstrap:
    def test_equal_denominators_give_the_plain_interval(self) -> None:
        values = np.random.default_rng(1).random(50)
        ratio = ratio_bootstrap_interval(values * 3, np.full(50, 3.0), rng=np.random.default_rng(2))
        plain = bootstrap_interval(values, rng=np.random.default_rng(2))
        assert (ratio.mean, ratio.low, ratio.high) == pytest.approx((plain.mean, plain.low, plain.high))

    def test_people_with_more_events_count_for_more(self) -> None:
        interval = ratio_bootstrap_interval(
            np.array([9.0, 0.0]), np.array([9.0, 1.0]), rng=np.random.default_rng(1)
        )
        assert (interval.mean, interval.low, interval.high) == (0.9, 0.0, 1.0)

    def test_resamples_without_an_event_are_left_out(self) -> None:
        numerators, denominators = np.array([1.0, 0.0, 0.0]), np.array([2.0, 0.0, 0.0])
        interval = ratio_bootstrap_interval(numerators, denominators, rng=np.random.default_rng(1))
        assert (interval.mean, interval.low, interval.high) == (0.5, 0.5, 0.5)
        # One round, in which the person with events is not drawn.
        undrawn = ratio_bootstrap_interval(numerators, denominators, rng=np.random.default_rng(0), rounds=1)
        assert undrawn.mean == 0.5
        assert np.isnan([undrawn.low, undrawn.high]).all()
        nothing = ratio_bootstrap_interval(numerators, denominators * 0, rng=np.random.default_rng(1))
        assert all(math.isnan(x) for x in (nothing.mean, nothing.low, nothing.high))

    def test_what_does_not_fit_is_refused(self) -> None:
        with pytest.raises(ValueError, match="same people"):
            ratio_bootstrap_interval(np.ones(3), np.ones(4), rng=np.random.default_rng(1))
        with pytest.raises(ValueError, match="Rounds"):
            ratio_bootstrap_interval(np.ones(3), np.ones(3), rng=np.random.default_rng(1), rounds=0)
