"""Two towers in service, with NumPy alone."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Floats
from ranking.recommenders.two_tower.model import TwoTower, calibrated, score_items, user_vector
from tests.ranking.recommenders.two_tower.builders import random_model

MODEL = random_model()


def vector(
    history: dict[int, float], taste: dict[int, float] | None = None, model: TwoTower = MODEL
) -> Floats:
    found = vector_or_none(history, taste, model)
    assert found is not None
    return found


def vector_or_none(
    history: dict[int, float], taste: dict[int, float] | None = None, model: TwoTower = MODEL
) -> Floats | None:
    taste = taste or {}
    return user_vector(
        model,
        item_ids=np.array(list(history), dtype=np.int64),
        weights=np.array(list(history.values()), dtype=np.float32),
        facet_ids=np.array(list(taste), dtype=np.int64),
        facet_scores=np.array(list(taste.values()), dtype=np.float64),
    )


@pytest.mark.parametrize(
    ("history", "taste"),
    [
        ({}, {}),
        ({999: 2.0}, {}),
        ({999: 2.0}, {999: 0.5}),
        ({10: 0.0}, {100: 0.0}),
        ({10: -1.0, 20: -1.0}, {}),
        ({120: 2.0}, {}),  # an item that was in nobody's history at training
    ],
)
def test_nobody_is_known_by_what_the_model_does_not_know(
    history: dict[int, float], taste: dict[int, float]
) -> None:
    assert vector_or_none(history, taste) is None


@pytest.mark.parametrize(
    ("history", "taste"),
    [({10: 0.5}, {}), ({}, {100: -0.1}), ({10: -1.0, 20: 1.0}, {}), ({10: -1.0}, {101: 0.3})],
)
def test_one_known_thing_makes_a_vector_of_length_one(
    history: dict[int, float], taste: dict[int, float]
) -> None:
    found = vector(history, taste)
    assert found.shape == (4,)
    assert found.dtype == np.float32
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-6)


def test_the_vector_is_that_of_the_formula() -> None:
    found = vector({10: 2.0, 30: -1.0}, {101: 0.5, 103: -0.25})
    history = (2 * MODEL.history_vectors[0] - MODEL.history_vectors[2]) / 3
    taste = (0.5 * MODEL.facet_vectors[1] - 0.25 * MODEL.facet_vectors[3]) / 0.75
    inputs = np.concatenate([history, taste, np.log([3.0, 3.0]) / 5])
    hidden = np.maximum(inputs @ MODEL.hidden.weights + MODEL.hidden.biases, 0)
    output = hidden @ MODEL.output.weights + MODEL.output.biases
    np.testing.assert_allclose(found, output / np.linalg.norm(output), atol=1e-5)


@given(st.permutations([(10, 2.0), (20, -1.0), (50, 0.5), (999, 2.0), (70, 0.0)]))
def test_neither_the_order_nor_what_is_unknown_or_weighs_nothing_matters(
    history: list[tuple[int, float]],
) -> None:
    np.testing.assert_allclose(
        vector(dict(history), {999: 1.0, 100: 0.0}), vector({10: 2.0, 20: -1.0, 50: 0.5}), atol=1e-5
    )


def test_a_thousand_views_of_one_item_are_not_all_of_a_history() -> None:
    np.testing.assert_array_equal(vector({10: 1e6, 20: 2.0}), vector({10: 10.0, 20: 2.0}))
    assert not np.allclose(vector({10: 10.0, 20: 2.0}), vector({10: 10.0}), atol=1e-3)


def test_a_dislike_is_the_opposite_of_a_like_in_the_history() -> None:
    assert not np.allclose(vector({10: 2.0, 20: 2.0}), vector({10: 2.0, 20: -2.0}), atol=1e-3)


def test_a_tower_that_says_nothing_gives_zeros_and_no_warning() -> None:
    model = random_model()
    mute = replace(
        model,
        output=replace(
            model.output,
            weights=np.zeros_like(model.output.weights),
            biases=np.zeros_like(model.output.biases),
        ),
    )
    np.testing.assert_array_equal(vector({10: 2.0}, model=mute), np.zeros(4))


def test_a_score_is_the_cosine_and_the_demand() -> None:
    user = MODEL.item_vectors[3]
    scores = score_items(MODEL, user)
    assert scores.shape == (12,)
    assert scores[3] == pytest.approx(1 + MODEL.item_biases[3], abs=1e-6)
    np.testing.assert_allclose(scores - MODEL.item_biases, MODEL.item_vectors @ user, atol=1e-6)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_calibrated_scores_are_probabilities_in_the_same_order(scores: list[float]) -> None:
    ordered = np.sort(np.array(scores))
    found = calibrated(MODEL, ordered)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= 0).all()


def test_calibration_is_the_logistic_curve() -> None:
    assert calibrated(MODEL, np.array([0.2]))[0] == pytest.approx(0.5)
    assert calibrated(MODEL, np.array([1.0]))[0] == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_rows_of_ids() -> None:
    assert MODEL.rows_of(np.array([10, 15, 120, 130])).tolist() == [0, -1, 11, -1]


def test_serving_does_not_import_torch() -> None:
    code = (
        "import sys; from ranking.recommenders.two_tower import model, file, data, input;"
        " assert 'torch' not in sys.modules; print('fine')"
    )
    assert subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout == ("fine\n")
