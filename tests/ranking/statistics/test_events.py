"""Events as arrays: their checks, parts and sums."""

import dataclasses

import numpy as np
import pytest

from tests.ranking.statistics.builders import dislike, like, make_events, random_events


def test_between_takes_the_start_and_not_the_end() -> None:
    events = make_events([like(1, 1, 1.0), like(1, 2, 2.0), like(1, 3, 3.0)])
    assert events.between(1.0, 3.0).item_ids.tolist() == [1, 2]
    assert events.before(2.0).item_ids.tolist() == [1]


def test_select_keeps_the_arrays_together() -> None:
    events = make_events([like(1, 10, 5.0), dislike(2, 20, 6.0)])
    chosen = events.select(np.array([1, 0]))
    assert (chosen.user_ids.tolist(), chosen.item_ids.tolist()) == ([2, 1], [20, 10])
    assert (chosen.weights.tolist(), chosen.times.tolist()) == ([-1.0, 2.0], [6.0, 5.0])
    assert chosen.relevant.tolist() == [False, True]


def test_slices_share_memory() -> None:
    events = random_events(1)
    part = events.slice(10, 20)
    assert len(part) == 10
    assert np.shares_memory(part.weights, events.weights)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("item_ids", np.zeros(2, dtype=np.int64)),
        ("user_ids", np.zeros((3, 1), dtype=np.int64)),
        ("weights", np.zeros(3, dtype=np.float64)),
        ("relevant", np.zeros(3, dtype=np.int8)),
        ("weights", np.array([1, np.nan, 1], dtype=np.float32)),
        ("times", np.array([1, 2, np.inf])),
    ],
)
def test_arrays_that_do_not_fit_are_refused(name: str, array: np.ndarray) -> None:
    events = make_events([like(1, 1), like(1, 2), like(1, 3)])
    with pytest.raises(ValueError):
        dataclasses.replace(events, **{name: array})
