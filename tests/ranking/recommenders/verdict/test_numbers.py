"""Levels of numbers: a share of 1 between two quantiles, and nothing of what is not known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.arrays import Doubles
from ranking.recommenders.verdict.numbers import KNOTS, knots_of, levels_of

ANY_NUMBER = st.floats(-1e9, 1e9) | st.just(np.nan)
SOME = arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(0, 3)), elements=ANY_NUMBER)


@given(SOME)
def test_the_levels_of_an_item_share_one_or_none(numbers: Doubles) -> None:
    knots = knots_of(numbers)
    assert (np.diff(knots) >= 0).all()
    levels = levels_of(numbers, knots).toarray()
    assert levels.shape == (len(numbers), numbers.shape[1] * KNOTS)
    assert (levels >= 0).all()
    told = (~np.isnan(numbers) & (knots[:, -1] > knots[:, 0])).any(axis=1)
    np.testing.assert_allclose(levels.sum(axis=1), told.astype(np.float64), atol=1e-9)


def test_a_number_lies_between_the_quantiles_next_to_it() -> None:
    numbers = np.expm1(np.arange(5.0))[:, None]
    knots = knots_of(numbers)
    np.testing.assert_allclose(knots, [[0, 1, 2, 3, 4]])
    asked = np.expm1(np.array([[0.0], [1.25], [4.0], [9.0], [np.nan]]))
    expected = np.zeros((5, KNOTS))
    expected[0, 0] = 1
    expected[1, 1:3] = 0.75, 0.25
    expected[2, 4] = expected[3, 4] = 1
    np.testing.assert_allclose(levels_of(asked, knots).toarray(), expected, atol=1e-12)


def test_two_numbers_of_an_item_count_the_same() -> None:
    numbers = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 9.0]])
    levels = levels_of(numbers, knots_of(numbers)).toarray()
    np.testing.assert_allclose(levels[:, :KNOTS].sum(axis=1), [0.5, 1.0, 0.5])
    np.testing.assert_allclose(levels[:, KNOTS:].sum(axis=1), [0.5, 0.0, 0.5])
