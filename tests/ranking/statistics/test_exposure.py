"""Slots that were examined: the deepest for certain, the rest as often as their rank is."""

import numpy as np
import pytest

from ranking.statistics.exposure import PASSED_OVER, draw_seen, examination, examination_of_slots

SIZES = np.array([3, 2, 1])
RANKS = np.array([1, 2, 7, 2, 1, 4])
CHANCES = np.array([0.9, 0.6, 0.3, 0.6, 0.9, 0.4])


def test_a_rank_is_examined_less_often_the_deeper_it_is() -> None:
    assert examination(np.array([1, 3, 7, 2])) == pytest.approx([1.0, 1 / 2, 1 / 3, 1 / np.log2(3)])


def test_the_deepest_slot_of_each_list_was_examined_for_certain() -> None:
    assert examination_of_slots(SIZES, RANKS, CHANCES).tolist() == [0.9, 0.6, 1.0, 1.0, 0.9, 1.0]


def test_a_list_without_slots_leaves_the_others_as_they_are() -> None:
    sizes = np.array([0, 3, 0, 2, 1, 0])
    assert (
        examination_of_slots(sizes, RANKS, CHANCES).tolist()
        == examination_of_slots(SIZES, RANKS, CHANCES).tolist()
    )


def test_what_was_passed_over_is_kept_as_often_as_it_was_examined() -> None:
    rng = np.random.default_rng(0)
    relevance = np.full(len(RANKS), PASSED_OVER)
    draws = [draw_seen(SIZES, RANKS, relevance, CHANCES, rng)[0] for _ in range(4_000)]
    assert np.mean(draws, axis=0) == pytest.approx([0.9, 0.6, 1.0, 1.0, 0.9, 1.0], abs=0.03)


def test_each_slot_was_examined_or_not_by_a_chance_of_its_own() -> None:
    rng = np.random.default_rng(0)
    relevance, even = np.full(3, PASSED_OVER), np.full(3, 0.5)
    draws = [draw_seen(np.array([3]), np.array([1, 2, 3]), relevance, even, rng)[0] for _ in range(4_000)]
    assert np.mean([kept[0] and kept[1] for kept in draws]) == pytest.approx(0.25, abs=0.03)


def test_what_anything_was_done_with_is_always_kept_and_counted_in_its_list() -> None:
    """Never examined by chance: only what was acted on, for good or ill, and the deepest are left."""
    relevance = np.array([PASSED_OVER, 0, PASSED_OVER, PASSED_OVER, 3, 2])
    kept, left = draw_seen(SIZES, RANKS, relevance, np.zeros(len(RANKS)), np.random.default_rng(0))
    assert kept.tolist() == [False, True, True, True, True, True]
    assert left.tolist() == [2, 2, 1]
    assert left.dtype == np.int64


def test_a_list_of_which_nothing_is_there_is_left_with_no_slot() -> None:
    relevance = np.full(1, PASSED_OVER)
    kept, left = draw_seen(
        np.array([0, 1, 0]), np.array([1]), relevance, np.ones(1), np.random.default_rng(0)
    )
    assert (kept.tolist(), left.tolist()) == ([True], [0, 1, 0])
