"""The threshold that asks for a new model, and the batch that it learns from."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from core.domain import REASONS
from feedback.models import Dislike
from feedback.services import undo_dislike
from feedback.training import (
    MAX_BATCH,
    calculate_dislike_weight,
    get_negative_training_batch,
    get_untrained_negative_feedback_count,
    mark_negative_examples_as_used,
    should_retrain_from_feedback,
    spend_dislikes,
)
from tests.factories import make_items, make_user
from tests.feedback.builders import dislike

pytestmark = pytest.mark.django_db


def exclude(row: Dislike) -> None:
    row.review_state = Dislike.ReviewState.EXCLUDED
    row.save()


class TestWeight:
    def test_of_each_reason(self) -> None:
        weights = {name: calculate_dislike_weight(name) for name in REASONS}
        full = ("wrong_genre", "poor_quality", "not_interested", "other")
        assert weights == pytest.approx(
            dict.fromkeys(full, 0.8) | {"already_watched": 0.0, "irrelevant": 0.4}
        )

    def test_is_a_setting(self, settings: Settings) -> None:
        settings.DISLIKE_EXAMPLE_WEIGHT = 0.5
        assert calculate_dislike_weight("wrong_genre") == 0.5

    def test_of_an_unknown_reason(self) -> None:
        with pytest.raises(KeyError):
            calculate_dislike_weight("boring")


class TestThreshold:
    def test_counts_no_person_more_than_five_times(self, person: User, other_person: User) -> None:
        for item in make_items(8):
            dislike(person, item)
        assert get_untrained_negative_feedback_count() == 5
        dislike(other_person, make_items(1)[0])
        assert get_untrained_negative_feedback_count() == 6

    def test_the_cap_is_a_setting(self, person: User, settings: Settings) -> None:
        settings.DISLIKE_CAP_PER_PERSON = 2
        for item in make_items(4):
            dislike(person, item)
        assert get_untrained_negative_feedback_count() == 2

    def test_what_was_taken_back_or_excluded_or_used_does_not_count(self, person: User) -> None:
        undone, excluded, used, counts = (dislike(person, item) for item in make_items(4))
        undo_dislike(user_id=person.pk, dislike_id=undone.pk)
        exclude(excluded)
        mark_negative_examples_as_used([used.example.pk])
        assert get_untrained_negative_feedback_count() == 1
        assert [one.example_id for one in get_negative_training_batch()] == [counts.example.pk]

    def test_is_due_from_twenty_on(self) -> None:
        items = make_items(5)
        for _ in range(3):
            person = make_user()
            for item in items:
                dislike(person, item)
        last = make_user()
        for item in items[:4]:
            dislike(last, item)
        assert (get_untrained_negative_feedback_count(), should_retrain_from_feedback()) == (19, False)
        dislike(last, items[4])
        assert should_retrain_from_feedback() is True
        assert should_retrain_from_feedback("drama_home") is False

    def test_one_person_alone_never_makes_it_due(self, person: User) -> None:
        for item in make_items(25):
            dislike(person, item)
        assert should_retrain_from_feedback() is False

    def test_what_a_live_model_knows_asks_for_no_other(self, person: User, other_person: User) -> None:
        old, new = make_items(2)
        dislike(person, old, days_ago=2)
        spend_dislikes("movie_home", until=timezone.now() - timedelta(days=1))
        assert get_untrained_negative_feedback_count("movie_home") == 0
        # A mark never moves back.
        spend_dislikes("movie_home", until=timezone.now() - timedelta(days=3))
        dislike(other_person, new)
        assert get_untrained_negative_feedback_count("movie_home") == 1


class TestBatch:
    def test_is_of_the_oldest_first(self, person: User, other_person: User) -> None:
        items = make_items(3)
        middle = dislike(person, items[0], days_ago=2)
        oldest = dislike(other_person, items[1], days_ago=3)
        newest = dislike(person, items[2], days_ago=1)
        batch = get_negative_training_batch()
        assert [one.example_id for one in batch] == [row.example.pk for row in (oldest, middle, newest)]
        assert (batch[0].user_id, batch[0].item_id, batch[0].weight) == (other_person.pk, items[1].pk, 0.8)
        assert get_negative_training_batch(limit=2) == batch[:2]

    def test_has_five_of_one_person_at_the_most(self, person: User) -> None:
        rows = [dislike(person, item, days_ago=10 - n) for n, item in enumerate(make_items(8))]
        batch = get_negative_training_batch()
        assert [one.example_id for one in batch] == [row.example.pk for row in rows[:5]]

    @pytest.mark.slow
    def test_has_a_hundred_at_the_most(self) -> None:
        items = make_items(5)
        for _ in range(21):
            person = make_user()
            for item in items:
                dislike(person, item)
        assert len(get_negative_training_batch(limit=1000)) == MAX_BATCH == 100
        assert get_negative_training_batch(limit=0) == get_negative_training_batch(limit=-1) == []

    def test_what_was_used_is_not_used_again(self, person: User) -> None:
        for item in make_items(7):
            dislike(person, item)
        first = [one.example_id for one in get_negative_training_batch()]
        assert mark_negative_examples_as_used(first) == 5
        assert mark_negative_examples_as_used(first) == 0
        second = [one.example_id for one in get_negative_training_batch()]
        assert len(second) == 2
        assert not set(first) & set(second)
