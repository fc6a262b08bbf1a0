"""Nothing that is kept of a person changes a list: it is used only where nothing about them has changed."""

import tracemalloc
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from weakref import WeakSet

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from core.arrays import Doubles, Floats
from core.domain import USE_CASES
from feedback.adjustments import Adjustment
from ranking.boosting import personalize
from ranking.candidates import Candidates
from ranking.context import ScoringContext
from ranking.feature_rows import features_of
from ranking.largeness import bytes_of_person
from ranking.memory import Acquaintance, Memory, Remembered, digest_of
from ranking.person import PersonState, person_before
from ranking.recommenders.ranker.file import load_ranker
from ranking.recommenders.ranker.model import Ranker
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.request import RankingRequest
from ranking.scoring import ranked_pool
from ranking.snapshot import CatalogSnapshot
from ranking.statistics.exposure import Impressions
from serving.telling import reasons_for
from tests.factories import ranker_bytes
from tests.ranking.builders import bare_context, person_with, stranger
from tests.ranking.recommenders.kinds import taste_of_facets
from tests.ranking.statistics.builders import make_events
from tests.ranking.test_one_scoring_path import NOW, contexts, histories

DAY = 86_400.0


def person_of(history: list[tuple[int, float]], *, has_taste: bool) -> PersonState:
    """Somebody with these acts, of whose last list all was seen."""
    events = make_events([(1, item, weight, float(n), False) for n, (item, weight) in enumerate(history)])
    seen = Impressions(np.array([3, 5, 8]), np.array([1, 2, 3]), np.full(3, NOW - DAY))
    person = replace(
        person_before(events, seen=seen), last_types=tuple("view" for _ in {item for item, _ in history})
    )
    return taste_of_facets(person, {0: 0.8, 1: 0.2}) if has_taste else person


def ordered(request: RankingRequest) -> Candidates:
    return personalize(ranked_pool(request), request)


@pytest.mark.slow
@given(contexts(), st.lists(st.tuples(histories(), st.booleans(), st.integers(-11_000, 100)), max_size=5))
def test_lists_are_those_of_who_remembers_nothing(
    context: ScoringContext, asked: list[tuple[list[tuple[int, float]], bool, int]]
) -> None:
    """The plain way, which keeps nothing, is the oracle: for people who come again, changed or not, later."""
    remembering = replace(context, memory=Memory(most=2))
    for history, has_taste, days in [*asked, *asked]:
        person, now = person_of(history, has_taste=has_taste), NOW + days * DAY
        kept = RankingRequest.of(person, remembering, now)
        plain = RankingRequest.of(person, context, now)
        assert kept.knowing == plain.knowing
        ours, theirs = ordered(kept), ordered(plain)
        for field in fields(Candidates):
            np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))
        np.testing.assert_array_equal(features_of(kept, ours.item_ids), features_of(plain, ours.item_ids))
        assert reasons_for(ours, kept, 10) == reasons_for(theirs, plain, 10)
        some = np.array([1, 2, 999])
        np.testing.assert_array_equal(features_of(kept, some), features_of(plain, some))


def test_trees_are_asked_again_when_time_has_changed_what_they_tell_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    plain = Ranker.scores

    def counted(ranker: Ranker, features: Floats) -> Doubles:
        asked.append(len(features))
        return plain(ranker, features)

    monkeypatch.setattr(Ranker, "scores", counted)
    bare = bare_context(range(6))
    content = replace(bare.catalog.content, published=NOW - DAY * np.arange(1.0, 7.0) ** 2 * 60)
    catalog = CatalogSnapshot.build(content, bare.catalog.demand, np.empty(0, dtype=np.int64))
    models = ModelSet({"ranker": LoadedModel(2, "ranker-movie_home-1", load_ranker(ranker_bytes()))})
    context = ScoringContext.of(USE_CASES["movie_home"], catalog, models, memory=Memory())
    person = person_with([(1, 2.0)])
    at_first, a_second_later = (RankingRequest.of(person, context, when) for when in (NOW, NOW + 1.0))
    first, later = ordered(at_first), ordered(a_second_later)
    assert len(asked) == 1
    assert first.item_ids.tolist() == later.item_ids.tolist()
    # What is recorded with a list is of its own moment.
    assert (features_of(at_first, first.item_ids) != features_of(a_second_later, first.item_ids)).any()
    ordered(RankingRequest.of(person, context, NOW + 500 * DAY))
    assert len(asked) == 2


def test_who_comes_again_is_not_represented_again() -> None:
    memory = Memory()
    first, second = memory.of(person_with([(1, 2.0)])), memory.of(person_with([(1, 2.0)]))
    assert first is second


@pytest.mark.parametrize(
    "changed",
    [
        person_with([(1, 2.5)]),
        person_with([(2, 2.0)]),
        person_with([(1, 2.0), (2, -1.0)]),
        person_with([(1, 2.0)], excluded=[7]),
        replace(person_with([(1, 2.0)]), known=(4,)),
        replace(person_with([(1, 2.0)]), last_types=("like",)),
        replace(person_with([(1, 2.0)]), seen=Impressions(np.array([1]), np.array([1]), np.array([5.0]))),
        taste_of_facets(person_with([(1, 2.0)]), {0: 0.8}),
    ],
)
def test_whoever_changed_is_somebody_else(changed: PersonState) -> None:
    assert digest_of(changed) != digest_of(person_with([(1, 2.0)]))


def test_an_array_cut_in_another_place_is_another() -> None:
    assert digest_of(person_with(excluded=[1, 2])) != digest_of(
        replace(stranger(excluded=[1]), item_ids=np.array([2]))
    )


def test_dislikes_fade_without_a_new_digest() -> None:
    assert digest_of(replace(stranger(), penalties={1: 0.8})) == digest_of(stranger())


def test_the_people_met_last_are_kept() -> None:
    memory = Memory(most=2)
    one, two, three = (person_with([(item, 2.0)]) for item in (1, 2, 3))
    kept = memory.of(one)
    memory.of(two)
    assert memory.of(one) is kept
    memory.of(three)
    assert memory.of(one) is kept
    found = memory.of(two)
    found.known = ("als",)
    memory.of(three)
    memory.of(one)
    assert memory.of(two).known is None


def test_who_does_much_takes_the_place_of_nobody() -> None:
    memory = Memory(most=5)
    quiet = replace(person_with([(1, 2.0)]), user_id=1)
    kept = memory.of(quiet)
    for item in range(2, 50):
        now = replace(person_with([(item, 2.0)]), user_id=2)
        assert memory.of(now) is memory.of(now)
    assert memory.of(quiet) is kept
    # What they are and were before is kept; older than that is not.
    before = memory.of(replace(person_with([(48, 2.0)]), user_id=2))
    assert memory.of(replace(person_with([(48, 2.0)]), user_id=2)) is before
    assert len(memory) == 3


def test_sentences_of_before_are_kept_for_who_did_something_since() -> None:
    memory = Memory()
    first, then = person_with([(1, 2.0)]), person_with([(1, 2.0), (2, 2.0)])
    for mark, person in ((b"1", first), (b"2", then)):
        memory.meet(Acquaintance(mark, person, None, "", (), memory.of(person)))
        memory.of(person).sentences[mark,] = "Because you liked it."
    assert list(memory.of(then).sentences) == [(b"1",), (b"2",)]
    assert memory.of(then).reasons is None
    assert memory.of(then).brought is None


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that keeps nobody yet."""
    monkeypatch.setattr("ranking.memory._memories", WeakSet())


def test_all_memories_of_a_process_share_one_bound(settings: Settings, alone: None) -> None:
    """Whoever was asked for longest ago goes first, in whichever context they were met."""
    settings.PEOPLE_MEMORY_MB = 1.0
    one, other = Memory(), Memory()
    people = [person_with([(item, 2.0)], user_id=item) for item in range(1, 9)]
    for place, person in enumerate(people):
        memory = one if place % 2 else other
        found = memory.of(person)
        found.features = (np.arange(8_000), np.zeros((8_000, 10), dtype=np.float32))
        memory.weigh(found)
        assert sum(memory.size for memory in (one, other)) <= 1_000_000
    assert len(one) + len(other) == 2
    assert one.of(people[-1]).features is not None


def test_who_was_met_counts_with_their_history(settings: Settings, alone: None) -> None:
    settings.PEOPLE_MEMORY_MB = 2.0
    memory = Memory()
    for user_id in range(1, 20):
        long_ago = replace(stranger(), user_id=user_id, item_ids=np.arange(100_000))
        memory.meet(Acquaintance(b"", long_ago, None, "", (), Remembered()))
    assert memory.met(19, b"") is not None
    assert [user_id for user_id in range(1, 20) if memory.met(user_id, b"") is not None] == [18, 19]


def test_who_was_met_counts_with_what_their_noes_left(settings: Settings, alone: None) -> None:
    settings.PEOPLE_MEMORY_MB = 2.0
    memory = Memory()
    for user_id in range(1, 20):
        person, fading = replace(stranger(), user_id=user_id), fading_of(4_000)
        memory.meet(Acquaintance(b"", person, fading, "", (), Remembered(), len(fading)))
    assert [user_id for user_id in range(1, 20) if memory.met(user_id, b"") is not None] == [18, 19]


def test_what_a_no_leaves_counts_as_large_as_it_is() -> None:
    tracemalloc.start()
    try:
        kept = fading_of(10_000)
        each = tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()
    person = stranger()
    counted = (bytes_of_person(person, len(kept)) - bytes_of_person(person, 0)) / len(kept)
    assert each <= counted <= 1.5 * each


def fading_of(count: int) -> list[Adjustment]:
    """Parts that noes of a person left, as read from the database: with numbers and moments of their own."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [Adjustment(10_000 + n, -n / 7, start + timedelta(seconds=n)) for n in range(count)]


def test_findings_count_as_large_until_they_were_weighed(settings: Settings, alone: None) -> None:
    settings.PEOPLE_MEMORY_MB = 1.0
    memory = Memory()
    for item in range(1, 9):
        memory.of(person_with([(item, 2.0)], user_id=item))
    assert len(memory) == 6
    for item in range(1, 9):
        memory.weigh(memory.of(person_with([(item, 2.0)], user_id=item)))
    assert len(memory) == 8
