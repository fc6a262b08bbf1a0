"""EASE against its formula in full, and what its limits leave out."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from ranking.recommenders.als.model import NO_FADING
from ranking.recommenders.ease.model import EaseParameters, default_regularization, fit_ease
from ranking.recommenders.linear import score_all
from tests.ranking.statistics.builders import dislike, like, make_events, random_events

PLAIN = EaseParameters(half_life_days=NO_FADING)
# Two people approve items 0 and 1, one items 1 and 2, and one turns 2 down.
ROWS = [like(1, 0), like(1, 1), like(2, 0), like(2, 1), like(3, 1), like(3, 2), like(4, 0), dislike(4, 2)]
X = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 1], [1, 0, -1.5]]) * [2 / 3, 2 / 3, 2 / 3]


def test_the_matrix_is_that_of_the_formula() -> None:
    inverse = np.linalg.inv(X.T @ X + 2.0 * np.eye(3))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    fitted = fit_ease(make_events(ROWS), replace(PLAIN, regularization=2.0))
    np.testing.assert_allclose(fitted.matrix.toarray(), expected, atol=1e-6)


def test_the_regularization_is_what_chance_alone_would_make() -> None:
    fitted = fit_ease(make_events(ROWS), PLAIN)
    total = np.square(X).sum()
    expected = (np.sqrt(total / 4) + np.sqrt(total / 3)) ** 2
    assert fitted.regularization == pytest.approx(expected, rel=1e-5)


def test_what_was_turned_down_lowers_what_goes_with_it() -> None:
    events = make_events([like(person, item) for person in range(6) for item in range(3)] + [like(7, 3)])
    fitted = fit_ease(events, replace(PLAIN, regularization=1.0))

    def score(weight: float) -> float:
        shares = fitted.shares(np.array([weight, 2.0], dtype=np.float32))
        return float(score_all(fitted, np.array([0, 3]), shares)[1])

    assert score(2.0) > score(0.0) > score(-1.0)


def test_the_items_that_most_people_approved_take_part() -> None:
    events = make_events([like(person, item) for item in range(5) for person in range(item + 1)])
    fitted = fit_ease(events, replace(PLAIN, items=2))
    assert fitted.item_ids.tolist() == [3, 4]


def test_the_largest_entries_are_kept_with_their_sign() -> None:
    events = random_events(5)
    whole, part = fit_ease(events, PLAIN), fit_ease(events, replace(PLAIN, neighbors=4))
    assert (whole.matrix.data < 0).any()
    for row in range(len(whole.item_ids)):
        ordered = np.sort(np.abs(whole.matrix[row].data))[::-1][:4]
        np.testing.assert_array_equal(np.sort(np.abs(part.matrix[row].data))[::-1], ordered)


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(ValueError, match="no positive interactions"):
        fit_ease(make_events([dislike(1, 2)]), EaseParameters())


def test_preferences_of_ones_have_the_known_noise() -> None:
    ones = csr_matrix(np.ones((4, 9), dtype=np.float32))
    assert default_regularization(ones) == pytest.approx((3.0 + 2.0) ** 2)


@pytest.mark.parametrize(
    "values",
    [{"regularization": 0.0}, {"negative_scale": -1.0}, {"half_life_days": 0.0}, {"items": 0},
     {"items": 10**6}, {"neighbors": 0}],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        replace(EaseParameters(), **values)
