"""Popularity that fades with time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.statistics.events import SECONDS_PER_DAY
from ranking.statistics.popularity import decayed_popularity
from tests.ranking.statistics.builders import Row, dislike, event_rows, like, make_events, view


def test_by_hand() -> None:
    now = 100 * SECONDS_PER_DAY
    events = make_events(
        [like(1, 5, now), like(2, 5, now), like(1, 3, now - 10 * SECONDS_PER_DAY), dislike(1, 8, now)]
    )
    item_ids, scores = decayed_popularity(events, now=now, half_life_days=10)
    assert item_ids.tolist() == [3, 5, 8]
    # Three of four verdicts are approvals, and as many of the five that each item begins with.
    one, two = (1 + 3.75) / 6, (2 + 3.75) / 7
    assert scores == pytest.approx([0.25 * one / two, 1.0, 0.0])


def test_many_dislikes_outweigh_a_few_likes_more() -> None:
    events = make_events(
        [
            *(like(n, 5, 0.0) for n in range(3)),
            *(dislike(n, 5, 0.0) for n in range(3, 63)),
            like(1, 7, 0.0),
            like(2, 7, 0.0),
        ]
    )
    item_ids, scores = decayed_popularity(events, now=0.0, half_life_days=10)
    assert item_ids[np.argmax(scores)] == 7


def test_an_infinite_half_life_counts_all_alike() -> None:
    events = make_events([like(1, 1, 0.0), view(1, 2, 1e9)])
    assert decayed_popularity(events, now=1e9, half_life_days=np.inf)[1] == pytest.approx([1.0, 0.25])


def test_half_lives_of_seconds_are_told_apart() -> None:
    events = make_events([like(1, 1, 100.0), like(1, 2, 99.5), like(1, 3, 99.0)])
    _, scores = decayed_popularity(events, now=100.0, half_life_days=0.5 / SECONDS_PER_DAY)
    assert scores == pytest.approx([1.0, 0.5, 0.25])


def test_very_old_data_keeps_its_order() -> None:
    events = make_events([like(1, 1, 0.0), like(2, 1, 0.0), like(1, 2, 0.0)])
    _, scores = decayed_popularity(events, now=1e12, half_life_days=1)
    assert scores == pytest.approx([1.0, 0.5])


def test_an_event_from_the_future_counts_as_if_now() -> None:
    events = make_events([like(1, 1, 100.0), like(2, 2, 1e12)])
    assert decayed_popularity(events, now=100.0, half_life_days=1)[1] == pytest.approx([1.0, 1.0])


def test_nothing_liked_gives_zeros() -> None:
    item_ids, scores = decayed_popularity(make_events([dislike(1, 4)]), now=0.0, half_life_days=1)
    assert (item_ids.tolist(), scores.tolist()) == ([4], [0.0])
    assert len(decayed_popularity(make_events([]), now=0.0, half_life_days=1)[0]) == 0


@given(event_rows, st.floats(0.01, 1e4))
def test_scores_lie_between_0_and_1(rows: list[Row], half_life: float) -> None:
    item_ids, scores = decayed_popularity(make_events(rows), now=1e6, half_life_days=half_life)
    assert (np.diff(item_ids) > 0).all()
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("half_life", [0.0, -1.0, np.nan])
def test_a_half_life_must_be_positive(half_life: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        decayed_popularity(make_events([]), now=0.0, half_life_days=half_life)
