"""The person of a request: not made anew while they are as they were, and new after whatever is done."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pytest_django import Settings

from accounts.models import User
from catalog.models import Facet, Item, ItemFacet
from core.domain import USE_CASES
from core.queries import mark_of
from feedback.models import Dislike
from feedback.services import save_dislike
from feedback.steering import WantedRule, add_rules, allow_item
from interactions.services import record_interaction, withdraw_state
from profiles.catching_up import catch_up, rebuild_profile
from profiles.services import reset_profile
from ranking.person import PersonState
from ranking.request import RankingRequest
from recommendations.models import RecommendationSession
from recommendations.services import report_seen
from serving.live import forget_state, get_context
from serving.opening import open_request
from serving.pipeline import recommend
from serving.wishes import Wishes
from tests.factories import make_interaction, make_items, make_rule
from tests.feedback.builders import make_film

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def films(person: User, settings: Settings) -> list[Item]:
    """Eight films; the person watched the first and was shown a list."""
    settings.MODEL_CHECK_SECONDS = 3600.0
    films = [make_film(f"Night {n}", genre=["Drama"], theme=["Boats"]) for n in range(8)]
    make_interaction(person, films[0], "watched", rating=9)
    recommend(user_id=person.pk, use_case=MOVIES)
    return films


def opened(person: User, days: float = 0.0, wishes: Wishes | None = None) -> RankingRequest:
    now = NOW + timedelta(days=days)
    return open_request(person.pk, get_context(MOVIES.name), now, wishes or Wishes())


def is_kept(one: RankingRequest, before: RankingRequest) -> bool:
    return one.person.item_ids is before.person.item_ids and one.remembered is before.remembered


def anew(person: User, days: float = 0.0) -> PersonState:
    """The person as they are without anything that was kept."""
    context = replace(get_context(MOVIES.name), memory=None)
    return open_request(person.pk, context, NOW + timedelta(days=days)).person


def assert_same(one: PersonState, other: PersonState) -> None:
    for field in fields(PersonState):
        ours, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(ours, np.ndarray):
            np.testing.assert_array_equal(ours, theirs)
        elif field.name not in ("taste", "seen"):
            assert ours == theirs, field.name
    for name in ("facet_ids", "scores", "values"):
        np.testing.assert_array_equal(getattr(one.taste.taste, name), getattr(other.taste.taste, name))
    np.testing.assert_array_equal(one.seen.item_ids, other.seen.item_ids)


def dislike(person: User, films: list[Item]) -> None:
    save_dislike(user_id=person.pk, item=films[2], reason="wrong_genre", occurred_at=NOW)


def see(person: User, films: list[Item]) -> None:
    session = RecommendationSession.objects.filter(user=person).latest("created_at")
    RecommendationSession.objects.update(created_at=NOW)
    report_seen(user_id=person.pk, session_id=session.pk, rank=2)


def rule(person: User, films: list[Item]) -> None:
    add_rules(user_id=person.pk, wanted=[WantedRule("never", facet=Facet.objects.get(name="Boats"))])


def like_elsewhere(person: User, films: list[Item]) -> None:
    drama = make_items(1, kind="drama")[0]
    ItemFacet.objects.create(item=drama, facet=Facet.objects.get(name="Boats"))
    record_interaction(user_id=person.pk, item_id=drama.pk, type_name="like")


def rebuild(person: User, films: list[Item]) -> None:
    """A profile that is stored, and stored anew after its facets changed."""
    catch_up(user_id=person.pk)
    opened(person)
    ItemFacet.objects.filter(item=films[0], facet__name="Boats").delete()
    rebuild_profile(user_id=person.pk)


def explain(person: User, films: list[Item]) -> None:
    """A no whose meaning is written after it, as of a row that an import finishes."""
    dislike(person, films)
    opened(person)
    Dislike.objects.filter(user=person).update(about=Facet.objects.get(name="Boats"))


@pytest.mark.parametrize(
    "act",
    [
        like_elsewhere,
        rebuild,
        explain,
        lambda person, films: record_interaction(user_id=person.pk, item_id=films[1].pk, type_name="like"),
        lambda person, films: withdraw_state(user_id=person.pk, item_id=films[0].pk, type_name="watched"),
        dislike,
        lambda person, films: reset_profile(user_id=person.pk),
        lambda person, films: allow_item(user_id=person.pk, item=films[3]),
        rule,
        see,
    ],
    ids=[
        *("like elsewhere", "rebuilt", "explained"),
        *("like", "undo", "dislike", "reset", "allow", "rule", "seen"),
    ],
)
def test_whatever_is_done_shows_in_the_next_request(
    person: User, films: list[Item], act: Callable[[User, list[Item]], object]
) -> None:
    before = opened(person)
    assert is_kept(opened(person), before)
    act(person, films)
    after = opened(person)
    assert not is_kept(after, before)
    assert_same(after.person, anew(person))
    assert is_kept(opened(person), after)


def test_dislikes_fade_for_who_is_kept(person: User, films: list[Item]) -> None:
    dislike(person, films)
    first, later = opened(person), opened(person, days=60)
    assert later.remembered is first.remembered
    assert later.person.penalties != first.person.penalties
    assert_same(later.person, anew(person, days=60))


def test_examples_of_a_request_are_of_that_request_alone(person: User, films: list[Item]) -> None:
    usual = opened(person)
    asked = opened(person, wishes=Wishes(positives=(films[4].pk,)))
    assert films[4].pk in asked.person.item_ids
    assert is_kept(opened(person), usual)


def test_somebody_else_of_the_same_acts_is_not_taken_for_them(person: User, other_person: User) -> None:
    assert opened(person).person.user_id == person.pk
    assert opened(other_person).person.user_id == other_person.pk


def test_marks_are_of_values_and_of_all_of_them() -> None:
    rows = [(1, "like", 2.0, None), (2, "view", 0.5, b"\0")]
    assert mark_of(rows) == mark_of([(1, "".join(["li", "ke"]), 2.0, None), (2, "view", 0.5, bytes(1))])
    assert len({mark_of(rows), mark_of(rows[::-1]), mark_of(rows[:1]), mark_of([])}) == 4


def test_rules_of_staff_begin_and_end_by_the_clock_also_for_who_is_kept(
    person: User, films: list[Item]
) -> None:
    # What has ended by now is not even read, so this lies ahead.
    make_rule(
        "block", item=films[3], begins_at=NOW + timedelta(days=36_501), ends_at=NOW + timedelta(days=36_503)
    )
    forget_state()

    def blocked(request: RankingRequest) -> bool:
        return bool(len(request.rules)) and films[3].pk in request.person.excluded

    assert not blocked(opened(person, days=36_500.5))
    during = opened(person, days=36_502.0)
    assert blocked(during)
    assert is_kept(opened(person, days=36_502.5), during)
    assert not blocked(opened(person, days=36_503.5))
