"""Orders evaluated on lists that were shown: properties of the figures, and lists cut and sampled."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.arrays import Doubles, Ints
from ranking.statistics.lists import ShownLists, evaluate_lists

RNG = np.random.default_rng

lists_of_slots = st.lists(
    st.tuples(
        st.integers(1, 4),  # whose list
        st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), min_size=1, max_size=7),
    ),
    min_size=1,
    max_size=6,
)


def as_arrays(lists: list[Any]) -> tuple[Ints, Ints, Ints, Doubles]:
    slots = [slot for _, part in lists for slot in part]
    return (
        np.array([len(part) for _, part in lists]),
        np.array([user for user, _ in lists]),
        np.array([relevance for relevance, _ in slots]),
        np.array([float(score) for _, score in slots]),
    )


def one_list(relevance: list[int], scores: list[float]) -> tuple[float, float]:
    report = evaluate_lists(
        np.array([len(relevance)]), np.array([7]), np.array(relevance), np.array(scores, dtype=np.float64)
    )
    return float(report.ndcg[0]), float(report.liked_over_disliked[0])


def shown(sizes: list[int], **columns: Any) -> ShownLists:
    slots = sum(sizes)
    defaults: dict[str, Any] = {
        "sizes": np.array(sizes, dtype=np.int64),
        "user_ids": np.arange(len(sizes)),
        "times": np.arange(len(sizes), dtype=np.float64),
        "item_ids": np.arange(slots),
        "ranks": np.concatenate([np.arange(1, size + 1) for size in sizes]) if sizes else np.arange(0),
        "scores": np.full(slots, np.nan),
        "relevance": np.ones(slots, dtype=np.int64),
        "propensities": np.full(slots, np.nan),
        "explored": np.zeros(slots, dtype=np.bool_),
    }
    return ShownLists(**defaults | columns)


def test_a_list_by_hand() -> None:
    # Gains 3, 1, 0, 0 in the order liked, viewed, passed over, disliked; the worst order puts the like last.
    best = 3 + 1 / np.log2(3)
    assert one_list([3, 2, 1, 0], [4, 3, 2, 1]) == pytest.approx((1.0, 1.0))
    worst = 1 / np.log2(4) + 3 / np.log2(5)
    assert one_list([3, 2, 1, 0], [1, 2, 3, 4]) == pytest.approx((worst / best, 0.0))


def test_what_was_passed_over_or_disliked_gains_nothing() -> None:
    assert one_list([2, 1, 1], [1, 3, 2])[0] == pytest.approx(1 / np.log2(4))
    assert one_list([2, 1, 0], [1, 2, 3])[0] == one_list([2, 0, 1], [1, 2, 3])[0]
    assert np.isnan(one_list([1, 0, 1], [1, 2, 3])[0])
    assert np.isnan(one_list([2, 2], [1, 2])[0])


@pytest.mark.slow
@given(lists_of_slots)
def test_the_order_of_relevance_is_perfect_and_no_other_is_better(lists: list[Any]) -> None:
    sizes, users, relevance, scores = as_arrays(lists)
    perfect = evaluate_lists(sizes, users, relevance, relevance.astype(np.float64))
    other = evaluate_lists(sizes, users, relevance, scores)
    evaluated = ~np.isnan(perfect.ndcg)
    assert perfect.ndcg[evaluated] == pytest.approx(1.0)
    assert (other.ndcg[evaluated] <= 1 + 1e-9).all()
    assert (other.ndcg[evaluated] >= 0).all()
    both = ~np.isnan(perfect.liked_over_disliked)
    assert (perfect.liked_over_disliked[both] == 1.0).all()
    np.testing.assert_array_equal(np.isnan(other.ndcg), ~evaluated)


@given(lists_of_slots)
def test_only_the_order_of_the_scores_counts(lists: list[Any]) -> None:
    sizes, users, relevance, scores = as_arrays(lists)
    plain = evaluate_lists(sizes, users, relevance, scores)
    bent = evaluate_lists(sizes, users, relevance, np.exp(scores) * 1000 - 5)
    np.testing.assert_array_equal(plain.ndcg, bent.ndcg)
    np.testing.assert_array_equal(plain.liked_over_disliked, bent.liked_over_disliked)


@given(lists_of_slots, st.integers(0, 100))
def test_the_order_in_which_slots_come_tells_nothing(lists: list[Any], seed: int) -> None:
    rng = RNG(seed)
    shuffled = [(user, [part[i] for i in rng.permutation(len(part))]) for user, part in lists]
    plain, other = (evaluate_lists(*as_arrays(one)) for one in (lists, shuffled))
    np.testing.assert_allclose(plain.ndcg, other.ndcg)
    np.testing.assert_allclose(plain.liked_over_disliked, other.liked_over_disliked)


@given(lists_of_slots, st.integers(0, 100))
def test_neither_does_the_order_of_the_lists(lists: list[Any], seed: int) -> None:
    shuffled = [lists[i] for i in RNG(seed).permutation(len(lists))]
    plain, other = (evaluate_lists(*as_arrays(one)) for one in (lists, shuffled))
    np.testing.assert_array_equal(plain.user_ids, other.user_ids)
    np.testing.assert_allclose(plain.ndcg, other.ndcg)


@given(lists_of_slots)
def test_the_reversed_order_has_the_opposite_auc(lists: list[Any]) -> None:
    sizes, users, relevance, scores = as_arrays(lists)
    forward, backward = (evaluate_lists(sizes, users, relevance, sign * scores) for sign in (1, -1))
    np.testing.assert_allclose(forward.liked_over_disliked, 1 - backward.liked_over_disliked)


def test_equal_scores_count_as_the_mean_over_their_orders() -> None:
    relevance = [1, 4, 0, 3]
    by_order = [
        one_list(relevance, [-float(order.index(slot)) for slot in range(4)])[0]
        for order in permutations(range(4))
    ]
    assert one_list(relevance, [0.5] * 4)[0] == pytest.approx(np.mean(by_order))


@pytest.mark.parametrize("relevance", [[3], [3, 3], [1, 1, 0], [0, 0], [1]])
def test_lists_that_cannot_tell_orders_apart_are_left_out(relevance: list[int]) -> None:
    assert np.isnan(one_list(relevance, [float(i) for i in range(len(relevance))])[0])


def test_a_person_counts_once_however_many_lists() -> None:
    sizes, users = np.array([2, 2, 2]), np.array([5, 5, 3])
    relevance = np.array([3, 1, 3, 1, 3, 1])
    report = evaluate_lists(sizes, users, relevance, np.array([2.0, 1.0, 1.0, 2.0, 2.0, 1.0]))
    assert report.user_ids.tolist() == [3, 5]
    wrong = one_list([3, 1], [1, 2])[0]
    assert report.ndcg == pytest.approx([1.0, (1 + wrong) / 2])


def test_the_cut_is_at_k() -> None:
    relevance = np.array([1, 2, 3])
    report = evaluate_lists(np.array([3]), np.array([1]), relevance, np.array([3.0, 2.0, 1.0]), k=2)
    assert report.ndcg[0] == pytest.approx((0 + 1 / np.log2(3)) / (3 + 1 / np.log2(3)))


def test_items_that_cannot_be_placed_go_last() -> None:
    assert one_list([3, 1, 1], [-np.inf, 1, 2])[0] == one_list([3, 1, 1], [-1e9, 1, 2])[0]


def test_no_lists_and_empty_lists() -> None:
    nothing = np.empty(0, dtype=np.int64)
    report = evaluate_lists(nothing, nothing, nothing, np.empty(0))
    assert len(report.user_ids) == len(report.ndcg) == 0
    report = evaluate_lists(np.array([0, 2]), np.array([1, 2]), np.array([3, 1]), np.array([1.0, 0.0]))
    np.testing.assert_allclose(report.ndcg, [np.nan, 1.0])
    assert np.isnan(evaluate_lists(np.array([0]), np.array([1]), nothing, np.empty(0)).ndcg).all()


@pytest.mark.parametrize("scores", [[1.0], [1.0, np.nan]])
def test_scores_must_be_there_and_numbers(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="score"):
        evaluate_lists(np.array([2]), np.array([1]), np.array([1, 3]), np.array(scores))


def test_cutting_keeps_lists_whole_and_slots_with_their_list() -> None:
    lists = shown([2, 1, 3])
    assert lists.since(1.0).item_ids.tolist() == [2, 3, 4, 5]
    kept = lists.keep(np.array([False, True, False, True, False, True]))
    assert (kept.sizes.tolist(), kept.user_ids.tolist()) == ([1, 2], [0, 2])
    assert (kept.item_ids.tolist(), kept.ranks.tolist()) == ([1, 3, 5], [2, 1, 3])
    assert kept.depths.tolist() == [2, 3]
    nothing = lists.keep(np.zeros(6, dtype=np.bool_))
    assert (len(nothing), len(nothing.item_ids), nothing.depths.tolist()) == (0, 0, [])


def test_sampling_is_even_and_repeatable() -> None:
    lists = shown([1] * 50)
    assert lists.sample(50, RNG(0)) is lists
    one, again = (lists.sample(20, RNG(1)) for _ in range(2))
    assert one.item_ids.tolist() == again.item_ids.tolist() == sorted(set(one.item_ids.tolist()))
    assert len(one) == 20


def test_what_is_explored_had_a_chance_in_every_place_after_the_first() -> None:
    lists = shown(
        [4, 1],
        propensities=np.array([1.0, 0.95, 0.0005, np.nan, 0.4]),
        explored=np.array([False, False, True, False, True]),
    )
    np.testing.assert_allclose(lists.listing_chances(), [1.0, 0.95, 0.0015, np.nan, 0.4])
