"""The reduction: what each interaction does to a taste, and that parts give what the whole gives."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import TYPES
from profiles.reduction import NEUTRAL, Event, ItemFacets, decode, encode, no_taste, reduce_events
from tests.profiles.builders import (
    ANN,
    COMEDY,
    DRAMA,
    HEIST,
    RULES,
    entry_of,
    event,
    figures,
    reduce_all,
    score_of,
)

FACETS = [(number, number % 5, f"facet {number}") for number in range(1, 12)]


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Up to 30 interactions, in order."""
    facets: st.SearchStrategy[ItemFacets] = st.lists(st.sampled_from(FACETS), unique=True, max_size=5).map(
        tuple
    )
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(sorted(TYPES)),
                st.one_of(st.none(), st.floats(0, 10)),
                st.sampled_from(["", "not_interested", "other", "wrong_genre"]),
                facets,
            ),
            max_size=30,
        )
    )
    return [
        event(name, *of_item, number=number, rating=rating if name == "watched" else None, reason=reason)
        for number, (name, rating, reason, of_item) in enumerate(steps, start=1)
    ]


@pytest.mark.slow
@given(log=logs(), cuts=st.lists(st.integers(0, 30)))
def test_any_cut_of_the_log_gives_the_numbers_of_the_whole(log: list[Event], cuts: list[int]) -> None:
    taste, done = no_taste(), 0
    for cut in [*sorted(cuts), len(log)]:
        # Stored and read again between the parts.
        part = reduce_events(taste, log[done:cut], RULES)
        taste = decode(encode(part), names=part.names, evidence=part.evidence, feedback=part.feedback)
        done = max(done, cut)
    whole = reduce_all(*log)
    assert figures(taste) == figures(whole)
    assert taste.names == whole.names


@given(log=logs())
def test_everything_stays_in_its_range(log: list[Event]) -> None:
    taste = reduce_all(*log)
    assert (np.abs(taste.scores) <= 1.0).all()
    assert ((taste.values >= 0.0) & (taste.values <= 1.0)).all()
    assert (np.diff(taste.facet_ids) > 0).all()
    assert set(taste.facet_ids.tolist()) <= set(taste.names)


def test_a_score_is_an_exponential_moving_average() -> None:
    once = reduce_all(event("like", DRAMA))
    assert score_of(once, 1) == pytest.approx(0.2 * 0.6)
    twice = reduce_all(event("like", DRAMA), event("apply", DRAMA, number=2))
    assert score_of(twice, 1) == pytest.approx(0.8 * 0.12 + 0.2 * 1.0)


@pytest.mark.parametrize(
    ("type_name", "weight"),
    [("view", 0.3), ("click", 0.3), ("favorite", 0.6), ("interest", 0.6), ("watchlist_remove", -0.3)],
)
def test_each_type_has_its_weight(type_name: str, weight: float) -> None:
    assert score_of(reduce_all(event(type_name, DRAMA)), 1) == pytest.approx(0.2 * weight)


@pytest.mark.parametrize(
    ("rating", "weight"), [(10.0, 1.0), (8.0, 0.6), (5.0, 0.0), (1.0, -0.8), (None, 0.5)]
)
def test_a_low_rating_speaks_against(rating: float | None, weight: float) -> None:
    assert score_of(reduce_all(event("watched", DRAMA, rating=rating)), 1) == pytest.approx(0.2 * weight)


def test_a_dislike_speaks_of_what_its_reason_speaks_of() -> None:
    taste = reduce_all(event("dislike", DRAMA, ANN, HEIST, reason="not_interested"))
    assert taste.facet_ids.tolist() == [1, 3]
    assert score_of(taste, 1) == score_of(taste, 3) == pytest.approx(-0.06)


@pytest.mark.parametrize("reason", ["other", "", "no longer in the table"])
def test_a_dislike_that_says_nothing_of_taste_changes_nothing(reason: str) -> None:
    before = reduce_all(event("like", DRAMA))
    after = reduce_events(before, [event("dislike", DRAMA, ANN, number=2, reason=reason)], RULES)
    assert figures(after) == figures(before)


def test_the_vector_moves_at_every_third_piece_of_feedback() -> None:
    likes = [event("like", DRAMA, number=number) for number in range(1, 7)]
    entries = [entry_of(reduce_all(*likes[:count]), 1) for count in range(1, 7)]
    assert entries == pytest.approx(
        [NEUTRAL, NEUTRAL, 1 - 0.5 * 0.7**3] + [1 - 0.5 * 0.7**3] * 2 + [1 - 0.5 * 0.7**6]
    )


def test_a_dislike_pushes_away() -> None:
    rules = replace(RULES, update_every=1)
    liked = reduce_all(event("like", DRAMA, COMEDY), rules=rules)
    assert entry_of(liked, 1) == pytest.approx(0.65)
    pushed = reduce_events(liked, [event("dislike", DRAMA, number=2, reason="wrong_genre")], rules)
    assert entry_of(pushed, 1) == pytest.approx(0.65 * 0.7)
    assert entry_of(pushed, 2) == pytest.approx(0.65)


@pytest.mark.parametrize("rating", [None, 5.0])
def test_what_states_nothing_is_no_feedback(rating: float | None) -> None:
    taste = reduce_all(
        event("view", DRAMA),
        event("watched", DRAMA, number=2, rating=rating),
        event("watchlist_add", DRAMA, number=3),
        event("dislike", DRAMA, number=4, reason="other"),
    )
    assert taste.feedback == 0
    assert entry_of(taste, 1) == NEUTRAL


def test_a_broken_record_is_refused() -> None:
    with pytest.raises(ValueError):
        decode(b"x" * 34, names={}, evidence=0, feedback=0)
