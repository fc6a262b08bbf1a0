"""The demand at any moment of the log: the sweep, against what is summed in one go."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.demand import APPROVAL_PRIOR, NO_VERDICTS
from ranking.statistics.demand import DemandSweep, ItemDemand, demand_of
from ranking.statistics.events import SECONDS_PER_DAY, Events
from ranking.statistics.popularity import decayed_popularity
from tests.ranking.statistics.builders import Row, dislike, event_rows, like, make_events, view

ITEMS = np.arange(9)
HALF_LIFE = 10.0


def in_days(rows: list[Row]) -> Events:
    """Rows whose times are days, in the order of time."""
    ordered = sorted(rows, key=lambda row: row[3])
    return make_events([(*row[:3], row[3] * SECONDS_PER_DAY, row[4]) for row in ordered])


def assert_same(left: ItemDemand, right: ItemDemand) -> None:
    assert left.popularity == pytest.approx(right.popularity, abs=1e-9)
    assert left.approval == pytest.approx(right.approval)
    assert left.verdicts.tolist() == right.verdicts.tolist()


def test_counts_approvals_and_dislikes() -> None:
    events = in_days(
        [
            like(1, 0),
            like(2, 0),
            view(3, 0),
            like(1, 1),
            dislike(2, 1),
            view(1, 2),
            (4, 2, 0.0, 0.0, False),
            like(1, 77),
        ]
    )
    demand = demand_of(events, ITEMS[:4], half_life_days=HALF_LIFE)
    assert demand.verdicts.tolist() == [2, 2, 0, 0]
    average = 3 / 4
    expected = [
        (2 + APPROVAL_PRIOR * average) / (2 + APPROVAL_PRIOR),
        (1 + APPROVAL_PRIOR * average) / (2 + APPROVAL_PRIOR),
        average,
        average,
    ]
    assert demand.approval == pytest.approx(expected)
    wanted = np.array([4.5, 2.0, 0.5, 0.0]) * expected
    assert demand.popularity == pytest.approx(wanted / wanted.max())


def test_demand_halves_per_half_life() -> None:
    demand = demand_of(in_days([like(1, 0, 0), like(1, 1, 10), like(1, 2, 20)]), ITEMS, half_life_days=10)
    assert demand.popularity[:3] == pytest.approx([0.25, 0.5, 1.0])


def test_before_anything_happened_nothing_is_in_demand() -> None:
    demand = DemandSweep(ITEMS, half_life_days=HALF_LIFE).demand()
    assert demand.popularity.tolist() == demand.verdicts.tolist() == [0.0] * 9
    assert demand.approval.tolist() == [NO_VERDICTS] * 9


def test_an_empty_catalog_and_unknown_items_are_passed_over() -> None:
    assert len(demand_of(in_days([like(1, 3)]), ITEMS[:0], half_life_days=1.0).popularity) == 0
    assert demand_of(in_days([like(1, 30)]), ITEMS, half_life_days=1.0).popularity.tolist() == [0.0] * 9


@given(event_rows, st.lists(st.integers(0, 60), max_size=6))
def test_slices_make_no_difference(rows: list[Row], cuts: list[int]) -> None:
    events = in_days(rows)
    sweep = DemandSweep(ITEMS, half_life_days=HALF_LIFE)
    edges = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    for start, stop in pairwise(edges):
        sweep.add(events.slice(start, stop))
    assert_same(sweep.demand(), demand_of(events, ITEMS, half_life_days=HALF_LIFE))


@pytest.mark.slow
@given(event_rows)
def test_each_moment_of_a_sweep_sees_its_past_alone(rows: list[Row]) -> None:
    events = in_days(rows)
    sweep = DemandSweep(ITEMS, half_life_days=HALF_LIFE)
    for place in range(len(events)):
        sweep.add(events.slice(place, place + 1))
        assert_same(sweep.demand(), demand_of(events.slice(0, place + 1), ITEMS, half_life_days=HALF_LIFE))


@given(event_rows)
def test_popularity_is_that_of_the_baseline(rows: list[Row]) -> None:
    events = in_days(rows)
    expected = np.zeros(len(ITEMS))
    known, scores = decayed_popularity(events, now=100 * SECONDS_PER_DAY, half_life_days=HALF_LIFE)
    expected[known] = scores
    assert demand_of(events, ITEMS, half_life_days=HALF_LIFE).popularity == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("gap", [399.0, 401.0, 1e3, 1e5])
def test_times_far_apart_do_not_overflow(gap: float) -> None:
    rows = [like(1, 0, 0.0), like(1, 1, gap), view(1, 2, gap), like(1, 3, 2 * gap), like(1, 4, 2 * gap - 1)]
    events = in_days(rows)
    sweep = DemandSweep(ITEMS[:5], half_life_days=1.0)
    for place in range(len(events)):
        sweep.add(events.slice(place, place + 1))
    for demand in (sweep.demand(), demand_of(events, ITEMS[:5], half_life_days=1.0)):
        assert demand.popularity == pytest.approx([0.0, 0.0, 0.0, 1.0, 0.5], abs=1e-9)
        assert demand.verdicts.tolist() == [1, 1, 0, 1, 1]


def test_many_steps_beyond_the_scale_of_one_number() -> None:
    """Each step halves what was, over ten thousand half-lives in all."""
    sweep = DemandSweep(ITEMS[:2], half_life_days=1.0)
    for day in range(0, 10_000, 100):
        sweep.add(in_days([like(1, 0, day), like(1, 1, day + 1)]))
    assert sweep.demand().popularity == pytest.approx([0.5, 1.0])


def test_half_lives_of_less_than_a_second_do_not_overflow_either() -> None:
    sweep = DemandSweep(ITEMS[:2], half_life_days=0.05 / SECONDS_PER_DAY)
    for second in (0.0, 100.0):
        sweep.add(make_events([like(1, int(second > 0), second)]))
    assert sweep.demand().popularity.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("half_life", [0.0, -1.0, np.inf, np.nan])
def test_a_half_life_is_a_positive_number(half_life: float) -> None:
    with pytest.raises(ValueError, match="half-life"):
        DemandSweep(ITEMS, half_life_days=half_life)
