"""Retraining is due or not, and says why."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from feedback.models import Dislike, NegativeTrainingExample
from feedback.training import get_retraining, should_retrain_from_feedback
from ranking.datasets.manifest import datasets_folder
from ranking.models import ModelVersion
from ranking.registry.versions import rollback_version
from ranking.retraining.decision import decide
from tests.factories import make_interaction, make_item, make_user
from tests.ranking.retraining.builders import MOVIES, run, say_no, serve

pytestmark = pytest.mark.django_db


class TestDue:
    @pytest.fixture(autouse=True)
    def _soon(self, settings: Settings) -> None:
        settings.DISLIKE_RETRAIN_THRESHOLD = 3

    def due(self) -> tuple[bool, str]:
        found = decide(MOVIES, timezone.now())
        return found.due, found.why

    def test_without_a_model_as_soon_as_there_is_something_to_learn(self) -> None:
        why_not = "the catalog has no films. Import them first, with import_items."
        assert self.due() == (False, f"There is nothing to learn from yet: {why_not}")
        make_interaction(make_user(), make_item(kind="drama"))
        assert not self.due()[0]
        make_interaction(make_user(), make_item())
        assert self.due() == (True, "No model serves yet.")

    def test_when_enough_people_said_no(self, films: list[Item]) -> None:
        serve(films)
        for _ in range(2):
            say_no(make_user(), films[0], 9)
        assert self.due() == (False, "2 of 3 dislikes wait, and als-movie_home-1 is not old.")
        say_no(make_user(), make_item(kind="drama"), 1)
        assert not self.due()[0]
        say_no(make_user(), films[0], 9)
        assert self.due() == (True, "3 dislikes wait for a model; 3 ask for one.")

    def test_what_the_model_knows_already_asks_for_no_other(self, films: list[Item]) -> None:
        for _ in range(3):
            say_no(make_user(), films[0], 1)
        serve(films)
        assert self.due()[1].startswith("0 of 3")
        assert not should_retrain_from_feedback()

    def test_one_person_counts_only_so_often(self, films: list[Item], settings: Settings) -> None:
        settings.DISLIKE_CAP_PER_PERSON = 2
        serve(films)
        person = make_user()
        for film in films[:5]:
            say_no(person, film, 9)
        assert self.due()[1].startswith("2 of 3")

    def test_lists_of_another_use_case_are_for_its_own_models(self) -> None:
        item = make_item(kind="startup")
        dislike = say_no(make_user(), item, 1)
        developers, investors = USE_CASES["developer_startup"], USE_CASES["investor_startup"]
        assert [get_retraining(one).untrained for one in (developers, investors)] == [1, 1]
        Dislike.objects.filter(pk=dislike.pk).update(use_case=investors.name)
        assert [get_retraining(one).untrained for one in (developers, investors)] == [0, 1]

    def test_when_the_model_is_old(self, films: list[Item]) -> None:
        version = serve(films)
        ModelVersion.objects.filter(pk=version.pk).update(created_at=timezone.now() - timedelta(days=8))
        assert self.due() == (True, "als-movie_home-1 is older than 7 days.")

    @pytest.mark.slow
    def test_not_soon_after_the_gate_said_no(
        self, people: list[User], films: list[Item], settings: Settings
    ) -> None:
        serve(films)
        for person in people[:3]:
            say_no(person, films[0], 10)
        settings.GATE_MIN_PEOPLE = 1000
        run("als")
        due, why = self.due()
        assert not due
        assert why.startswith("als-movie_home-2 was rejected at ")
        earlier = timezone.now() - timedelta(hours=settings.RETRAIN_RETRY_HOURS + 1)
        ModelVersion.objects.update(created_at=earlier)
        assert self.due() == (True, "3 dislikes wait for a model; 3 ask for one.")

    @pytest.mark.slow
    def test_what_a_new_model_was_evaluated_on_does_not_ask_for_another_at_once(
        self, people: list[User], films: list[Item]
    ) -> None:
        serve(films)
        for person in people[:4]:
            say_no(person, films[0], 39)
        run("als")
        assert NegativeTrainingExample.objects.filter(used_in_training=False).count() == 4
        assert self.due()[1].startswith("0 of 3")
        for person in people[4:7]:
            say_no(person, films[0], 41)
        assert self.due()[0]

    def test_what_somebody_put_back_is_left_in_service_for_a_while(
        self, films: list[Item], settings: Settings
    ) -> None:
        first = serve(films)
        serve(films, groups=lambda place: place // 10)
        ModelVersion.objects.update(created_at=timezone.now() - timedelta(days=30))
        assert self.due()[0]
        rollback_version(kind="als", use_case="movie_home", why="test")
        assert self.due()[1].startswith("Somebody put als-movie_home-1 back at ")
        earlier = timezone.now() - timedelta(hours=settings.RETRAIN_RETRY_HOURS + 1)
        ModelVersion.objects.filter(pk=first.pk).update(activated_at=earlier)
        assert self.due()[0]

    def test_a_run_that_is_not_due_does_nothing(self, films: list[Item]) -> None:
        serve(films)
        summary = run(if_needed=True, now=timezone.now())
        assert (summary.due, summary.outcomes) == (False, ())
        assert not datasets_folder("als", "movie_home").exists()
