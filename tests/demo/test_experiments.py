"""The demo's example experiment: everybody takes part, and the account to try it with sees dislikes act."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from core.domain import USE_CASES
from demo.experiments import NAME, start_example, stop_example
from ranking.models import Experiment
from recommendations.models import RecommendationSession
from serving.pipeline import recommend
from tests.factories import make_items, make_user

pytestmark = pytest.mark.django_db


def arm_of(user: User) -> str:
    served = recommend(user_id=user.pk, use_case=USE_CASES["movie_home"], limit=3)
    return RecommendationSession.objects.get(pk=served.session_id).experiment_arm


def test_the_example_draws_everybody_to_one_of_two_arms() -> None:
    make_items(3)
    start_example(now=timezone.now() - timedelta(days=7), seed=7)
    arms = {arm_of(make_user()) for _ in range(12)}
    assert arms == {f"{NAME}/feedback", f"{NAME}/no-feedback"}


def test_whoever_comes_after_the_simulated_evenings_gets_the_usual_lists() -> None:
    make_items(3)
    stop_example(start_example(now=timezone.now() - timedelta(days=7), seed=7), now=timezone.now())
    assert {arm_of(make_user()) for _ in range(12)} == {""}


def test_what_a_killed_run_left_is_no_obstacle() -> None:
    start_example(now=timezone.now(), seed=7)
    again = start_example(now=timezone.now(), seed=7)
    assert list(Experiment.objects.all()) == [again]
