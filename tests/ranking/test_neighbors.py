"""Neighbors: by what items are, by who chose them, and never themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Doubles, Floats
from core.domain import USE_CASES
from ranking.context import ScoringContext
from ranking.feature_rows import lead_neighbors
from ranking.item_content import ItemContent
from ranking.neighbors import BEHAVIOR_SHARE, ENOUGH_LIKENESS, OTHER_MIX, neighbor_scores
from ranking.recommenders.als.model import AlsModel, gram_matrix
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.demand import ItemDemand
from tests.ranking.builders import bare_context, person_with, request_of
from tests.ranking.statistics.builders import make_content, model_of

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


def similarities(row: int, content: ItemContent, als: AlsModel | None) -> Doubles:
    nothing = np.zeros(len(content.item_ids))
    demand = ItemDemand.from_counts(nothing, nothing, nothing)
    catalog = CatalogSnapshot.build(content, demand, np.arange(content.facets.shape[1]))
    models = ModelSet({} if als is None else {"als": LoadedModel(1, "als", als)})
    return neighbor_scores(row, ScoringContext.of(USE_CASES["movie_home"], catalog, models))


def test_without_a_model_it_is_what_the_items_are() -> None:
    content = make_content(FACETS, groups=["genre"] * 4)
    near = similarities(0, content, None)
    assert near[0] == 0.0
    assert near[1] == pytest.approx(1.0)
    assert 0.0 < near[2] < 1.0
    assert near[3:].tolist() == [0.0, 0.0]


def test_where_a_model_knows_both_it_is_the_mean() -> None:
    content = make_content(FACETS, groups=["theme"] * 4)
    ids = content.item_ids.tolist()
    als = model([ids[0], ids[2], ids[3]], [[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    alone, near = similarities(0, content, None), similarities(0, content, als)
    assert near[2] == pytest.approx(BEHAVIOR_SHARE + (1 - BEHAVIOR_SHARE) * alone[2])
    # A negative cosine counts as 0; the item that the model does not know keeps what it is.
    assert near[3] == 0.0
    assert near[1] == alone[1]


def test_an_item_that_the_model_does_not_know_has_neighbors_by_what_it_is() -> None:
    content = make_content(FACETS, groups=["genre"] * 4)
    als = model([content.item_ids.tolist()[1]], [[1.0]])
    assert similarities(0, content, als).tolist() == similarities(0, content, None).tolist()


def test_factors_of_nothing_divide_by_nothing() -> None:
    content = make_content(FACETS, groups=["genre"] * 4)
    als = model(content.item_ids.tolist(), [[0.0, 0.0]] * 5)
    assert np.isfinite(similarities(0, content, als)).all()


def test_the_feature_is_the_nearest_of_the_approved() -> None:
    factors = np.array([[2, 0], [1, 1], [0, 3], [-1, 0], [0, 0]], dtype=np.float32)
    context = bare_context(range(6), model_of(factors))
    one = request_of(person_with([(0, 2.0), (3, -1.0)]), context)
    # Item 5 is unknown to the model, item 4 has no direction; item 3 was disliked and is no neighbor.
    assert lead_neighbors(one, np.arange(6)) == pytest.approx(
        [1.0, np.sqrt(0.5), 0.0, -1.0, 0.0, 0.0], abs=1e-6
    )
    two = request_of(person_with([(0, 2.0), (2, 2.0)]), context)
    assert lead_neighbors(two, np.array([1, 2])) == pytest.approx([np.sqrt(0.5), 1.0])


@given(
    st.lists(st.lists(st.integers(0, 6), max_size=5, unique=True), min_size=1, max_size=12),
    st.integers(0, 99),
)
def test_cosines_are_symmetric_and_between_0_and_1(facets: list[list[int]], seed: int) -> None:
    content = make_content([tuple(one) for one in facets], groups=["theme"] * 7)
    everything = np.column_stack([content.cosines_to(np.array([row])) for row in range(len(facets))])
    assert everything == pytest.approx(everything.T)
    assert ((everything >= 0.0) & (everything <= 1.0)).all()
    row = seed % len(facets)
    expected = everything[:, row].copy()
    expected[row] = 0.0
    assert similarities(row, content, None) == pytest.approx(expected)


def test_behavior_counts_by_the_share_of_likeness_that_is_there() -> None:
    # The first two share all of eight themes; the first and the third one of eight, which many have.
    themes = [tuple(range(8)), tuple(range(8)), (0, *range(8, 15)), *((0,),) * 10, *((14,),) * 30]
    content = make_content(themes, groups=["theme"] * 15)
    ids = content.item_ids.tolist()
    als = model(ids[:3], [[1.0, 0.0]] * 3)
    alone, near = similarities(0, content, None), similarities(0, content, als)
    assert 0.0 < alone[2] < ENOUGH_LIKENESS < alone[1]
    assert near[1] == pytest.approx(BEHAVIOR_SHARE + (1 - BEHAVIOR_SHARE) * alone[1])
    share = max(0.1, alone[2] / ENOUGH_LIKENESS)
    assert near[2] == pytest.approx(BEHAVIOR_SHARE * share + (1 - BEHAVIOR_SHARE) * alone[2])


def test_other_categories_count_against_what_else_is_shared() -> None:
    # All share a theme; the second has both categories of the first, the third one of them, the fourth
    # others, and of the fifth none is known.
    facets = [(0, 1, 4), (0, 1, 4), (0, 2, 4), (2, 3, 4), (4,), (3,)]
    groups = ["genre"] * 4 + ["theme"]
    near = similarities(0, make_content(facets, groups=groups), None)
    plain = make_content(facets, groups=groups).cosines_to(np.array([0]))
    factors = near[1:5] / plain[1:5]
    assert factors[[0, 3]] == pytest.approx([1.0, 1.0])
    assert OTHER_MIX < factors[1] < 1.0
    assert factors[2] == pytest.approx(OTHER_MIX)
