"""Neighbours: by what items are, by who chose them, and never themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Floats
from ranking.recommenders.als.model import AlsModel, gram_matrix
from ranking.recommenders.similar.model import BEHAVIOUR_SHARE, content_similarities, similarities
from tests.ranking.statistics.builders import make_content

FACETS = [(0, 1), (0, 1), (0, 2), (3,), ()]


def model(item_ids: list[int], factors: list[list[float]]) -> AlsModel:
    array: Floats = np.array(factors, dtype=np.float32)
    return AlsModel(
        item_ids=np.array(item_ids, dtype=np.int64),
        item_factors=array,
        gram=gram_matrix(array),
        regularization=0.1,
        alpha=1.0,
        negative_scale=1.0,
    )


def test_without_a_model_it_is_what_the_items_are() -> None:
    content = make_content(FACETS, groups=["genre"] * 4)
    near = similarities(0, content, None)
    assert near[0] == 0.0
    assert near[1] == pytest.approx(1.0)
    assert 0.0 < near[2] < 1.0
    assert near[3:].tolist() == [0.0, 0.0]


def test_where_a_model_knows_both_it_is_the_mean() -> None:
    content = make_content(FACETS, groups=["genre"] * 4)
    ids = content.item_ids.tolist()
    als = model([ids[0], ids[2], ids[3]], [[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    alone, near = similarities(0, content, None), similarities(0, content, als)
    assert near[2] == pytest.approx(BEHAVIOUR_SHARE + (1 - BEHAVIOUR_SHARE) * alone[2])
    # A negative cosine counts as 0; the item that the model does not know keeps what it is.
    assert near[3] == 0.0
    assert near[1] == alone[1]


def test_an_item_that_the_model_does_not_know_has_neighbours_by_what_it_is() -> None:
    content = make_content(FACETS, groups=["genre"] * 4)
    als = model([content.item_ids.tolist()[1]], [[1.0]])
    assert similarities(0, content, als).tolist() == similarities(0, content, None).tolist()


def test_factors_of_nothing_divide_by_nothing() -> None:
    content = make_content(FACETS, groups=["genre"] * 4)
    als = model(content.item_ids.tolist(), [[0.0, 0.0]] * 5)
    assert np.isfinite(similarities(0, content, als)).all()


@given(
    st.lists(st.lists(st.integers(0, 6), max_size=5, unique=True), min_size=1, max_size=12),
    st.integers(0, 99),
)
def test_cosines_are_symmetric_and_between_0_and_1(facets: list[list[int]], seed: int) -> None:
    content = make_content([tuple(one) for one in facets], groups=["genre"] * 7)
    everything = content_similarities(np.arange(len(facets)), content)
    assert everything == pytest.approx(everything.T)
    assert ((everything >= 0.0) & (everything <= 1.0)).all()
    row = seed % len(facets)
    expected = everything[:, row].copy()
    expected[row] = 0.0
    assert similarities(row, content, None) == pytest.approx(expected)
