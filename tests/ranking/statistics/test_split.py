"""The split of a log in time."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.statistics.events import Events
from ranking.statistics.split import Holdout, Person, holdout, time_cuts
from tests.ranking.statistics.builders import Row, dislike, event_rows, like, make_events, view


def people_of(rows: list[Row], start: float = 10.0, end: float = 20.0) -> dict[int, Person]:
    return {person.user_id: person for person in holdout(make_events(rows), start, end).people()}


def test_history_is_everything_before_and_targets_are_what_came_after() -> None:
    rows = [like(1, 1, 1.0), view(1, 2, 9.0), like(1, 3, 10.0), dislike(1, 4, 11.0), like(1, 5, 20.0)]
    person = people_of(rows)[1]
    assert person.history.item_ids.tolist() == [1, 2]
    assert person.relevant_items.tolist() == [3]
    assert person.disliked_items.tolist() == [4]


def test_somebody_new_gives_the_first_half_and_is_evaluated_on_the_rest() -> None:
    rows = [like(7, item, 10.0 + item) for item in (4, 1, 3, 2, 5)]
    person = people_of(rows)[7]
    assert person.history.item_ids.tolist() == [1, 2]
    assert person.relevant_items.tolist() == [3, 4, 5]


def test_each_newcomer_gives_the_first_half_of_their_own_events() -> None:
    rows = [like(user, 10 * user + place, 10.0 + place) for user in (1, 2, 3) for place in range(4)]
    people = people_of(rows)
    assert people.keys() == {1, 2, 3}
    for user, person in people.items():
        assert person.history.item_ids.tolist() == [10 * user, 10 * user + 1]


def test_only_what_was_liked_or_disliked_is_evaluated_against() -> None:
    rows = [
        like(1, 1, 1.0),
        view(1, 2, 11.0),
        (1, 3, 0.0, 11.0, False),
        like(1, 4, 12.0),
        dislike(1, 5, 13.0),
    ]
    assert holdout(make_events(rows), 10.0, 20.0).targets.item_ids.tolist() == [4, 5]


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_what_was_liked_a_little_is_no_dislike(weight: float) -> None:
    person = people_of([like(1, 1, 1.0), (1, 2, weight, 11.0, True)])[1]
    assert (person.relevant_items.tolist(), person.disliked_items.tolist()) == ([2], [])


def test_items_of_the_history_are_never_targets() -> None:
    assert people_of([like(1, 1, 1.0), like(1, 1, 11.0)]) == {}
    person = people_of([view(1, 1, 1.0), like(1, 1, 11.0), dislike(1, 1, 12.0), like(1, 2, 12.0)])[1]
    assert (person.relevant_items.tolist(), person.disliked_items.tolist()) == ([2], [])


def test_an_item_liked_and_then_disliked_counts_as_disliked() -> None:
    person = people_of([like(1, 9, 1.0), like(1, 1, 11.0), dislike(1, 1, 12.0), like(1, 2, 12.0)])[1]
    assert (person.relevant_items.tolist(), person.disliked_items.tolist()) == ([2], [1])
    assert people_of([like(1, 9, 1.0), like(1, 1, 11.0), dislike(1, 1, 12.0)]) == {}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [like(1, 1, 11.0)],  # one event: nothing to know the person by
        [like(1, 1, 1.0), view(1, 2, 11.0)],
        [like(1, 1, 1.0), dislike(1, 2, 11.0)],
        [like(1, 1, 1.0), like(1, 2, 20.0)],
    ],
)
def test_who_is_not_evaluated(rows: list[Row]) -> None:
    assert people_of(rows) == {}


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        holdout(make_events([]), 5.0, 5.0)


@given(rows=event_rows, start=st.integers(1, 20).map(float), length=st.integers(1, 10))
def test_nothing_learned_or_known_comes_from_the_evaluated_time(
    rows: list[Row], start: float, length: int
) -> None:
    events = make_events(rows)
    parts = holdout(events, start, start + length)
    assert (parts.training.times < start).all()
    assert len(parts.training) == (events.times < start).sum()
    for person in parts.people():
        own = events.times[events.user_ids == person.user_id]
        assert len(person.history) > 0
        assert len(person.relevant_items) > 0
        if (own < start).any():
            assert len(person.history) == (own < start).sum()
            assert (person.history.times < start).all()
        else:
            own_window = np.sort(own[own < start + length])
            assert len(person.history) == len(own_window) // 2
            assert person.history.times.tolist() == own_window[: len(person.history)].tolist()


@given(rows=event_rows, start=st.integers(1, 20).map(float))
def test_histories_and_targets_are_disjoint(rows: list[Row], start: float) -> None:
    events = make_events(rows)
    parts = holdout(events, start, start + 5)
    evaluated = list(parts.people())
    assert [person.user_id for person in evaluated] == parts.user_ids.tolist()
    for person in evaluated:
        known = set(person.history.item_ids.tolist())
        liked, disliked = set(person.relevant_items.tolist()), set(person.disliked_items.tolist())
        assert set(person.history.user_ids.tolist()) == {person.user_id}
        assert not known & liked
        assert not known & disliked
        assert not liked & disliked
        own = events.select((events.user_ids == person.user_id) & (events.times >= start))
        assert liked <= set(own.item_ids[own.relevant].tolist())
        assert disliked <= set(own.item_ids[own.weights < 0].tolist())


@pytest.mark.slow
@given(rows=event_rows.filter(bool), seed=st.integers(0, 99))
def test_the_order_of_events_does_not_matter(rows: list[Row], seed: int) -> None:
    mixed = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    for one, other in zip(
        holdout(make_events(rows), 8.0, 15.0).people(),
        holdout(make_events(mixed), 8.0, 15.0).people(),
        strict=True,
    ):
        assert one.user_id == other.user_id
        assert one.relevant_items.tolist() == other.relevant_items.tolist()
        assert one.disliked_items.tolist() == other.disliked_items.tolist()


@given(rows=event_rows, start=st.integers(1, 20).map(float))
def test_a_slice_of_one_event_finds_what_a_slice_of_all_finds(rows: list[Row], start: float) -> None:
    whole = holdout(make_events(rows), start, start + 5)
    with patch("ranking.statistics.split._AT_ONCE", 1):
        sliced = holdout(make_events(rows), start, start + 5)
    assert sliced.user_ids.tolist() == whole.user_ids.tolist()
    assert sliced.targets.item_ids.tolist() == whole.targets.item_ids.tolist()
    assert sliced.history.item_ids.tolist() == whole.history.item_ids.tolist()


def events_of_twelve() -> Events:
    """Twelve people, each of whom liked and disliked something after the start."""
    return make_events(
        [
            row
            for user in range(12)
            for row in (like(user, 50 + user, 1.0), like(user, user, 11.0), dislike(user, 20 + user, 12.0))
        ]
    )


@pytest.fixture
def twelve() -> Holdout:
    return holdout(events_of_twelve(), 10.0, 20.0)


class TestSample:
    def test_as_many_different_people_are_drawn_as_asked_for_in_the_order_of_their_ids(
        self, twelve: Holdout
    ) -> None:
        for seed in range(20):
            chosen = twelve.sample(6, np.random.default_rng(seed)).user_ids
            assert len(chosen) == 6
            assert chosen.tolist() == sorted(set(chosen.tolist()) & set(range(12)))

    def test_those_who_are_drawn_keep_all_that_is_theirs_and_nothing_of_others(self, twelve: Holdout) -> None:
        whole = {person.user_id: person for person in twelve.people()}
        part = twelve.sample(5, np.random.default_rng(1))
        assert len(part.history) == 5
        assert len(part.targets) == 10
        for person in part.people():
            same = whole[person.user_id]
            assert person.history.item_ids.tolist() == same.history.item_ids.tolist()
            assert person.relevant_items.tolist() == same.relevant_items.tolist()
            assert person.disliked_items.tolist() == same.disliked_items.tolist()
        assert (part.start, part.end, part.training) == (10.0, 20.0, twelve.training)

    @pytest.mark.parametrize("most", [12, 13])
    def test_where_there_are_no_more_all_are_taken_and_nothing_is_drawn(
        self, twelve: Holdout, most: int
    ) -> None:
        rng = np.random.default_rng(1)
        before = rng.bit_generator.state
        assert twelve.sample(most, rng) is twelve
        assert rng.bit_generator.state == before

    @pytest.mark.parametrize("most", [5, 12, 13])
    def test_those_drawn_at_once_are_those_drawn_afterwards(self, twelve: Holdout, most: int) -> None:
        at_once = holdout(events_of_twelve(), 10.0, 20.0, drawn=(most, np.random.default_rng(3)))
        afterwards = twelve.sample(most, np.random.default_rng(3))
        assert at_once.user_ids.tolist() == afterwards.user_ids.tolist()
        assert at_once.history.item_ids.tolist() == afterwards.history.item_ids.tolist()
        assert at_once.targets.item_ids.tolist() == afterwards.targets.item_ids.tolist()

    def test_everybody_is_drawn_as_often(self, twelve: Holdout) -> None:
        rng = np.random.default_rng(2)
        drawn = np.concatenate([twelve.sample(3, rng).user_ids for _ in range(2_000)])
        assert np.bincount(drawn, minlength=12) / 2_000 == pytest.approx(np.full(12, 0.25), abs=0.04)


class TestTimeCuts:
    def test_cuts_at_the_shares_asked_for(self) -> None:
        times = np.arange(100, dtype=np.float64)[::-1]
        cuts = time_cuts(times, [0.8, 0.9])
        assert [(times < cut).sum() for cut in cuts] == [80, 90]

    def test_a_cut_is_a_time_of_an_event(self) -> None:
        times = np.array([1.0, 10.0, 100.0])
        assert set(time_cuts(times, [0.0, 0.3, 0.6, 1.0])) <= set(times.tolist())

    def test_refuses_nothing_and_nonsense(self) -> None:
        with pytest.raises(ValueError, match="no events"):
            time_cuts(np.empty(0), [0.5])
        with pytest.raises(ValueError, match="between"):
            time_cuts(np.ones(3), [1.5])
