"""Rights of pages of other sites: origins from a list, the API alone, never with cookies."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from config import settings as configured
from tests.answers import assert_refused

SITE = "https://films.example"
OTHERS = [
    "https://films.example.evil.test",
    "https://evil.test/https://films.example",
    "https://evilfilms.example",
    "https://sub.films.example",
    "http://films.example",
    "https://films.example:444",
    "null",
    "",
    "*",
    "https://[",
    "x" * 5000,
]


@pytest.fixture(autouse=True)
def _listed(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [SITE]


def told(response: Any) -> dict[str, str]:
    """The headers of a response for a browser of other origins."""
    return {name: value for name, value in response.headers.items() if name.startswith("access-control-")}


def preflight(origin: str, path: str = "/api/movies/1/like", **headers: str) -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", **headers}
    return Client(raise_request_exception=False).options(path, headers=asked)


def test_nobody_is_listed_by_default() -> None:
    assert configured.CORS_ALLOWED_ORIGINS == []


def test_a_listed_origin_may_ask_and_is_told_what() -> None:
    response = preflight(SITE)
    assert response.status_code == 200
    assert told(response) == {
        "access-control-allow-origin": SITE,
        "access-control-allow-headers": "authorization, content-type, idempotency-key, x-profile",
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-max-age": "7200",
    }
    assert "origin" in response.headers["Vary"].lower()


@pytest.mark.parametrize("origin", OTHERS)
def test_another_origin_is_told_nothing(db: None, api: APIClient, origin: str) -> None:
    assert told(preflight(origin)) == {}
    answer = api.get("/api/check-auth", headers={"Origin": origin})
    assert (answer.status_code, told(answer)) == (200, {})


def test_a_login_is_never_shared(api: APIClient) -> None:
    # Without Access-Control-Allow-Credentials no browser hands an answer to a request with cookies over.
    answer = api.get("/api/check-auth", headers={"Origin": SITE})
    assert told(answer) == {"access-control-allow-origin": SITE}


def test_what_goes_wrong_can_be_read(db: None) -> None:
    client = APIClient(raise_request_exception=False)
    for path, status in (("/api/because-you-watched", 401), ("/api/nope", 404)):
        response = client.get(path, headers={"Origin": SITE})
        assert_refused(response, status)
        assert told(response) == {"access-control-allow-origin": SITE}


@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/admin/login/", "/search/?q=x", "/ready", "/apis"]
)
def test_pages_are_not_shared(db: None, path: str) -> None:
    assert told(Client().get(path, headers={"Origin": SITE})) == {}
    assert told(preflight(SITE, path)) == {}
