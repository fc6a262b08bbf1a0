"""Scores and places by the leading model: the same whichever other items are asked about with them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.feature_rows import lead_scores
from ranking.recommenders.als.model import calibrate, fold_in
from ranking.request import DEEPEST_PLACE
from tests.ranking.builders import bare_context, person_with, request_of, stranger
from tests.ranking.statistics.builders import model_of


@given(st.integers(0, 10_000), st.lists(st.integers(1, 29), unique=True, max_size=10))
def test_the_place_is_that_among_everything_that_could_be_retrieved(seed: int, excluded: list[int]) -> None:
    rng = np.random.default_rng(seed)
    model = model_of(rng.normal(size=(30, 4)).astype(np.float32))
    # The model knows items 0 to 29, of which the last five have left the catalog.
    request = request_of(person_with([(0, 2.0)], excluded=excluded), bare_context(range(25), model))
    retrieved = request.retrieve("als", 100)
    scores, places = lead_scores(request, retrieved.item_ids)
    assert places.tolist() == list(range(1, len(retrieved.item_ids) + 1))
    assert scores == pytest.approx(retrieved.scores)
    raw = model.item_factors @ fold_in(model, np.array([0]), np.array([2.0], dtype=np.float32))
    for item in range(0, 25, 6):
        score, place = lead_scores(request, np.array([item]))
        rivals = [other for other in range(25) if other not in excluded]
        assert place.tolist() == [1 + sum(raw[other] > raw[item] for other in rivals)]
        assert score == pytest.approx(calibrate(model, raw[[item]]))


def test_below_the_deepest_place_all_are_alike() -> None:
    items = DEEPEST_PLACE + 200
    model = model_of(np.linspace(1, -1, items, dtype=np.float32).reshape(-1, 1))
    request = request_of(person_with([(0, 2.0)]), bare_context(range(items), model))
    _, places = lead_scores(request, np.arange(items))
    assert places[:DEEPEST_PLACE].tolist() == list(range(1, DEEPEST_PLACE + 1))
    assert set(places[DEEPEST_PLACE:]) == {DEEPEST_PLACE}


def test_equal_scores_share_a_place() -> None:
    model = model_of(np.array([[1], [2], [2], [3]], dtype=np.float32))
    request = request_of(person_with([(3, 2.0)]), bare_context(range(4), model))
    assert lead_scores(request, np.arange(4))[1].tolist() == [4, 2, 2, 1]


def test_where_the_model_has_no_score_both_are_unknown() -> None:
    model = model_of(np.ones((3, 2), dtype=np.float32))
    asked = np.array([1, 99])
    for context, person, known in (
        (bare_context(range(3), model), person_with([(0, 1.0)]), [True, False]),
        (bare_context(range(3), model), stranger(), [False, False]),
        (bare_context(range(3)), person_with([(0, 1.0)]), [False, False]),
    ):
        for values in lead_scores(request_of(person, context), asked):
            assert (~np.isnan(values)).tolist() == known
