"""Training data of a two-tower model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ranking.recommenders.two_tower.data import HARD_NEGATIVE, RANDOM_NEGATIVE, TwoTowerParameters
from tests.ranking.recommenders.two_tower.builders import Example, make_examples, make_items, states_of

EXAMPLES = make_examples(
    [
        Example(1, 0, time=5.0, history=((1, 2.0), (2, -1.0))),
        Example(1, 3, label=0.0, time=6.0, taste=((0, 0.5),)),
        Example(2, 1, kind=HARD_NEGATIVE, time=7.0),
        Example(3, 2, weight=0.0, time=8.0, history=((0, 0.5),), taste=((1, -1.0), (0, 0.25))),
        Example(3, 3, kind=RANDOM_NEGATIVE, time=9.0),
    ]
)
STATES = EXAMPLES.states
ITEMS = make_items([[0], [1], [0, 1], []], kinds=2)


def test_only_what_speaks_for_its_item_is_positive() -> None:
    assert EXAMPLES.positive.tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("which", [[3, 0, 0], [2], []])
def test_taken_examples_keep_their_own_lists(which: list[int]) -> None:
    taken = EXAMPLES.take(np.array(which, dtype=np.intp))
    assert taken.item_rows.tolist() == [[0, 3, 1, 2, 3][row] for row in which]
    histories = [[1, 2], [], [], [0], []]
    states = states_of(taken)
    assert states.history_rows.tolist() == [item for row in which for item in histories[row]]
    assert np.diff(states.taste_indptr).tolist() == [[0, 1, 0, 2, 0][row] for row in which]


def test_a_mask_and_a_window_of_time_take_the_same() -> None:
    by_mask = EXAMPLES.take(np.array([False, True, True, False, False]))
    by_time = EXAMPLES.between(6.0, 8.0)
    assert by_mask.item_rows.tolist() == by_time.item_rows.tolist() == [3, 1]
    assert states_of(by_mask).facet_scores.tolist() == states_of(by_time).facet_scores.tolist() == [0.5]
    assert EXAMPLES.before(6.0).times.tolist() == [5.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"item_rows": EXAMPLES.item_rows[:-1]},
        {"labels": EXAMPLES.labels + np.float32(0.5)},
        {"labels": EXAMPLES.labels * np.float32("nan")},
        {"rank_weights": -EXAMPLES.rank_weights},
        {"kinds": EXAMPLES.kinds + np.int8(1)},
        {"times": EXAMPLES.times * np.inf},
        {"state_of": EXAMPLES.state_of[:-1]},
        {"state_of": EXAMPLES.state_of + 1},
        {"state_of": EXAMPLES.state_of - 1},
    ],
)
def test_examples_that_do_not_fit_together_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(EXAMPLES, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"history_indptr": STATES.history_indptr[:-1]},
        {"history_indptr": STATES.history_indptr[::-1].copy()},
        {"history_weights": STATES.history_weights[:-1]},
        {"history_weights": STATES.history_weights * np.float32("inf")},
        {"facet_scores": STATES.facet_scores * np.float32(2)},
        {"facet_columns": STATES.facet_columns[:-1]},
    ],
)
def test_states_that_do_not_fit_together_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(STATES, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"item_ids": ITEMS.item_ids[:-1]},
        {"item_ids": ITEMS.item_ids[::-1]},
        {"facet_ids": ITEMS.facet_ids[::-1]},
        {"facets": ITEMS.facets[:, :1]},
        {"words": ITEMS.words[:2]},
        {"words": ITEMS.words * np.float32("nan")},
        {"years": ITEMS.years[:-1]},
        {"years": np.full(4, np.inf)},
    ],
)
def test_items_that_do_not_fit_together_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replace(ITEMS, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"dimensions": 0},
        {"hidden": 0},
        {"epochs": 0},
        {"batch_size": 0},
        {"patience": 0},
        {"uniform_negatives": -1},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"temperature": 0.0},
        {"hard_negative_weight": -1.0},
        {"hard_negative_weight": float("inf")},
        {"id_dropout": 1.0},
        {"history_dropout": 1.5},
        {"half_life_days": 0.0},
        {"demand_half_life_days": float("nan")},
    ],
)
def test_parameters_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        TwoTowerParameters(**wrong)  # type: ignore[arg-type]
