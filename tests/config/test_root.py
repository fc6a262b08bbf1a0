"""Addresses of the documents that asked for this: the views of the API at the root, and people by name."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token
from feedback.models import Dislike
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession
from tests.answers import assert_refused
from tests.factories import allow, make_item, make_items, make_user

pytestmark = pytest.mark.django_db
NO_SUCH_PERSON = "There is no such person, or none that you may ask for."


@pytest.fixture
def program() -> APIClient:
    """A program whose token may act for others."""
    token = issue_service_token(user=make_user("app"), may_act_for_others=True)
    return APIClient(headers={"Authorization": f"Token {token}"})


def names(person: User) -> list[str]:
    return [str(person.pk), f"user_{person.pk}", person.username]


def test_a_person_is_meant_by_id_and_by_name(api: APIClient, person: User) -> None:
    make_items(2)
    for name in names(person):
        for address in (f"/recommend/{name}", f"/api/recommend/{name}"):
            assert api.get(address).json()["recommendation"]["rank"] == 1
        for address in (f"/user/{name}/profile", f"/profile/{name}", f"/api/profile/{name}"):
            assert api.get(address).json()["user_id"] == person.pk


def test_digits_are_an_id_though_somebody_is_called_so(api: APIClient, person: User) -> None:
    namesake = make_user(str(person.pk))
    allow(person, "view_others_profile")
    assert api.get(f"/profile/{person.pk}").json()["user_id"] == person.pk
    assert api.get(f"/profile/user_{namesake.pk}").json()["user_id"] == namesake.pk
    assert assert_refused(api.get(f"/profile/{'9' * 18}"), 404) == NO_SUCH_PERSON


def test_who_is_called_like_the_id_of_another_is_meant_by_it(api: APIClient, person: User) -> None:
    other = make_user(f"user_{person.pk}")
    allow(person, "view_others_profile")
    assert api.get(f"/profile/user_{person.pk}").json()["user_id"] == other.pk
    assert api.get(f"/profile/user_{other.pk}").json()["user_id"] == other.pk


@pytest.mark.parametrize("name", ["bob", "nobody", "user_999999", "999999", "user_", "ünbekannt"])
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("get", "/recommend/{}"),
        ("get", "/api/recommend/{}"),
        ("get", "/user/{}/profile"),
        ("get", "/profile/{}"),
        ("delete", "/profile/{}"),
        ("post", "/profile/{}/rate"),
    ],
)
def test_others_are_out_of_reach(
    api: APIClient, other_person: User, method: str, address: str, name: str
) -> None:
    body = {"item_id": make_item().pk, "rating": 3} if method == "post" else None
    answer = getattr(api, method)(address.format(name), body, format="json")
    assert assert_refused(answer, 404) == NO_SUCH_PERSON
    assert not UserInteraction.objects.exists()


def test_a_program_that_acts_for_others_names_them(program: APIClient, other_person: User) -> None:
    film = make_item("Die Hard")
    body = {"user_id": "bob", "movie_name": "Die Hard", "rating": 1}
    assert program.post("/feedback", body, format="json").status_code == 201
    assert UserInteraction.objects.get(type="like").user == other_person
    assert program.post("/feedback", {**body, "user_id": other_person.pk}, format="json").status_code == 200
    assert program.get("/user/bob/profile").json()["feedback_count"] == 1
    make_item()
    assert program.get("/recommend/bob").json()["recommendation"]["item"]["id"] != film.pk


def test_a_program_reaches_nobody_of_the_staff(program: APIClient) -> None:
    boss = make_user("boss", is_staff=True)
    make_user("gone", is_active=False)
    film = make_item()
    for name in ("boss", str(boss.pk), "gone"):
        assert assert_refused(program.get(f"/user/{name}/profile"), 404) == NO_SUCH_PERSON
        body = {"user_id": name, "item_id": film.pk, "rating": 1}
        assert assert_refused(program.post("/feedback", body, format="json"), 404) == NO_SUCH_PERSON


def test_nobody_gives_feedback_as_another(api: APIClient, other_person: User) -> None:
    film = make_item()
    for name in ("bob", other_person.pk, "nobody"):
        body = {"user_id": name, "item_id": film.pk, "rating": 0}
        assert assert_refused(api.post("/feedback", body, format="json"), 404) == NO_SUCH_PERSON
    assert not Dislike.objects.exists()


@pytest.mark.parametrize("user_id", ["", " ", True, 1.5, [], {}, "\0", "x" * 151, 10**400])
def test_a_person_in_a_body_is_a_name_or_a_number(api: APIClient, user_id: Any) -> None:
    body = {"user_id": user_id, "item_id": make_item().pk, "rating": 1}
    answer = api.post("/feedback", body, format="json")
    assert answer.status_code in (400, 404)
    assert answer.json()["success"] is False


def test_feedback_needs_the_token_of_the_form_where_a_browser_is_logged_in(person: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(person)
    body = {"item_id": make_item().pk, "rating": 1}
    assert browser.post("/feedback", body, content_type="application/json").status_code == 403


def test_the_page_of_dislikes_is_still_found_without_its_slash(client: Client) -> None:
    answer = client.get("/feedback")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/feedback/")


def test_films_and_searches_are_found(api: APIClient) -> None:
    make_item("Alien")
    assert api.get("/movies").json()["count"] == 1
    assert api.get("/recommend?title=alien").json()["recommendations"][0]["item"]["title"] == "Alien"


def test_a_rating_is_taken_as_the_documents_send_it(api: APIClient, person: User) -> None:
    film = make_item("Hospital Playlist")
    address = f"/profile/user_{person.pk}/rate"
    assert api.post(f"{address}?drama_title=Hospital+Playlist&rating=9.5").json()["item_id"] == film.pk
    assert UserInteraction.objects.get().rating == 9.5
    body = {"drama_title": "hospital playlist", "rating": 9.5}
    assert api.post(address, body, format="json").status_code == 200
    for query in (
        "",
        "?rating=9.5",
        "?drama_title=Hospital+Playlist&rating=ten",
        "?drama_title=%00&rating=1",
    ):
        assert_refused(api.post(f"{address}{query}"), 400)


def test_a_search_is_made_for_the_person_who_is_named(
    api: APIClient, person: User, other_person: User
) -> None:
    make_item("Medical drama")
    for name in names(person):
        found = api.get("/recommend", {"title": "medical drama", "top_n": "5", "user_id": name}).json()
        assert found["personalization"]["applied"] is False
        assert RecommendationSession.objects.get(pk=found["recommendation_session_id"]).user == person
    for name in (*names(other_person), "nobody"):
        assert assert_refused(api.get("/recommend", {"title": "x", "user_id": name}), 404) == NO_SUCH_PERSON
    assert RecommendationSession.objects.filter(user=other_person).count() == 0
    allow(person, "recommend_for_others")
    found = api.get("/recommend", {"title": "medical drama", "user_id": other_person.username}).json()
    assert RecommendationSession.objects.get(pk=found["recommendation_session_id"]).user == other_person


@pytest.mark.parametrize("address", ["/analytics/interaction", "/api/analytics/interaction"])
def test_an_interaction_is_recorded(api: APIClient, person: User, address: str) -> None:
    answer = api.post(address, {"item_id": make_item().pk, "type": "click"}, format="json")
    assert (answer.status_code, answer.json()["recorded"]) == (201, 1)


def test_the_start_tells_programs_that_the_server_is_up(client: Client) -> None:
    told = client.get("/", headers={"Accept": "application/json"})
    assert told.json() == client.get("/health").json()
    for accept in ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*", ""):
        page = client.get("/", headers={"Accept": accept})
        assert page.headers["Content-Type"].startswith("text/html")
        assert "Accept" in page.headers["Vary"]


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/taste/rate", "/search", "/items/1/act", "/accounts/login", "/admin"])
def test_a_write_without_the_slash_is_sent_on_with_its_body(
    client: Client, settings: Any, path: str, method: str, debug: bool
) -> None:
    settings.DEBUG = debug
    answer = getattr(client, method)(f"{path}?next=x")
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{path}/?next=x")


def test_a_read_without_the_slash_is_sent_on(client: Client) -> None:
    assert client.get("/search?q=x").status_code == 301


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_write_to_the_api_with_a_slash_is_refused_in_words(api: APIClient, method: str) -> None:
    for path in ("/api/movies/1/like/", "/api/dislike/", "/api/feedback/", "/recommend/ann/"):
        answer = getattr(api, method)(path, {}, format="json")
        assert answer.status_code == 404
