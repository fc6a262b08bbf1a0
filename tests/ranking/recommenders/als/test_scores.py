"""Scores and places by ALS of given items: the same whichever others are asked about with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.recommenders.als.model import calibrate
from ranking.sources import DEEPEST_PLACE, als_scores, retrieve_als
from tests.ranking.builders import bare_live, stranger
from tests.ranking.statistics.builders import model_of


@given(st.integers(0, 10_000), st.lists(st.integers(0, 29), unique=True, max_size=10))
def test_the_place_is_that_among_everything_that_could_be_retrieved(seed: int, excluded: list[int]) -> None:
    rng = np.random.default_rng(seed)
    model = model_of(rng.normal(size=(30, 4)).astype(np.float32))
    user = rng.normal(size=4).astype(np.float32)
    # The model knows items 0 to 29, of which the last five have left the catalogue.
    live, state = bare_live(range(25), model), stranger(sorted(excluded), user)
    retrieved = retrieve_als(state, live, 100)
    scores, places = als_scores(retrieved.item_ids, state, live)
    assert places.tolist() == retrieved.source_ranks.tolist()
    assert scores == pytest.approx(retrieved.source_scores)
    for item in range(0, 25, 6):
        score, place = als_scores(np.array([item]), state, live)
        raw = model.item_factors @ user
        rivals = [other for other in range(25) if other not in excluded]
        assert place.tolist() == [1 + sum(raw[other] > raw[item] for other in rivals)]
        assert score == pytest.approx(calibrate(model, raw[[item]]))


def test_below_the_deepest_place_all_are_alike() -> None:
    items = DEEPEST_PLACE + 200
    model = model_of(np.linspace(1, -1, items, dtype=np.float32).reshape(-1, 1))
    live, state = bare_live(range(items), model), stranger(als_user=np.ones(1, dtype=np.float32))
    _, places = als_scores(np.arange(items), state, live)
    assert places[:DEEPEST_PLACE].tolist() == list(range(1, DEEPEST_PLACE + 1))
    assert set(places[DEEPEST_PLACE:]) == {DEEPEST_PLACE}


def test_equal_scores_share_a_place() -> None:
    model = model_of(np.array([[1], [2], [2], [3]], dtype=np.float32))
    live, state = bare_live(range(4), model), stranger(als_user=np.ones(1, dtype=np.float32))
    assert als_scores(np.arange(4), state, live)[1].tolist() == [4, 2, 2, 1]


def test_where_the_model_has_no_score_both_are_unknown() -> None:
    model = model_of(np.ones((3, 2), dtype=np.float32))
    user = np.ones(2, dtype=np.float32)
    asked = np.array([1, 99])
    for live, state, known in (
        (bare_live(range(3), model), stranger(als_user=user), [True, False]),
        (bare_live(range(3), model), stranger(), [False, False]),
        (bare_live(range(3)), stranger(), [False, False]),
    ):
        for values in als_scores(asked, state, live):
            assert (~np.isnan(values)).tolist() == known
