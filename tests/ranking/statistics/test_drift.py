"""The population stability index: against figures worked out by hand, and where it must be nothing."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.statistics.drift import Distribution, shares_of, stability_index

numbers = st.lists(st.floats(-1e6, 1e6, width=32) | st.just(math.nan), min_size=1, max_size=200)


def test_the_index_is_that_of_its_formula() -> None:
    found = stability_index([0.5, 0.3, 0.2], [0.4, 0.4, 0.2])
    assert found == pytest.approx(-0.1 * math.log(0.8) + 0.1 * math.log(4 / 3), rel=1e-12)
    # A share of nothing counts as 0.0001.
    assert stability_index([1.0, 0.0], [0.9, 0.1]) == pytest.approx(
        -0.1 * math.log(0.9) + (0.1 - 1e-4) * math.log(0.1 / 1e-4), rel=1e-9
    )


def test_even_numbers_lie_in_tenths() -> None:
    found = Distribution.of(np.arange(1000.0))
    assert found.shares == pytest.approx([0.1] * 10 + [0.0], abs=0.002)
    assert found.median == 499.5


def test_a_common_value_has_a_bin_of_its_own() -> None:
    values = np.concatenate([np.zeros(600), np.linspace(1.0, 2.0, 400)])
    found = Distribution.of(values)
    zero = found.edges.index(0.0)
    assert found.shares[zero] == 0.6
    assert shares_of(np.full(10, -1.0), found.edges)[zero] == 0.0
    constant = Distribution.of(np.ones(50))
    assert stability_index(constant.shares, shares_of(np.full(50, 0.5), constant.edges)) > 1.0
    assert stability_index(constant.shares, shares_of(np.full(50, 1.5), constant.edges)) > 1.0


def test_what_is_unknown_is_a_share_of_its_own() -> None:
    found = Distribution.of(np.array([1.0, 2.0, np.nan, np.nan]))
    assert found.unknown == 0.5
    nothing = Distribution.of(np.full(4, np.nan))
    assert (nothing.unknown, nothing.median, nothing.edges) == (1.0, None, ())
    assert stability_index(nothing.shares, shares_of(np.array([0.0, 1.0]), nothing.edges)) > 1.0


@given(numbers)
def test_the_same_numbers_have_not_drifted(values: list[float]) -> None:
    column = np.array(values)
    found = Distribution.of(column)
    assert sum(found.shares) == pytest.approx(1.0)
    assert stability_index(found.shares, shares_of(column, found.edges)) == pytest.approx(0.0, abs=1e-9)
    again = Distribution.read(found.as_json())
    assert again.edges == found.edges
    assert again.shares == pytest.approx(found.shares, abs=1e-6)


@pytest.mark.parametrize(
    ("spread", "shift", "low", "high"), [(1.0, 0.0, 0.0, 0.05), (1.0, 1.0, 0.5, 3.0), (3.0, 0.0, 0.4, 3.0)]
)
def test_it_grows_with_the_shift(spread: float, shift: float, low: float, high: float) -> None:
    rng = np.random.default_rng(5)
    then = Distribution.of(rng.normal(size=2000))
    now = rng.normal(shift, spread, size=2000)
    assert low <= stability_index(then.shares, shares_of(now, then.edges)) <= high


def test_what_is_no_distribution_is_refused() -> None:
    with pytest.raises(ValueError, match="needs values"):
        Distribution.of(np.empty(0))
    with pytest.raises(ValueError, match="fit together"):
        Distribution.read({"edges": [1.0], "shares": [1.0], "median": 1.0})
