"""Intervals of coverage and calibration error: around the figure, narrower with more people, as promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Ints
from ranking.statistics.interval import Interval
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


def drawn_people(people: int, rounds: int) -> list[Ints]:
    """The rows of each resample that a generator of seed 7 draws."""
    counts = RNG(7).multinomial(people, np.full(people, 1 / people), size=rounds)
    return [np.repeat(np.arange(people), one) for one in counts]


def assert_spread(interval: Interval, value: float, resampled: list[float]) -> None:
    spread = 1.959964 * np.std(resampled)
    expected = (value, max(0.0, value - spread), min(1.0, value + spread))
    assert (interval.mean, interval.low, interval.high) == pytest.approx(expected)


def test_the_interval_of_coverage_is_the_spread_of_what_resampled_people_cover() -> None:
    top = RNG(3).integers(-1, 14, size=(12, 3))
    assert {-1, 0, 1} <= set(top.ravel().tolist())
    interval = coverage_interval(top, 40, rng=RNG(7), rounds=60)
    assert_spread(interval, coverage(top, 40), [coverage(top[rows], 40) for rows in drawn_people(12, 60)])


def test_the_interval_of_the_error_is_the_spread_in_the_bins_of_all_predictions() -> None:
    rng = RNG(5)
    predicted, users = rng.random(60), np.repeat(np.arange(12), 5)
    happened = rng.random(60) < predicted**2
    curve = expected_calibration_error(predicted, happened, bins=4)
    bin_of = np.argsort(np.argsort(predicted)) // 15

    def error(rows: Ints) -> float:
        own = np.concatenate([np.flatnonzero(users == row) for row in rows])
        gaps = [(predicted - happened)[own[bin_of[own] == one]].sum() for one in range(4)]
        return float(np.abs(gaps).sum() / len(own))

    interval = calibration_interval(predicted, happened, users, rng=RNG(7), rounds=60, bins=4)
    assert_spread(interval, curve.error, [error(rows) for rows in drawn_people(12, 60)])


def test_chunks_give_what_one_piece_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two hundred resamples the last chunk holds fewer than the others."""
    top = RNG(3).integers(0, 50, size=(40, 5))
    predicted, happened, users = RNG(5).random(200), RNG(6).random(200) < 0.4, np.repeat(np.arange(40), 5)
    covered = coverage_interval(top, 60, rng=RNG(4), rounds=200)
    error = calibration_interval(predicted, happened, users, rng=RNG(4), rounds=200)
    monkeypatch.setattr("ranking.statistics.resampling._CHUNK", 1500)
    assert coverage_interval(top, 60, rng=RNG(4), rounds=200) == covered
    in_parts = calibration_interval(predicted, happened, users, rng=RNG(4), rounds=200)
    assert (in_parts.low, in_parts.high) == pytest.approx((error.low, error.high))


def test_unless_told_there_are_a_thousand_resamples_and_ten_bins() -> None:
    top, users = RNG(3).integers(0, 50, size=(40, 5)), np.repeat(np.arange(40), 5)
    predicted, happened = RNG(5).random(200), RNG(6).random(200) < 0.4
    assert coverage_interval(top, 60, rng=RNG(4)) == coverage_interval(top, 60, rng=RNG(4), rounds=1000)
    told = calibration_interval(predicted, happened, users, rng=RNG(4), rounds=1000, bins=10)
    assert calibration_interval(predicted, happened, users, rng=RNG(4)) == told


def test_nobody_and_nothing() -> None:
    nobody = coverage_interval(np.empty((0, 10), dtype=np.int64), 5, rng=RNG(0))
    no_items = coverage_interval(np.full((3, 2), -1), 0, rng=RNG(0))
    nothing = calibration_interval(
        np.empty(0), np.empty(0, dtype=np.bool_), np.empty(0, dtype=np.int64), rng=RNG(0)
    )
    for one in (nobody, no_items, nothing):
        assert np.isnan([one.mean, one.low, one.high]).all()
    assert coverage_interval(np.full((3, 2), -1), 5, rng=RNG(0)).high == 0.0
