"""An app keeps its people: `/api/users/<external_id>`."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token
from tests.answers import assert_refused
from tests.factories import app_client, make_interaction, make_item, make_user

ONE = "/api/users/reader-1"


@pytest.fixture
def app(db: None) -> APIClient:
    return app_client()


def test_a_person_is_created_once_and_acted_for_by_their_name(app: APIClient) -> None:
    first = app.put(ONE, {"roles": ["developer"]}, format="json")
    assert first.status_code == 201
    made = User.objects.get(username="reader-1")
    told = {"external_id": "reader-1", "user_id": made.pk, "is_active": True, "roles": ["developer"]}
    assert first.json() == {"success": True, "created": True, "user": told}
    assert not made.has_usable_password()
    again = app.put(ONE)
    assert (again.status_code, again.json()["user"]) == (200, told)
    assert app.get(ONE).json() == told
    asked = app.get("/api/check-auth", headers={"X-User-Name": "reader-1"})
    assert asked.json()["user_id"] == made.pk


def test_a_person_is_changed(app: APIClient) -> None:
    assert_refused(app.patch(ONE, {"is_active": False}, format="json"), 404)
    app.put(ONE)
    answer = app.patch(ONE, {"is_active": False}, format="json")
    assert answer.json()["user"]["is_active"] is False
    assert_refused(app.get("/api/check-auth", headers={"X-User-Name": "reader-1"}), 403)
    app.patch(ONE, {"is_active": True}, format="json")
    assert app.get("/api/check-auth", headers={"X-User-Name": "reader-1"}).status_code == 200


def test_a_person_is_erased_with_all_that_is_kept_of_them(app: APIClient) -> None:
    app.put(ONE)
    made = User.objects.get(username="reader-1")
    make_interaction(made, make_item())
    assert app.delete(ONE).status_code == 204
    assert not User.objects.filter(username="reader-1").exists()
    assert not made.interactions.exists()
    assert_refused(app.delete(ONE), 404)


def test_who_signed_up_by_the_name_of_an_apps_person_is_neither_kept_nor_erased_by_it(
    app: APIClient,
) -> None:
    """Whoever chose the name first would get what the app tells of its customer, or lose their account."""
    stranger = User.objects.create_user("reader-1", password="correct horse 7")
    item = make_item()
    assert_refused(app.put(ONE), 409)
    for answer in (app.get(ONE), app.patch(ONE, {"is_active": False}, format="json"), app.delete(ONE)):
        assert_refused(answer, 404)
    row = {"user": "reader-1", "item_id": item.pk, "type": "like"}
    for more in ({}, {"create_users": True}):
        body = {"interactions": [row], **more}
        assert "user" in assert_refused(app.post("/api/interactions", body, format="json"), 400)
    stranger.refresh_from_db()
    assert stranger.is_active
    assert not stranger.interactions.exists()


@pytest.mark.parametrize(
    "body", [[], 5, {"is_active": "no"}, {"roles": ["king"]}, {"is_staff": True}, {"x": 1}]
)
def test_bad_fields_are_refused_and_nobody_is_made(app: APIClient, body: Any) -> None:
    assert_refused(app.put(ONE, body, format="json"), 400)
    assert not User.objects.filter(username="reader-1").exists()


def test_a_name_of_digits_is_a_name_here(app: APIClient) -> None:
    person = make_user("someone")
    assert app.put(f"/api/users/{person.pk}").status_code == 201
    assert User.objects.get(username=str(person.pk)).pk != person.pk


@pytest.mark.parametrize("fields", [{"is_staff": True}, {"is_superuser": True}])
def test_staff_and_apps_are_out_of_reach(app: APIClient, fields: dict[str, bool]) -> None:
    make_user("chief", **fields)
    other_app = make_user("other-app")
    issue_service_token(user=other_app, may_act_for_others=True)
    for name in ("chief", "other-app", "films-site"):
        assert_refused(app.put(f"/api/users/{name}", {"is_active": False}, format="json"), 409)
        assert_refused(app.patch(f"/api/users/{name}", {"is_active": False}, format="json"), 404)
        assert_refused(app.get(f"/api/users/{name}"), 404)
        assert_refused(app.delete(f"/api/users/{name}"), 404)
    assert User.objects.filter(is_active=True).count() == 3


def test_a_person_may_not(api: APIClient) -> None:
    for send in (api.get, api.put, api.patch, api.delete):
        assert_refused(send("/api/users/ann"), 403)
    assert User.objects.filter(username="ann", is_active=True).exists()


@pytest.mark.parametrize("headers", [{"X-User-Name": "nobody"}, {"X-User-Name": ""}, {"X-User-Name": "\xff"}])
def test_a_header_that_names_nobody_is_refused(app: APIClient, headers: dict[str, str]) -> None:
    assert_refused(app.get("/api/check-auth", headers=headers), 403)


def test_a_person_is_named_once_and_only_by_a_token_that_may(app: APIClient, api: APIClient) -> None:
    person = User.objects.get(username="ann")
    both = {"X-User-Name": "ann", "X-User-ID": str(person.pk)}
    assert "not in both" in assert_refused(app.get("/api/check-auth", headers=both), 403)
    assert_refused(api.get("/api/check-auth", headers={"X-User-Name": "ann"}), 403)
    plain = APIClient()
    plain.credentials(HTTP_AUTHORIZATION=f"Token {issue_service_token(user=person)}")
    assert_refused(plain.get("/api/check-auth", headers={"X-User-Name": "ann"}), 403)
