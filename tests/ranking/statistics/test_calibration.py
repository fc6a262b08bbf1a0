"""Calibration of scores to probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ranking.statistics.calibration import fit_platt, probabilities


def test_finds_the_curve_the_labels_were_drawn_from() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(0.3, 0.4, size=40_000)
    labels = rng.random(40_000) < 1 / (1 + np.exp(-(5.0 * scores - 1.5)))
    slope, intercept = fit_platt(scores, labels)
    assert slope == pytest.approx(5.0, rel=0.05)
    assert intercept == pytest.approx(-1.5, abs=0.1)


def test_mean_probability_matches_the_share_of_positives() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random(5_000).astype(np.float32)
    labels = rng.random(5_000) < 0.1 + 0.3 * scores
    slope, intercept = fit_platt(scores, labels)
    assert np.mean(1 / (1 + np.exp(-(slope * scores + intercept)))) == pytest.approx(labels.mean(), abs=0.005)


@given(
    scores=hnp.arrays(np.float64, 12, elements=st.floats(-1e6, 1e6)),
    positives=st.integers(1, 11),
)
def test_the_slope_is_always_positive_and_finite(scores: np.ndarray, positives: int) -> None:
    slope, intercept = fit_platt(scores, np.arange(12) < positives)
    assert slope > 0
    assert np.isfinite([slope, intercept]).all()


@pytest.mark.parametrize("spread", [0.0, 5e-324, 1e-300, 1e-31, 1e-20])
def test_scores_that_are_all_but_equal_give_a_finite_slope(spread: float) -> None:
    slope, intercept = fit_platt(np.array([0.0, spread, 0.0, spread]), np.array([True, True, False, False]))
    assert slope > 0
    assert np.isfinite([slope, intercept]).all()


@pytest.mark.parametrize("score", [0.0388898, -7.1, 1e-12, 123456.7])
def test_equal_scores_keep_a_slope_that_answers_with_the_share(score: float) -> None:
    # The mean of seven equal numbers is off by rounding, and so their spread is not zero.
    labels = np.arange(7) < 2
    slope, intercept = fit_platt(np.full(7, score), labels)
    assert slope < 10
    assert probabilities(np.full(1, score), slope, intercept)[0] == pytest.approx(2 / 7, abs=0.08)


def test_scores_that_say_the_opposite_still_keep_the_order() -> None:
    slope, _ = fit_platt(np.array([0.0, 1.0, 2.0, 3.0]), np.array([True, True, False, False]))
    assert 0 < slope < 0.01


def test_a_few_labels_leave_the_expected_slope_about_where_it_was() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(0.0, 0.3, size=45)
    labels = rng.random(45) < 0.3
    assert fit_platt(scores, labels)[0] < 0.01
    assert 0.5 < fit_platt(scores, labels, expected_slope=1.0)[0] < 1.0


def test_many_labels_overrule_the_expected_slope() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(size=40_000)
    labels = rng.random(40_000) < 1 / (1 + np.exp(-0.2 * scores))
    slope, _ = fit_platt(scores, labels, expected_slope=1.0)
    assert slope == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("spread", [0.0, 5e-324, 1e-200, 1e-31])
def test_an_expected_slope_is_finite_where_scores_are_all_but_equal(spread: float) -> None:
    labels = np.array([True, True, False, False])
    slope, intercept = fit_platt(np.array([0.0, spread, 0.0, spread]), labels, expected_slope=1.0)
    assert slope > 0
    assert np.isfinite([slope, intercept]).all()


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        (np.ones(3), np.array([True, False])),
        (np.ones((2, 2)), np.ones((2, 2), dtype=np.bool_)),
        (np.array([1.0, np.nan]), np.array([True, False])),
        (np.ones(2), np.array([True, True])),
        (np.empty(0), np.empty(0, dtype=np.bool_)),
    ],
)
def test_what_cannot_be_fitted_is_refused(scores: np.ndarray, labels: np.ndarray) -> None:
    with pytest.raises(ValueError):
        fit_platt(scores, labels)
