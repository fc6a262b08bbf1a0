"""A person's patterns, what is held back, and what dislikes say of the models."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.errors import InvalidInput
from feedback.models import Dislike
from feedback.selectors import (
    active_dislikes,
    get_dislike_pattern_analysis,
    get_feedback_improvement_metrics,
    get_held_back,
    get_model_feedback_metrics,
)
from feedback.services import save_dislike, undo_dislike
from recommendations.models import RecommendationSession
from tests.factories import make_item, make_items
from tests.feedback.builders import dislike, full_film, make_film
from tests.recommendations.builders import make_session

pytestmark = pytest.mark.django_db


class TestPatterns:
    def test_count_reasons_genres_and_people(self, person: User, other_person: User) -> None:
        dislike(other_person, make_film(genre=["Comedy"]))
        for genre in ("Horror", "Horror", "Action"):
            dislike(person, make_film(genre=[genre], actor=["Ann Lee"], theme=["Heist"]), "wrong_genre")
        dislike(person, make_film(director=["Bo Ray"]), "poor_quality")
        patterns = get_dislike_pattern_analysis(user_id=person.pk)
        assert patterns.reason_distribution == {"wrong_genre": 3, "poor_quality": 1}
        assert patterns.top_categories == [("Horror", 2), ("Action", 1)]
        assert patterns.top_people == [("Ann Lee", 3), ("Bo Ray", 1)]
        assert (patterns.total_dislikes, patterns.last_30_days) == (4, 4)

    def test_what_was_taken_back_is_no_pattern(self, person: User) -> None:
        row = dislike(person, full_film())
        undo_dislike(user_id=person.pk, dislike_id=row.pk)
        patterns = get_dislike_pattern_analysis(user_id=person.pk)
        assert (patterns.reason_distribution, patterns.total_dislikes) == ({}, 0)
        assert patterns.top_categories == patterns.top_people == []

    def test_the_reasons_of_others_do_not_matter(self, person: User, other_person: User) -> None:
        item = full_film()
        dislike(other_person, item, "already_watched")
        dislike(person, item, "wrong_genre")
        assert get_dislike_pattern_analysis(user_id=person.pk).top_categories == [("Action", 1)]

    def test_knowing_a_film_is_no_pattern_of_taste(self, person: User) -> None:
        dislike(person, full_film(), "already_watched")
        patterns = get_dislike_pattern_analysis(user_id=person.pk)
        assert patterns.reason_distribution == {"already_watched": 1}
        assert patterns.top_categories == patterns.top_people == []

    def test_at_most_five_are_named_in_a_fixed_order(self, person: User) -> None:
        dislike(person, make_film(genre=["F", "E", "D", "C", "B", "A"]))
        names = [name for name, _ in get_dislike_pattern_analysis(user_id=person.pk).top_categories]
        assert names == ["A", "B", "C", "D", "E"]

    @pytest.mark.parametrize(
        ("days_ago", "trend"),
        [
            ([], "steady"),
            ([1, 40], "steady"),
            ([1, 2, 40], "rising"),
            ([1, 40, 50], "falling"),
            ([29.9, 59.9, 30.1], "falling"),
            ([100, 200], "steady"),
        ],
    )
    def test_trend_is_the_last_30_days_against_the_30_before(
        self, person: User, days_ago: list[float], trend: str
    ) -> None:
        for days in days_ago:
            dislike(person, make_item(), days_ago=days)
        assert get_dislike_pattern_analysis(user_id=person.pk).recent_trend == trend


class TestHeldBack:
    def test_is_told_strongest_first_with_the_titles_that_did_it(self, person: User) -> None:
        dislike(person, make_film("One", genre=["Action"]), days_ago=1)
        dislike(person, make_film("Two", genre=["Action"], franchise=["Saga"]))
        action, saga = get_held_back(user_id=person.pk)
        assert (action.kind, action.name, action.titles) == ("genre", "Action", ("One", "Two"))
        assert action.percent == -28
        assert (saga.kind, saga.percent, saga.titles) == ("franchise", -12, ("Two",))

    def test_what_has_faded_away_is_left_out(self, person: User) -> None:
        dislike(person, make_film(genre=["Action"]), days_ago=90 * 3)
        dislike(person, make_film(genre=["Horror"]), days_ago=90 * 6)
        (held,) = get_held_back(user_id=person.pk)
        assert (held.name, held.percent) == ("Action", -2)


def test_active_dislikes_come_newest_first(person: User, other_person: User) -> None:
    items = make_items(4)
    dislike(other_person, items[0])
    old, undone, new = (dislike(person, items[n], days_ago=9 - n) for n in range(3))
    undo_dislike(user_id=person.pk, dislike_id=undone.pk)
    assert list(active_dislikes(person.pk)) == [new, old]


def shown_and_disliked(
    person: User, items: list[Item], *, version: str = "als-1", seen: int = 10, days_ago: float = 0.0
) -> list[Dislike]:
    """A list with these items, seen down to `seen`, all of them disliked a second later."""
    session = make_session(person, items, age=timedelta(days=days_ago))
    RecommendationSession.objects.filter(pk=session.pk).update(seen_rank=seen, model_version=version)
    moment = timezone.now() - timedelta(days=days_ago) + timedelta(seconds=-1 if not days_ago else 1)
    return [
        save_dislike(
            user_id=person.pk, item=item, reason="other", session_id=session.pk, occurred_at=moment
        ).dislike
        for item in items
    ]


class TestMetrics:
    def test_each_version_with_its_rate_and_error(self, person: User) -> None:
        shown_and_disliked(person, make_items(2), seen=10)
        shown_and_disliked(person, make_items(1), seen=5)
        shown_and_disliked(person, make_items(1), version="als-2", seen=4)
        shown_and_disliked(person, [], version="als-3", seen=0)
        since = timezone.now() - timedelta(days=1)
        first, second, third = get_model_feedback_metrics(since=since)
        assert (first.model_version, first.lists, first.slots_seen, first.dislikes) == ("als-1", 2, 15, 3)
        assert first.dislike_rate == pytest.approx(3 / 15)
        assert first.mean_error == pytest.approx((0.9 + 0.8 + 0.9) / 3)
        assert second.model_version == "als-2"
        assert second.dislike_rate == pytest.approx(1 / 4)
        assert (third.lists, third.dislikes, third.dislike_rate, third.mean_error) == (1, 0, None, None)

    def test_abuse_and_undone_and_unlisted_ones_do_not_count(self, person: User) -> None:
        abuse, undone, _ = shown_and_disliked(person, make_items(3))
        Dislike.objects.filter(pk=abuse.pk).update(review_state="excluded")
        undo_dislike(user_id=person.pk, dislike_id=undone.pk)
        dislike(person, make_item())
        (metrics,) = get_model_feedback_metrics(since=timezone.now() - timedelta(days=1))
        assert metrics.dislikes == 1

    def test_a_period_has_a_beginning_and_an_end(self, person: User, settings: Settings) -> None:
        settings.RECOMMENDATION_SESSION_DAYS = 365
        shown_and_disliked(person, make_items(1), days_ago=50)
        now = timezone.now()
        assert get_model_feedback_metrics(since=now - timedelta(days=40)) == []
        until = now - timedelta(days=40)
        (metrics,) = get_model_feedback_metrics(since=now - timedelta(days=60), until=until)
        assert metrics.dislikes == 1
        with pytest.raises(InvalidInput):
            get_model_feedback_metrics(since=now, until=now)

    def test_improvement_sets_the_period_against_the_one_before(
        self, person: User, settings: Settings
    ) -> None:
        settings.RECOMMENDATION_SESSION_DAYS = 365
        shown_and_disliked(person, make_items(4), seen=10, days_ago=45)
        shown_and_disliked(person, make_items(1), seen=10)
        improvement = get_feedback_improvement_metrics(days=30)
        assert improvement.dislike_rate == pytest.approx(0.1)
        assert improvement.dislike_rate_before == pytest.approx(0.4)
        assert improvement.mean_error == pytest.approx(0.9)
        assert improvement.mean_error_before == pytest.approx(0.75)

    def test_nothing_shown_is_no_rate(self, db: None) -> None:
        improvement = get_feedback_improvement_metrics()
        assert improvement.dislike_rate is improvement.mean_error_before is None
        assert get_model_feedback_metrics(since=timezone.now() - timedelta(days=1)) == []
