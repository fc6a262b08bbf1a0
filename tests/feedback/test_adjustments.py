"""Penalties of a reason: their sum, their fading, and their effect on scores."""

from datetime import timedelta
from math import prod

import numpy as np
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from scipy.sparse import csr_matrix

from core.domain import DOMAIN, REASONS
from feedback.adjustments import (
    Adjustment,
    apply_feature_adjustments,
    calculate_feature_adjustment_from_dislike,
    combine_adjustments,
)
from tests.factories import EPOCH

FACETS = [(number, kind, f"a {kind}") for number, kind in enumerate(DOMAIN.facets, start=1)]
GENRE, ACTOR, DIRECTOR, FRANCHISE = "genre", "actor", "director", "franchise"
HELD_BACK = {
    "wrong_genre": {GENRE: -0.15, FRANCHISE: -0.12},
    "poor_quality": {ACTOR: -0.10, DIRECTOR: -0.10},
    "already_watched": {},
    "not_interested": {GENRE: -0.075, ACTOR: -0.075, DIRECTOR: -0.075, FRANCHISE: -0.12},
    "irrelevant": {GENRE: -0.03},
    "other": {},
}

adjustments = st.lists(
    st.builds(
        Adjustment,
        facet_id=st.integers(1, 3),
        delta=st.floats(-1.0, 0.0),
        since=st.integers(-10, 4000).map(lambda hours: EPOCH - timedelta(hours=hours)),
    ),
    max_size=12,
)


def held_back(reason: str) -> dict[str, float]:
    deltas = calculate_feature_adjustment_from_dislike(reason, FACETS)
    assert {(delta.facet_id, delta.kind, delta.name) for delta in deltas} <= set(FACETS)
    return {str(delta.kind): delta.delta for delta in deltas}


class TestReasons:
    def test_each_is_tested(self) -> None:
        assert REASONS.keys() == HELD_BACK.keys()

    @pytest.mark.parametrize("reason", REASONS)
    def test_holds_back_what_it_speaks_of(self, reason: str) -> None:
        assert held_back(reason) == HELD_BACK[reason]

    @pytest.mark.parametrize("reason", REASONS)
    def test_by_a_share_that_is_a_setting(self, reason: str, settings: Settings) -> None:
        for name in ("GENRE", "CAST", "LIGHTER", "LIGHT", "FRANCHISE"):
            setattr(settings, f"DISLIKE_{name}_SHARE", 0.5)
        assert held_back(reason) == dict.fromkeys(HELD_BACK[reason], -0.5)

    def test_an_item_without_facets_holds_nothing_back(self) -> None:
        assert calculate_feature_adjustment_from_dislike("wrong_genre", []) == []

    def test_an_unknown_one_is_no_key(self) -> None:
        with pytest.raises(KeyError):
            calculate_feature_adjustment_from_dislike("boring", FACETS)


class TestCombining:
    def test_new_ones_multiply(self) -> None:
        both = [Adjustment(1, -0.15, EPOCH), Adjustment(1, -0.10, EPOCH), Adjustment(2, -0.12, EPOCH)]
        assert combine_adjustments(both, now=EPOCH) == pytest.approx({1: 0.85 * 0.90, 2: 0.88})

    @pytest.mark.parametrize(("half_lives", "factor"), [(0, 0.80), (1, 0.90), (2, 0.95), (3, 0.975)])
    def test_each_half_life_leaves_half_of_it(self, half_lives: int, factor: float) -> None:
        now = EPOCH + half_lives * timedelta(days=settings.DISLIKE_HALF_LIFE_DAYS)
        assert combine_adjustments([Adjustment(1, -0.20, EPOCH)], now=now) == pytest.approx({1: factor})

    def test_the_half_life_is_a_setting(self, settings: Settings) -> None:
        settings.DISLIKE_HALF_LIFE_DAYS = 10.0
        now = EPOCH + timedelta(days=20)
        assert combine_adjustments([Adjustment(1, -0.20, EPOCH)], now=now) == pytest.approx({1: 0.95})

    def test_seconds_count(self, settings: Settings) -> None:
        settings.DISLIKE_HALF_LIFE_DAYS, settings.DISLIKE_FLOOR = 1 / 86_400, 0.0
        for seconds, factor in ((0.0, 0.0), (1.0, 0.5), (2.0, 0.75)):
            now = EPOCH + timedelta(seconds=seconds)
            assert combine_adjustments([Adjustment(1, -1.0, EPOCH)], now=now) == pytest.approx({1: factor})

    def test_never_below_the_floor(self, settings: Settings) -> None:
        many = [Adjustment(1, -0.15, EPOCH)] * 50
        assert combine_adjustments(many, now=EPOCH) == {1: 0.3}
        settings.DISLIKE_FLOOR = 0.5
        assert combine_adjustments(many, now=EPOCH) == {1: 0.5}

    def test_a_clock_that_runs_ahead_makes_nothing_stronger(self) -> None:
        ahead = Adjustment(1, -0.15, EPOCH + timedelta(days=90))
        assert combine_adjustments([ahead], now=EPOCH) == pytest.approx({1: 0.85})

    def test_nothing_is_nothing(self) -> None:
        assert combine_adjustments([], now=EPOCH) == {}

    @given(adjustments)
    def test_every_factor_lies_between_the_floor_and_1(self, many: list[Adjustment]) -> None:
        factors = combine_adjustments(many, now=EPOCH)
        assert factors.keys() == {one.facet_id for one in many}
        assert all(settings.DISLIKE_FLOOR <= factor <= 1.0 for factor in factors.values())

    @given(st.data(), adjustments)
    def test_the_order_does_not_matter(self, data: st.DataObject, many: list[Adjustment]) -> None:
        shuffled = data.draw(st.permutations(many))
        assert combine_adjustments(shuffled, now=EPOCH) == pytest.approx(combine_adjustments(many, now=EPOCH))

    @given(adjustments, st.floats(0, 1000))
    def test_time_never_makes_it_stronger(self, many: list[Adjustment], days: float) -> None:
        now = combine_adjustments(many, now=EPOCH)
        later = combine_adjustments(many, now=EPOCH + timedelta(days=days))
        assert all(later[facet_id] >= factor - 1e-12 for facet_id, factor in now.items())


def multiply(item_facets: list[list[int]], facet_ids: list[int], factors: dict[int, float]) -> list[float]:
    matrix = csr_matrix(np.array(item_facets, dtype=np.float64).reshape(len(item_facets), len(facet_ids)))
    multipliers = apply_feature_adjustments(matrix, np.array(facet_ids, dtype=np.int64), factors)
    return [float(one) for one in multipliers]


class TestApplying:
    def test_by_hand(self) -> None:
        items = [[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
        multipliers = multiply(items, [10, 20, 30], {10: 0.85, 20: 0.9, 99: 0.5, 5: 0.5})
        assert multipliers == pytest.approx([0.765, 0.85, 1.0, 1.0])

    def test_the_floor_holds_for_the_item_too(self) -> None:
        assert multiply([[1, 1]], [10, 20], {10: 0.5, 20: 0.5}) == [0.3]

    def test_a_catalog_without_facets(self) -> None:
        assert multiply([[], []], [], {10: 0.5}) == [1.0, 1.0]

    def test_nothing_held_back(self) -> None:
        assert multiply([[1], [0]], [10], {}) == [1.0, 1.0]

    @given(st.data())
    def test_equals_a_plain_loop(self, data: st.DataObject) -> None:
        facet_ids = sorted(data.draw(st.sets(st.integers(1, 50), max_size=8)))
        row = st.lists(st.integers(0, 1), min_size=len(facet_ids), max_size=len(facet_ids))
        items = data.draw(st.lists(row, min_size=1, max_size=10))
        factors = data.draw(st.dictionaries(st.integers(1, 60), st.floats(0.3, 1.0), max_size=12))
        expected = [
            max(
                settings.DISLIKE_FLOOR,
                prod(factors.get(facet, 1.0) for facet, has in zip(facet_ids, item, strict=True) if has),
            )
            for item in items
        ]
        assert multiply(items, facet_ids, factors) == pytest.approx(expected)
