"""`GET /api/check-auth`."""

from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token


def test_a_stranger_is_told_so(db: None) -> None:
    response = APIClient().get("/api/check-auth")
    assert response.status_code == 200
    assert response.json() == {"authenticated": False, "user_id": None, "username": None}


def test_a_logged_in_person_is_named(api: APIClient, person: User) -> None:
    expected = {"authenticated": True, "user_id": person.pk, "username": "ann"}
    assert api.get("/api/check-auth").json() == expected


def test_the_owner_of_a_token_is_named(person: User) -> None:
    client = APIClient(headers={"Authorization": f"Token {issue_service_token(user=person)}"})
    assert client.get("/api/check-auth").json()["user_id"] == person.pk


def test_somebody_made_inactive_is_a_stranger_at_once(api: APIClient, person: User) -> None:
    person.is_active = False
    person.save()
    assert api.get("/api/check-auth").json()["authenticated"] is False


def test_only_reading_is_answered(api: APIClient) -> None:
    response = api.post("/api/check-auth")
    assert response.status_code == 405
    assert response.json()["success"] is False
    assert "GET" in response.headers["Allow"]
