"""The figures of dislikes over HTTP: for staff, and the same as in the admin."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from accounts.models import User
from feedback.services import save_dislike
from tests.answers import assert_refused
from tests.factories import make_active_als, make_item
from tests.recommendations.builders import make_session

pytestmark = pytest.mark.django_db


class TestMetrics:
    @pytest.fixture
    def staff(self, person: User) -> None:
        person.user_permissions.add(Permission.objects.get(codename="view_dislike"))

    def test_are_for_staff(self, api: APIClient) -> None:
        assert "staff" in assert_refused(api.get("/api/feedback-metrics"), 403)

    def test_say_what_dislikes_say(self, api: APIClient, person: User, staff: None) -> None:
        item = make_item()
        session = make_session(person, [item, make_item()], age=timedelta(minutes=1))
        session.seen_rank = 2
        session.save()
        save_dislike(user_id=person.pk, item=item, reason="other", session_id=session.pk)
        body = api.get("/api/feedback-metrics?days=7").json()
        assert body["models"] == [
            {
                "model_version": "als-1",
                "lists": 1,
                "slots_seen": 2,
                "dislikes": 1,
                "dislike_rate": 0.5,
                "mean_error": pytest.approx(0.9),
            }
        ]
        assert body["improvement"]["dislike_rate"] == 0.5
        assert body["improvement"]["dislike_rate_before"] is None
        waiting = {"use_case": "movie_home", "untrained": 1, "threshold": 20, "due": False}
        assert body["retraining"] == body["retraining_by_use_case"][0] == waiting
        assert body["metrics"] == {
            "total_negative_examples": 1,
            "avg_prediction_error": pytest.approx(0.9),
            "max_error": pytest.approx(0.9),
            "min_error": pytest.approx(0.9),
        }
        assert body["active_model_version"] is None

    def test_name_the_version_that_serves(self, api: APIClient, staff: None) -> None:
        version = make_active_als([[make_item().pk, make_item().pk]])
        told = api.get("/api/feedback-metrics").json()["active_model_version"]
        assert told == {
            "version_id": version.pk,
            "version": "als-movie_home-1",
            "use_case": "movie_home",
            "created_at": version.created_at.isoformat().replace("+00:00", "Z"),
            "accuracy": None,
        }
        assert api.get("/api/feedback-metrics?use_case=drama_home").json()["active_model_version"] is None

    @pytest.mark.parametrize("days", ["0", "-1", "3651", "x", "1.5", "9" * 30, "%00"])
    def test_over_a_period_that_cannot_be_meant(self, api: APIClient, staff: None, days: str) -> None:
        assert "days" in assert_refused(api.get(f"/api/feedback-metrics?days={days}"), 400)
