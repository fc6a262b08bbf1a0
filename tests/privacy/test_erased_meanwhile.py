"""Somebody is erased in the middle of their own request: a sentence, no failure, and no row comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.contrib import auth
from django.http import HttpRequest
from django.test import Client
from rest_framework.request import Request
from rest_framework.test import APIClient

from accounts.authentication import ServiceTokenAuthentication
from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Item
from core.errors import ACCOUNT_GONE, AccountGone
from feedback.services import save_dislike
from interactions.popularity import refresh_popularity
from interactions.services import record_interaction
from privacy.services import erase_person
from profiles.catching_up import catch_up
from profiles.services import reset_profile
from tests.answers import assert_refused
from tests.factories import make_item, make_user
from tests.privacy.builders import PASSWORD, rows_about
from tests.threads import together


@dataclass(frozen=True)
class Place:
    """Somebody with a list, in a catalog, and a request of theirs in which they are erased."""

    person: User
    item: Item
    other: Item
    session_id: str
    dislike_id: int

    def path(self, form: str) -> str:
        return form.format(
            item=self.item.pk,
            other=self.other.pk,
            session=self.session_id,
            dislike=self.dislike_id,
            person=self.person.pk,
        )


@pytest.fixture
def place(transactional_db: None, settings: LazySettings) -> Place:
    storages = {**settings.STORAGES}
    storages["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = storages
    person = User.objects.create_user("ann", password=PASSWORD, roles=["investor"])
    liked, *items = [make_item(f"Heat {number}", genres=["Crime"]) for number in range(6)]
    record_interaction(user_id=person.pk, item_id=liked.pk, type_name="like")
    refresh_popularity(use_case="movie_home")
    dislike = save_dislike(user_id=person.pk, item=items[4], reason="wrong_genre").dislike
    api = APIClient()
    api.force_login(person)
    served = api.get("/api/recommendations/personalized/movies").json()
    shown = [slot["item"]["id"] for slot in served["recommendations"]]
    item, other = (Item.objects.get(pk=pk) for pk in shown[:2])
    return Place(person, item, other, served["recommendation_session_id"], dislike.pk)


@pytest.fixture
def erased_on_arrival(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is asked for their login is erased as soon as it was looked up."""
    look_up = auth.get_user

    def get_user(request: HttpRequest) -> Any:
        person = look_up(request)
        if person.is_authenticated:
            erase_person(user_id=person.pk)
        return person

    monkeypatch.setattr(auth, "get_user", get_user)


WRITES = [
    ("post", "/api/movies/{item}/like", {}),
    ("post", "/api/movies/{item}/like", {"recommendation_session_id": "{session}"}),
    ("delete", "/api/movies/{item}/like", {}),
    ("get", "/api/movies/{item}", {}),
    ("post", "/api/movies/{item}/dislike", {"reason": "wrong_genre"}),
    ("post", "/api/dislike", {"movie_id": 1, "reason": "other"}),
    ("delete", "/api/dislike/{dislike}", {}),
    ("post", "/api/interactions", {"item_id": 1, "type": "view"}),
    ("post", "/api/feedback", {"item_id": 1, "rating": 1}),
    ("post", "/api/profile/{person}/rate", {"item_id": 1, "rating": 7}),
    ("get", "/api/profile/{person}", {}),
    ("delete", "/api/profile/{person}", {}),
    ("put", "/api/roles", {"roles": []}),
    ("get", "/api/recommendations/personalized/movies", {}),
    ("get", "/api/recommend/{person}", {}),
    ("get", "/api/recommend?title=heat", {}),
    ("post", "/api/recommendations/session/{session}/seen", {"rank": 1}),
    (
        "post",
        "/api/recommendations/session",
        {"use_case": "movie_home", "method": "x", "recommendation_session_id": str(uuid4()), "slot": 1},
    ),
]


@pytest.mark.usefixtures("erased_on_arrival")
@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=lambda value: str(value)[:40])
def test_the_api_says_that_the_account_is_gone(
    place: Place, method: str, path: str, body: dict[str, Any]
) -> None:
    body = {
        name: place.path(value) if isinstance(value, str) and value.startswith("{") else value
        for name, value in body.items()
    }
    body |= {name: place.item.pk for name in ("item_id", "movie_id") if name in body}
    if body.pop("slot", None):
        body["recommendations"] = [{"item_id": place.item.pk, "rank": 1, "score": 0.5, "method": "x"}]
    client = APIClient(raise_request_exception=False)
    client.force_login(place.person)
    response = getattr(client, method)(place.path(path), body, format="json")
    # A row that names a list finds it gone before it comes to the account.
    sentence = assert_refused(response, 401, 404)
    assert sentence == ACCOUNT_GONE or response.status_code == 404
    assert set(rows_about(place.person.pk).values()) == {0}


@pytest.mark.usefixtures("erased_on_arrival")
def test_so_it_does_where_the_answer_would_be_kept_for_a_repeat(place: Place) -> None:
    client = APIClient(raise_request_exception=False, headers={"Idempotency-Key": "once"})
    client.force_login(place.person)
    response = client.post("/api/interactions", {"item_id": place.item.pk, "type": "view"}, format="json")
    assert assert_refused(response, 401) == ACCOUNT_GONE


PAGES = [
    ("get", "/", {}),
    ("get", "/items/{item}/", {}),
    ("get", "/items/{item}/?session={session}", {}),
    ("post", "/items/{item}/act/", {"action": "like"}),
    ("post", "/items/{item}/act/", {"action": "watched", "rating": "7"}),
    ("post", "/items/{item}/dislike/", {"reason": "other"}),
    ("post", "/feedback/{dislike}/undo/", {}),
    ("get", "/feedback/", {}),
    ("get", "/because/", {}),
    ("get", "/because/rows/", {}),
    ("get", "/taste/", {}),
    ("post", "/taste/rate/", {"item": "{item}", "rating": "7"}),
    ("post", "/taste/reset/", {}),
    ("get", "/search/?q=heat", {}),
    ("get", "/watchlist/", {}),
    ("post", "/roles/", {"role": "developer"}),
    ("get", "/welcome/", {}),
    ("post", "/welcome/", {"pick": "{item}", "shown": "{item}"}),
    ("get", "/accounts/data/", {}),
    ("get", "/accounts/data/download/", {}),
    ("post", "/accounts/data/erase/", {"password": PASSWORD, "sure": "on"}),
    ("post", "/accounts/logout/", {}),
]


@pytest.mark.usefixtures("erased_on_arrival")
@pytest.mark.parametrize(("method", "path", "form"), PAGES, ids=lambda value: str(value)[:40])
def test_a_page_sends_to_the_start_or_shows_what_visitors_see(
    place: Place, method: str, path: str, form: dict[str, str]
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(place.person)
    form = {name: place.path(value) for name, value in form.items()}
    response = getattr(client, method)(place.path(path), form)
    # A form that was sent says it at its head.
    is_told = response.status_code == 400 and ACCOUNT_GONE in response.content.decode()
    assert response.status_code in (200, 302, 404) or is_told
    assert client.get("/", follow=True).status_code == 200
    assert set(rows_about(place.person.pk).values()) == {0}


@pytest.mark.usefixtures("erased_on_arrival")
def test_the_start_says_what_happened(place: Place) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(place.person)
    response = client.get("/", follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "web/landing.html" in [template.name for template in response.templates]
    assert ACCOUNT_GONE in response.content.decode()


def test_a_login_whose_account_goes_between_the_password_and_the_session(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = User.check_password

    def check_password(person: User, password: str) -> bool:
        is_right = check(person, password)
        erase_person(user_id=person.pk)
        return is_right

    monkeypatch.setattr(User, "check_password", check_password)
    client = Client(raise_request_exception=False)
    response = client.post("/accounts/login/", {"username": "ann", "password": PASSWORD})
    assert response.status_code == 302
    assert client.get("/api/check-auth").json()["authenticated"] is False


def test_a_token_whose_person_goes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    token = issue_service_token(user=place.person)
    authenticate = ServiceTokenAuthentication.authenticate

    def erasing(self: ServiceTokenAuthentication, request: Request) -> Any:
        found = authenticate(self, request)
        erase_person(user_id=place.person.pk)
        return found

    monkeypatch.setattr(ServiceTokenAuthentication, "authenticate", erasing)
    client = APIClient(raise_request_exception=False, headers={"Authorization": f"Token {token}"})
    assert assert_refused(client.get("/api/recommendations/personalized/movies"), 401) == ACCOUNT_GONE


@pytest.mark.usefixtures("transactional_db")
@pytest.mark.parametrize("write", [catch_up, reset_profile])
def test_a_service_told_to_write_about_nobody_says_so(write: Callable[..., object]) -> None:
    with pytest.raises(AccountGone):
        write(user_id=10**9)


@pytest.mark.usefixtures("threads_db")
def test_erasing_while_others_write_about_the_person_leaves_no_row_and_no_failure() -> None:
    person = make_user("ann")
    items = [make_item() for _ in range(8)]
    clients = [APIClient(raise_request_exception=False) for _ in items]
    for client in clients:
        client.force_login(person)

    def act(number: int) -> int:
        if number == 4:
            erase_person(user_id=person.pk)
            return 200
        if number % 2:
            return int(clients[number].get("/api/recommendations/personalized/movies").status_code)
        return int(clients[number].post(f"/api/movies/{items[number].pk}/like").status_code)

    assert set(together(8, act)) <= {200, 201, 401}
    assert not User.objects.filter(pk=person.pk).exists()
    assert set(rows_about(person.pk).values()) == {0}
