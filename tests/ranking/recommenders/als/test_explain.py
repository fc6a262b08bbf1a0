"""The parts of a score add up to the score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.recommenders.als.explain import contributions
from ranking.recommenders.als.model import AlsModel, fold_in, gram_matrix, score_all


def a_model(seed: int, items: int = 30, factors: int = 5) -> AlsModel:
    item_factors = np.random.default_rng(seed).standard_normal((items, factors)).astype(np.float32)
    return AlsModel(
        item_ids=np.arange(items),
        item_factors=item_factors,
        gram=gram_matrix(item_factors),
        regularization=2.0,
        alpha=3.0,
        negative_scale=1.0,
    )


@given(
    st.integers(0, 1000),
    st.lists(
        st.tuples(st.integers(0, 29), st.floats(-3, 5, width=32).filter(lambda weight: abs(weight) > 0.01)),
        min_size=1,
        max_size=10,
        unique_by=lambda pair: pair[0],
    ),
)
def test_contributions_add_up_to_the_score(seed: int, history: list[tuple[int, float]]) -> None:
    model = a_model(seed)
    rows = np.array([row for row, _ in history])
    weights = np.array([weight for _, weight in history], dtype=np.float32)
    scores = score_all(model, fold_in(model, rows, weights))
    parts = contributions(model, np.arange(30), rows, weights)
    assert parts.shape == (30, len(history))
    assert parts.sum(axis=1) == pytest.approx(scores, abs=1e-4)
    assert (parts[:, weights < 0] == 0).all()


def test_the_item_most_like_the_liked_one_is_explained_by_it() -> None:
    model = a_model(1)
    parts = contributions(model, np.array([4, 9]), np.array([4, 9]), np.array([2.0, 2.0], dtype=np.float32))
    assert parts.argmax(axis=1).tolist() == [0, 1]
