"""Intervals of coverage and calibration error: around the figure, narrower with more people, as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.statistics.metrics import coverage, expected_calibration_error
from ranking.statistics.resampling import calibration_interval, coverage_interval

RNG = np.random.default_rng


@given(st.integers(1, 30), st.integers(1, 6), st.integers(0, 1000))
def test_the_figure_lies_within_its_interval(people: int, k: int, seed: int) -> None:
    rng = RNG(seed)
    top = rng.integers(-1, 20, size=(people, k))
    covered = coverage_interval(top, 20, rng=rng, rounds=50)
    assert covered.mean == coverage(top, 20)
    assert 0 <= covered.low <= covered.mean <= covered.high <= 1
    predicted, happened = rng.random(people * k), rng.random(people * k) < 0.3
    users = np.repeat(np.arange(people), k)
    error = calibration_interval(predicted, happened, users, rng=rng, rounds=50)
    assert error.mean == expected_calibration_error(predicted, happened).error
    assert 0 <= error.low <= error.mean <= error.high <= 1


def test_everybody_alike_leaves_no_doubt() -> None:
    interval = coverage_interval(np.tile([1, 2], (30, 1)), 10, rng=RNG(0))
    assert (interval.mean, interval.low, interval.high) == pytest.approx((0.2, 0.2, 0.2))
    always = calibration_interval(np.full(40, 0.5), np.ones(40, dtype=np.bool_), np.arange(40), rng=RNG(0))
    assert (always.low, always.high) == pytest.approx((0.5, 0.5))


def test_more_people_narrow_the_interval() -> None:
    def width(people: int) -> float:
        rng = RNG(1)
        predicted = rng.random(people * 5)
        happened = rng.random(people * 5) < predicted / 2
        one = calibration_interval(predicted, happened, np.repeat(np.arange(people), 5), rng=rng)
        return one.high - one.low

    assert width(400) < width(25) / 2


def test_the_slots_of_a_person_stay_together() -> None:
    # Twenty slots of each of ten people who always or never engage are worth ten, not two hundred.
    happened = np.repeat(np.arange(10) % 2 == 0, 20)
    predicted = np.full(200, 0.8)
    together = calibration_interval(predicted, happened, np.repeat(np.arange(10), 20), rng=RNG(2))
    apart = calibration_interval(predicted, happened, np.arange(200), rng=RNG(2))
    assert together.high - together.low > 3 * (apart.high - apart.low)


def test_chunks_give_what_one_piece_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    top = RNG(3).integers(0, 50, size=(40, 5))
    whole = coverage_interval(top, 60, rng=RNG(4), rounds=200)
    monkeypatch.setattr("ranking.statistics.resampling._CHUNK", 1000)
    assert coverage_interval(top, 60, rng=RNG(4), rounds=200) == whole


def test_nobody_and_nothing() -> None:
    empty = np.empty((0, 10), dtype=np.int64)
    assert np.isnan(coverage_interval(empty, 5, rng=RNG(0)).mean)
    assert np.isnan(coverage_interval(np.full((3, 2), -1), 0, rng=RNG(0)).mean)
    assert coverage_interval(np.full((3, 2), -1), 5, rng=RNG(0)).high == 0.0
    nothing = calibration_interval(
        np.empty(0), np.empty(0, dtype=np.bool_), np.empty(0, dtype=np.int64), rng=RNG(0)
    )
    assert np.isnan(nothing.mean)
