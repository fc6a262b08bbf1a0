"""Look-ups over arrays, against the plain way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import reaching, top_k_of


@given(
    size=st.integers(0, 2000),
    k=st.integers(1, 20),
    different=st.sampled_from([1, 3, 10_000]),
    seed=st.integers(0, 1000),
)
def test_the_highest_are_all_among_those_that_reach(size: int, k: int, different: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(different, size=size).astype(np.float32)
    rows = reaching(scores, k)
    assert (np.diff(rows) > 0).all()
    best = np.sort(scores)[::-1][:k]
    np.testing.assert_array_equal(np.sort(scores[rows])[::-1][:k], best)
    # All that equal the last of them are there: ties are decided by who asks.
    assert set(np.flatnonzero(scores >= best.min(initial=np.inf)).tolist()) <= set(rows.tolist())


def test_few_more_than_asked_for_reach_among_many() -> None:
    scores = np.random.default_rng(1).random(200_000)
    assert 100 <= len(reaching(scores, 100)) < 150


@pytest.mark.parametrize("k", [0, 1, 3, 9])
def test_the_best_of_the_allowed_come_first_and_ties_by_row(k: int) -> None:
    scores, allowed = np.array([1.0, 3.0, 2.0, 3.0, 9.0]), np.array([True, True, True, True, False])
    assert top_k_of(scores, k, allowed).tolist() == [1, 3, 2, 0][:k]
