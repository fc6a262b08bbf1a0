"""Transitions by hand: what is counted, in which order, and what lowers a score."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ranking.recommenders.linear import score_all
from ranking.recommenders.transitions import model
from ranking.recommenders.transitions.model import Transitions, TransitionsParameters, fit_transitions
from ranking.statistics.events import Events
from tests.ranking.statistics.builders import dislike, like, make_events, random_events

SHARES = TransitionsParameters(window=2, decay=1.0, evidence=1.0)


def table(fitted: Transitions) -> list[list[float]]:
    rounded: list[list[float]] = fitted.matrix.toarray().astype(np.float64).round(6).tolist()
    return rounded


def scores(fitted: Transitions, *history: tuple[int, float]) -> list[float]:
    rows = np.array([item for item, _ in history])
    weights = np.array([weight for _, weight in history], dtype=np.float32)
    found = score_all(fitted, rows, fitted.shares(weights))
    values: list[float] = found.tolist()
    return values


def in_order(*items: int, person: int = 1) -> list[tuple[int, int, float, float, bool]]:
    return [like(person, item, float(time)) for time, item in enumerate(items)]


def test_what_came_next_counts_whole_and_what_came_after_it_half() -> None:
    fitted = fit_transitions(make_events(in_order(0, 1, 2)), SHARES)
    # Of what followed 0, two thirds are 1; all that followed 1 is 2.
    assert table(fitted) == [[0.0, 0.666667, 0.333333], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


def test_one_pair_says_less_than_many() -> None:
    rows = [*in_order(0, 1), *(row for person in range(2, 6) for row in in_order(2, 3, person=person))]
    shares = fit_transitions(make_events(rows), SHARES)
    known = fit_transitions(make_events(rows), replace(SHARES, evidence=0.5))
    assert shares.matrix[0, 1] == shares.matrix[2, 3] == 1.0
    assert known.matrix[2, 3] == 1.0
    assert known.matrix[0, 1] == pytest.approx(0.5)


def test_items_of_one_moment_follow_each_other_either_way() -> None:
    fitted = fit_transitions(make_events([like(1, 0), like(1, 1)]), SHARES)
    assert table(fitted) == [[0.0, 1.0], [1.0, 0.0]]


def test_nothing_follows_across_people_or_beyond_the_window() -> None:
    events = make_events([like(1, 0, 0.0), like(2, 1, 1.0), like(2, 2, 86_400.0 * 3)])
    assert table(fit_transitions(events, replace(SHARES, window_days=2.0))) == [[0.0] * 3] * 3
    assert fit_transitions(events, replace(SHARES, window_days=3.0)).matrix.nnz == 1


def test_an_item_acted_on_twice_stands_where_it_was_last() -> None:
    fitted = fit_transitions(make_events(in_order(0, 1, 0)), SHARES)
    assert table(fitted) == [[0.0, 0.0], [1.0, 0.0]]


def test_what_was_turned_down_after_an_item_lowers_its_transition() -> None:
    liked = [row for person in range(3) for row in in_order(0, 1, person=person)]
    also = [*liked, *(row for person in range(3, 6) for row in in_order(0, 2, person=person))]
    refused = [*also, *in_order(0, person=6), dislike(6, 1, 5.0)]
    fair, less = (fit_transitions(make_events(rows), SHARES).matrix for rows in (also, refused))
    assert fair[0, 1] == fair[0, 2]
    assert 0 < less[0, 1] < less[0, 2]


def test_the_last_items_count_most_and_what_was_turned_down_counts_against() -> None:
    rows = [row for person in range(4) for row in in_order(*((0, 2), (1, 3))[person % 2], person=person)]
    fitted = fit_transitions(make_events(rows), SHARES)
    assert scores(fitted, (0, 3.0), (1, 3.0))[2:] == pytest.approx([0.5, 1.0])
    assert scores(fitted, (0, -1.0), (1, 3.0))[2:] == pytest.approx([-1.0, 1.0])
    # Later approvals do not age what was turned down.
    assert scores(fitted, (0, -1.0), (1, 3.0), (2, 3.0), (3, 3.0))[2] == pytest.approx(-1.0)


def test_only_the_last_of_the_window_are_asked() -> None:
    rows = [row for person in range(4) for row in in_order(*((0, 2), (1, 3))[person % 2], person=person)]
    fitted = fit_transitions(make_events(rows), replace(SHARES, window=1))
    assert scores(fitted, (0, 3.0), (1, 3.0)) == [0.0, 0.0, 0.0, 1.0]


def test_the_strongest_are_kept() -> None:
    events = random_events(3)
    whole = fit_transitions(events, TransitionsParameters())
    part = fit_transitions(events, TransitionsParameters(neighbors=5))
    for row in range(len(whole.item_ids)):
        ordered = np.sort(whole.matrix[row].data)[::-1][:5]
        np.testing.assert_array_equal(np.sort(part.matrix[row].data)[::-1], ordered)


def test_counting_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    events = random_events(4)
    whole = fit_transitions(events, TransitionsParameters())
    monkeypatch.setattr(model, "_PAIRS_AT_ONCE", 1000)
    np.testing.assert_allclose(table(fit_transitions(events, TransitionsParameters())), table(whole))


@pytest.mark.parametrize("rows", [[], [dislike(1, 2)]])
def test_nothing_to_learn_from_is_said(rows: list[tuple[int, int, float, float, bool]]) -> None:
    events: Events = make_events(rows)
    with pytest.raises(ValueError, match="no positive interactions"):
        fit_transitions(events, TransitionsParameters())


@pytest.mark.parametrize(
    "values",
    [{"window": 0}, {"neighbors": 0}, {"window_days": 0.0}, {"decay": -1.0}, {"evidence": 1.5},
     {"negative_scale": -0.1}],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        replace(TransitionsParameters(), **values)
