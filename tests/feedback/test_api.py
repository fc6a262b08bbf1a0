"""The dislike system over HTTP: what it answers, and that what is refused leaves nothing."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from feedback.models import Dislike, FeatureAdjustment, NegativeTrainingExample
from feedback.training import mark_negative_examples_as_used
from interactions.models import UserInteraction
from tests.answers import assert_refused
from tests.factories import make_interaction, make_item, make_items, make_user
from tests.feedback.builders import dislike, full_film, make_film
from tests.recommendations.builders import make_session
from tests.threads import together

pytestmark = pytest.mark.django_db
NO_NAMES: list[Any] = [None, "Action", 5, {}, [5], [None], [""], ["\0"], ["x" * 201], ["x"] * 51, [["x"]]]
# By field, what may not stand there.
NOT_TAKEN: dict[str, list[Any]] = {
    "reason": [None, "", "boring", "WRONG_GENRE", "other\0", 5, True, [], {}, "x" * 100_000],
    "feedback_text": [None, "x" * 2001, "\0", "a\0b", 5, True, [], {}, "x" * 100_000],
    "movie_id": ["1", 1.0, True, 0, -1, 2**63, 10**400, [], {}, "\0", ""],
    "movie_title": [None, 5, True, [], {}, "\0", "x" * 301],
    "recommendation_set_id": ["", 5.5, True, [], {}, "\0", "x" * 101, 10**100],
    "predicted_score": ["0.5", True, -0.01, 3.01, 10**400, [], {}, "NaN", "\0"],
    "genres": NO_NAMES,
    "cast": NO_NAMES,
}
UNKNOWN_LIST = "9e7c5f0e-7a0b-4d5e-8a51-6f0f6ac7d0aa"
NO_SUCH_SESSION = "There is no such recommendation session with this item."


def post(client: APIClient, **body: object) -> Any:
    return client.post("/api/dislike", body, format="json")


def assert_nothing_kept() -> None:
    for table in (Dislike, NegativeTrainingExample, FeatureAdjustment, UserInteraction):
        assert not table.objects.exists(), table


class TestSayingNo:
    def test_is_answered_with_all_that_follows(self, api: APIClient, person: User) -> None:
        item = full_film()
        session = make_session(person, [item])
        answer = post(
            api,
            movie_id=item.pk,
            movie_title="whatever",
            recommendation_set_id=str(session.pk),
            predicted_score=0.01,
            reason="not_interested",
            feedback_text="Seen enough of these.",
            genres=["Comedy"],
            cast=["Forged"],
        )
        assert answer.status_code == 201
        assert answer.json() == {
            "success": True,
            "dislike_id": Dislike.objects.get().pk,
            "wish": None,
            "message": (
                "✓ Dislike recorded. We'll improve recommendations! From now on: "
                "less of the same series, −12 %; less Action, Ann Lee and 1 more, −7.5 %."
            ),
            "training_impact": {"error_recorded": pytest.approx(0.9), "weight": 0.8},
            "feature_adjustments": {
                "genre_adjustments": {"Action": -0.075},
                "cast_adjustments": {"Ann Lee": -0.075, "Bo Ray": -0.075},
                "franchise_adjustment": -0.12,
                "reason": "not_interested",
            },
            "context_source": "session",
            "user_patterns": {
                "reason_distribution": {"not_interested": 1},
                "recent_trend": {"total_dislikes": 1, "avg_predicted_score": pytest.approx(0.9)},
                "trend": "rising",
                "total_dislikes": 1,
            },
            "retraining": {"use_case": "movie_home", "untrained": 1, "threshold": 20, "due": False},
        }

    def test_again_is_answered_200_with_the_same(self, api: APIClient) -> None:
        item = full_film()
        first = post(api, movie_id=item.pk, reason="wrong_genre")
        second = post(api, movie_id=item.pk, reason="wrong_genre")
        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json() == first.json()
        assert Dislike.objects.count() == 1

    def test_already_watched_teaches_nothing(self, api: APIClient) -> None:
        answer = post(api, movie_id=full_film().pk, reason="already_watched").json()
        assert answer["training_impact"] == {"error_recorded": None, "weight": 0.0}
        assert answer["feature_adjustments"] == {
            "genre_adjustments": {},
            "cast_adjustments": {},
            "franchise_adjustment": 0.0,
            "reason": "already_watched",
        }
        assert answer["retraining"]["untrained"] == 0

    def test_the_item_may_be_named_by_its_title(self, api: APIClient) -> None:
        item = make_item("The Long Chase")
        make_item("The Long Chase", is_active=False)
        assert post(api, movie_title=" the long CHASE ", reason="other").status_code == 201
        assert Dislike.objects.get().item == item

    def test_a_title_of_several_names_the_choices(self, api: APIClient) -> None:
        new = make_item("Dune", year=2021)
        old = make_item("Dune", year=1984)
        sentence = assert_refused(post(api, movie_title="dune", reason="other"), 400)
        assert f"{new.pk} (movie, 2021), {old.pk} (movie, 1984)" in sentence
        assert_nothing_kept()

    def test_a_title_of_many_still_fits_into_a_sentence(self, api: APIClient) -> None:
        for _ in range(8):
            make_item("x" * 300)
        sentence = assert_refused(post(api, movie_title="x" * 300, reason="other"), 400)
        assert sentence.count("no year") == 5

    def test_by_the_address_of_the_item(self, api: APIClient, person: User) -> None:
        item = full_film()
        session = make_session(person, [item])
        body = {"reason": "wrong_genre", "recommendation_session_id": str(session.pk)}
        first = api.post(f"/api/movies/{item.pk}/dislike", body, format="json")
        assert first.status_code == 201
        assert first.json()["feature_adjustments"]["genre_adjustments"] == {"Action": -0.15}
        assert api.post(f"/api/movies/{item.pk}/dislike", body, format="json").status_code == 200
        assert Dislike.objects.get().context_source == "session"

    def test_left_out_the_reason_is_not_interested_wherever_it_is_said(
        self, api: APIClient, browserless: Client
    ) -> None:
        items = make_items(5, genres=["Noir"])
        ways: list[Callable[[Item], Any]] = [
            lambda item: post(api, movie_id=item.pk),
            lambda item: api.post(f"/api/movies/{item.pk}/dislike"),
            lambda item: api.post("/api/feedback", {"item_id": item.pk, "rating": 0}, format="json"),
            lambda item: browserless.post(f"/items/{item.pk}/act/", {"action": "dislike"}),
            lambda item: api.post(
                "/api/interactions", {"item_id": item.pk, "type": "dislike"}, format="json"
            ),
        ]
        for item, say_no in zip(items, ways, strict=True):
            assert say_no(item).status_code in (201, 302)
        said = [
            (row.reason, row.example.weight, row.adjustments.get().delta) for row in Dislike.objects.all()
        ]
        assert said == [("not_interested", 0.8, -0.075)] * len(ways)

    @pytest.mark.parametrize("given", [789, "789", "list-7", "0" * 32, UNKNOWN_LIST])
    def test_a_list_made_elsewhere_is_kept_and_proves_nothing(self, api: APIClient, given: int | str) -> None:
        answer = post(api, movie_id=make_item().pk, recommendation_set_id=given, predicted_score=0.75)
        assert (answer.status_code, answer.json()["context_source"]) == (201, "client")
        row = Dislike.objects.get()
        assert (row.recommendation_set_id, row.session, row.predicted_score) == (str(given), None, 0.75)
        assert api.get("/api/dislike-history").json()["dislikes"][0]["recommendation_set_id"] == str(given)

    def test_twenty_at_once_leave_one_row(self, threads_db: None) -> None:
        person, item = make_user(), full_film()

        def say_no(_: int) -> tuple[int, int]:
            client = APIClient(raise_request_exception=False)
            client.force_authenticate(person)
            answer = post(client, movie_id=item.pk, reason="wrong_genre")
            return answer.status_code, answer.json()["dislike_id"]

        answers = together(20, say_no)
        assert sorted(status for status, _ in answers) == [200] * 19 + [201]
        assert len({pk for _, pk in answers}) == 1
        assert Dislike.objects.count() == UserInteraction.objects.count() == 1


class TestRefused:
    @pytest.mark.parametrize(
        ("field", "value"), [(field, value) for field, values in NOT_TAKEN.items() for value in values]
    )
    def test_a_value_that_may_not_stand_there(self, api: APIClient, field: str, value: object) -> None:
        body: dict[str, object] = {"movie_id": make_item().pk, "reason": "other", field: value}
        assert field in assert_refused(post(api, **body), 400)
        assert_nothing_kept()

    @pytest.mark.parametrize("field", ["reason", "feedback_text", "movie_title", "recommendation_set_id"])
    def test_half_a_surrogate_pair(self, api: APIClient, field: str) -> None:
        for half in ("\\ud800", "a\\udc00", "\\udc00\\ud800"):
            raw = f'{{"movie_id": {make_item().pk}, "reason": "other", "{field}": "{half}"}}'
            assert_refused(api.post("/api/dislike", raw, content_type="application/json"), 400)
        assert_nothing_kept()

    def test_an_emoji_is_kept_as_it_is(self, api: APIClient) -> None:
        post(api, movie_id=make_item().pk, reason="other", feedback_text="👎 nein, «нет»")
        assert Dislike.objects.get().feedback_text == "👎 nein, «нет»"

    def test_a_text_of_just_2000_characters_is_taken(self, api: APIClient) -> None:
        assert (
            post(api, movie_id=make_item().pk, reason="other", feedback_text="👎" * 2000).status_code == 201
        )

    def test_without_an_item(self, api: APIClient) -> None:
        assert "movie_id" in assert_refused(post(api, reason="other"), 400)
        assert_nothing_kept()

    @pytest.mark.parametrize("title", ["", "   "])
    def test_an_empty_title_names_nothing(self, api: APIClient, title: str) -> None:
        assert "movie_title" in assert_refused(post(api, movie_title=title, reason="other"), 400)

    def test_an_item_that_is_not_there(self, api: APIClient) -> None:
        hidden = make_item("Hidden", is_active=False)
        for naming in ({"movie_id": hidden.pk}, {"movie_id": 2**63 - 1}, {"movie_title": "Hidden"}):
            assert_refused(post(api, **naming, reason="other"), 404)
        assert_refused(api.post(f"/api/movies/{hidden.pk}/dislike"), 404)
        assert_refused(api.post(f"/api/dramas/{make_item().pk}/dislike"), 404)
        assert_nothing_kept()

    def test_a_session_that_is_not_there_or_not_ones_own(self, api: APIClient, other_person: User) -> None:
        item = make_item()
        for session_id in (uuid4(), make_session(other_person, [item]).pk):
            body = {"recommendation_session_id": str(session_id)}
            answer = api.post(f"/api/movies/{item.pk}/dislike", body, format="json")
            assert assert_refused(answer, 404) == NO_SUCH_SESSION
        assert_nothing_kept()

    def test_anothers_list_is_answered_as_one_that_does_not_exist(
        self, api: APIClient, other_person: User
    ) -> None:
        answers = []
        for session_id in (uuid4(), make_session(other_person, (items := make_items(1))).pk):
            answer = post(api, movie_id=make_item().pk, recommendation_set_id=str(session_id)).json()
            answers.append({**answer, "dislike_id": 0, "user_patterns": {}, "retraining": {}})
        assert answers[0] == answers[1]
        assert items

    def test_without_a_login(self, db: None) -> None:
        client = APIClient()
        assert_refused(post(client, movie_id=make_item().pk, reason="other"), 401)
        for address in ("dislike-history", "dislike-patterns", "feedback-metrics"):
            assert_refused(client.get(f"/api/{address}"), 401)
        assert_refused(client.delete("/api/dislike/1"), 401)
        assert_nothing_kept()

    def test_without_the_csrf_token(self, person: User) -> None:
        client = APIClient(enforce_csrf_checks=True)
        client.force_login(person)
        assert_refused(post(client, movie_id=make_item().pk, reason="other"), 403)
        assert_nothing_kept()


class TestTakingItBack:
    def test_once(self, api: APIClient, person: User) -> None:
        row = dislike(person, full_film())
        answer = api.delete(f"/api/dislike/{row.pk}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert_refused(api.delete(f"/api/dislike/{row.pk}"), 404)
        assert api.get("/api/dislike-history").json()["total"] == 0

    def test_anothers_is_as_one_that_does_not_exist(self, api: APIClient, other_person: User) -> None:
        row = dislike(other_person, make_item())
        theirs, absent = api.delete(f"/api/dislike/{row.pk}"), api.delete("/api/dislike/999999999")
        assert assert_refused(theirs, 404) == assert_refused(absent, 404)
        row.interaction.refresh_from_db()
        assert row.interaction.withdrawn_at is None

    @pytest.mark.parametrize("name", ["0", "-1", "x", "1.5", "9" * 19, "%00"])
    def test_of_what_is_no_id(self, api: APIClient, name: str) -> None:
        assert_refused(api.delete(f"/api/dislike/{name}"), 404)

    def test_by_the_address_of_the_item(self, api: APIClient, person: User) -> None:
        said_here, imported = make_items(2)
        dislike(person, said_here)
        make_interaction(person, imported, "dislike")
        for item in (said_here, imported):
            assert api.delete(f"/api/movies/{item.pk}/dislike").status_code == 204
            assert_refused(api.delete(f"/api/movies/{item.pk}/dislike"), 404)
        assert_refused(api.delete(f"/api/dramas/{said_here.pk}/dislike"), 404)
        assert_refused(api.delete("/api/movies/999999/dislike"), 404)


class TestHistory:
    def test_lists_ones_own_newest_first(self, api: APIClient, person: User, other_person: User) -> None:
        dislike(other_person, make_item())
        old = dislike(person, make_item("Old"), "wrong_genre", days_ago=2)
        new = dislike(person, make_item("New"), "already_watched")
        mark_negative_examples_as_used([old.example.pk])
        answer = api.get("/api/dislike-history")
        assert answer.status_code == 200
        body = answer.json()
        assert (body["count"], body["total"]) == (2, 2)
        assert [(one["dislike_id"], one["title"], one["used_in_training"]) for one in body["dislikes"]] == [
            (new.pk, "New", False),
            (old.pk, "Old", True),
        ]
        assert body["dislikes"][1] == {
            "dislike_id": old.pk,
            "movie_id": old.item_id,
            "movie_title": "Old",
            "recommendation_set_id": None,
            "context_source": "none",
            "item_id": old.item_id,
            "title": "Old",
            "reason": "wrong_genre",
            "feedback_text": "",
            "predicted_score": None,
            "created_at": old.created_at.isoformat().replace("+00:00", "Z"),
            "about": None,
            "title_only": False,
            "used_in_training": True,
        }

    def test_as_many_as_asked_for(self, api: APIClient, person: User) -> None:
        for item in make_items(3):
            dislike(person, item)
        body = api.get("/api/dislike-history?limit=2").json()
        assert (body["count"], body["total"], len(body["dislikes"])) == (2, 3, 2)

    @pytest.mark.parametrize("limit", ["0", "-1", "501", "x", "1.5", "9" * 5000, "%00"])
    def test_a_limit_that_cannot_be_meant(self, api: APIClient, limit: str) -> None:
        assert "limit" in assert_refused(api.get(f"/api/dislike-history?limit={limit}"), 400)


def test_patterns(api: APIClient, person: User) -> None:
    old = dislike(person, make_film(genre=["Action"], actor=["Ann Lee"]), days_ago=40)
    moment = old.created_at.isoformat().replace("+00:00", "Z")
    assert api.get("/api/dislike-patterns").json() == {
        "success": True,
        "patterns": {
            "reason_distribution": {"wrong_genre": 1},
            "recent_trend": {"total_dislikes": 0, "avg_predicted_score": None},
            "trend": "falling",
            "total_dislikes": 1,
        },
        "identified": [
            {"kind": kind, "name": name, "dislikes": 1, "since": moment, "last_at": moment}
            for kind, name in (("genre", "Action"), ("actor", "Ann Lee"))
        ],
        "reason_distribution": {"wrong_genre": 1},
        "recent_trend": "falling",
        "total_dislikes": 1,
        "last_30_days": 0,
        "top_genres": [{"name": "Action", "count": 1}],
        "top_people": [{"name": "Ann Lee", "count": 1}],
    }
