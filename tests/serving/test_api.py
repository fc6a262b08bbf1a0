"""The ranked lists and the health addresses as programs see them."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.limits.stores import DatabaseStore
from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Item
from recommendations.models import RecommendationSession
from serving.live import forget_state
from tests.factories import make_active_als, make_interaction, make_items
from tests.feedback.builders import make_film

pytestmark = pytest.mark.django_db
LIST = "/api/recommendations/personalized/movies"


@pytest.fixture
def group(person: User) -> list[int]:
    items = make_items(12, genres=["Drama"])
    make_active_als([[item.pk for item in items]])
    make_interaction(person, items[0])
    return [item.pk for item in items]


def test_the_answer_has_the_documented_form(api: APIClient, group: list[int]) -> None:
    answer = api.get(LIST, {"limit": 3})
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {
        "recommendation_session_id",
        "use_case",
        "method_used",
        "model_version",
        "personalization",
        "recommendations",
        "movie_ids",
        "scores",
        "next",
    }
    assert set(body["personalization"]) == {
        "applied",
        "original_alpha",
        "personalized_alpha",
        "top_genre_names",
        "top_genres",
        "persona",
        "persona_name",
        "alpha_adjusted",
    }
    slot = body["recommendations"][0]
    assert set(slot) == {
        "item",
        "rank",
        "score",
        "base_score",
        "personalized_score",
        "boost_multiplier",
        "boost_details",
        "method",
        "why",
    }
    assert slot["item"]["genres"] == ["Drama"]
    assert [slot["rank"] for slot in body["recommendations"]] == [1, 2, 3]
    session = RecommendationSession.objects.get(pk=body["recommendation_session_id"])
    assert [slot["item_id"] for slot in session.recommendations_shown] == [
        slot["item"]["id"] for slot in body["recommendations"]
    ]


@pytest.mark.parametrize("how", ["session", "token", "acting for another"])
@pytest.mark.parametrize("limit", [1, 100])
def test_a_request_makes_at_most_six_queries(
    how: str,
    limit: int,
    api: APIClient,
    person: User,
    other_person: User,
    group: list[int],
    settings: Settings,
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    client, headers = api, {}
    if how != "session":
        client = APIClient()
        owner = person if how == "token" else other_person
        token = issue_service_token(user=owner, may_act_for_others=True)
        headers["Authorization"] = f"Token {token}"
    if how == "acting for another":
        headers["X-User-ID"] = str(person.pk)
    client.get(LIST, headers=headers)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(LIST, {"limit": limit}, headers=headers)
    assert answer.json()["method_used"] == "als"
    assert len(queries) <= 6, [query["sql"] for query in queries]


@pytest.mark.parametrize("offset", [1, 3, 100])
@pytest.mark.parametrize("is_shown", [True, False])
def test_a_request_with_an_offset_makes_at_most_six_queries(
    offset: int, is_shown: bool, api: APIClient, group: list[int], settings: Settings
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    api.get(f"{LIST}?limit=2" if is_shown else f"{LIST}?limit=2&filter=year:..2100")
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(LIST, {"limit": 2, "offset": offset})
    assert answer.status_code == 200
    assert len(queries) <= 6, [query["sql"] for query in queries]


def test_anonymous_gets_401(client: APIClient) -> None:
    answer = client.get(LIST)
    assert answer.status_code == 401
    assert answer.json()["success"] is False


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=1.5", "use_case=none", "use_case=drama_home", "limit=%00"],
)
def test_a_query_out_of_range_is_refused(api: APIClient, query: str) -> None:
    answer = api.get(f"{LIST}?{query}")
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["error"]
    assert not RecommendationSession.objects.exists()


def test_the_best_item_is_the_first_of_the_list(api: APIClient, person: User, group: list[int]) -> None:
    best = api.get(f"/api/recommend/{person.pk}").json()
    first = api.get(LIST).json()["recommendations"][0]
    assert best["recommendation"]["item"]["id"] == first["item"]["id"]
    assert RecommendationSession.objects.filter(pk=best["recommendation_session_id"]).exists()


def test_nobody_asks_for_another_without_the_permission(
    api: APIClient, person: User, other_person: User, group: list[int]
) -> None:
    refused = api.get(f"/api/recommend/{other_person.pk}")
    unknown = api.get("/api/recommend/999999")
    assert refused.status_code == unknown.status_code == 404
    assert refused.content == unknown.content
    person.user_permissions.add(Permission.objects.get(codename="recommend_for_others"))
    assert api.get(f"/api/recommend/{other_person.pk}").status_code == 200
    assert api.get("/api/recommend/999999").status_code == 404


def test_nothing_left_to_recommend_is_said(api: APIClient, person: User) -> None:
    answer = api.get(f"/api/recommend/{person.pk}")
    assert answer.status_code == 404
    assert "nothing left" in answer.json()["error"]


def test_health_needs_no_database(client: APIClient) -> None:
    assert client.get("/health").json() == {"status": "ok"}


def test_ready_names_what_serves(client: APIClient, group: list[int]) -> None:
    answer = client.get("/ready").json()
    assert answer["status"] == "ready"
    assert answer["use_cases"]["movie_home"] == {
        "items": 12,
        "model_version": "als-movie_home-1",
        "problem": "",
    }


@pytest.mark.parametrize(
    "stranger",
    [
        {"REMOTE_ADDR": "203.0.113.7"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.7"},
        {"HTTP_FORWARDED": "for=203.0.113.7"},
        {"HTTP_X_REAL_IP": "203.0.113.7"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_X_FORWARDED_HOST": "heed.example"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_strangers_are_told_whether_it_is_ready_and_nothing_else(
    client: APIClient, group: list[int], stranger: Any
) -> None:
    assert client.get("/ready", **stranger).json() == {"status": "ready"}


def test_where_nothing_can_be_written_it_is_not_ready(
    client: APIClient, group: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("accounts.limits.stores._PROVEN_FOR", 0.0)
    monkeypatch.setattr(DatabaseStore, "add", fail)
    client.raise_request_exception = False
    assert client.get("/ready").status_code == 503


def test_ready_tells_of_a_damaged_file_and_stays_up(client: APIClient, group: list[int]) -> None:
    for path in Path(settings.MODEL_DIR).iterdir():
        path.write_bytes(b"damaged")
    forget_state()
    answer = client.get("/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    problem = answer.json()["use_cases"]["movie_home"]["problem"]
    assert "als-movie_home-1" in problem
    assert str(settings.MODEL_DIR) not in problem


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("use_case=movie_home&use_case=movie_home", "'use_case' stands more than once in the query string"),
        ("offset=1&limit=2&offset=2", "'offset' stands more than once"),
        ("filter=genre:%ff", "'filter' is not UTF-8 in the query string."),
        ("%ff=1", "is not UTF-8 in the query string."),
    ],
)
def test_a_parameter_that_would_be_heeded_by_half_is_refused(
    api: APIClient, person: User, query: str, why: str
) -> None:
    for address in (LIST, "/api/movies", "/api/dislike-history", "/api/check-auth"):
        answer = api.get(f"{address}?{query}")
        assert answer.status_code == 400
        assert address != LIST or why in answer.json()["error"]
    assert not RecommendationSession.objects.exists()


def test_a_body_of_thousands_of_levels_is_refused_in_words(api: APIClient, person: User) -> None:
    deep = '{"filter":' + '{"not":' * 50_000 + "{}" + "}" * 50_001
    answer = api.post(LIST, deep, content_type="application/json")
    assert answer.status_code == 400
    assert "nested more than 32 levels deep" in answer.json()["error"]


def test_a_list_that_was_written_before_is_answered_and_recorded_as_the_first(
    api: APIClient, person: User, settings: Settings
) -> None:
    settings.EXPLORATION_SHARE = 0.0
    films = [make_film(f"Night \u2028{n}", genre=["Drama"]) for n in range(6)]
    make_interaction(person, films[0], "watched", rating=9)

    def answer() -> dict[str, Any]:
        return dict(api.get(LIST).json())

    first, again = answer(), answer()
    forget_state()
    anew = answer()
    for one in (again, anew):
        assert one["recommendations"] == first["recommendations"]
    records = RecommendationSession.objects.values_list("recommendations_shown", flat=True)
    assert len(records) == 3
    assert records[0] == records[1] == records[2]
    Item.objects.filter(pk=films[1].pk).update(title="Another", changed_at=timezone.now())
    titles = {slot["item"]["title"] for slot in answer()["recommendations"]}
    assert "Another" in titles
    assert films[1].title not in titles
