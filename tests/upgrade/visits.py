"""Acts of people and staff on the older version before its database was kept; run by make.py."""

import os
from http import HTTPStatus
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.apps import apps  # noqa: E402  models are there only now
from django.contrib.auth import get_user_model  # noqa: E402
from django.test import Client  # noqa: E402

PASSWORD = "older-pass"
OK = (HTTPStatus.OK, HTTPStatus.CREATED)


def log_in(username: str) -> Client:
    client = Client(headers={"host": "localhost"})
    response = client.post("/accounts/login/", {"username": username, "password": PASSWORD})
    assert response.status_code == HTTPStatus.FOUND, response.content
    return client


def post(client: Client, address: str, body: dict[str, Any]) -> Any:
    response = client.post(address, body, content_type="application/json")
    assert response.status_code in OK, response.content
    return response.json()


def use_lists(client: Client, visits: int) -> None:
    """Asks for lists; sees them, likes the first title and turns the second down."""
    for _ in range(visits):
        served = client.get("/api/recommendations/personalized/movies", {"limit": 8})
        assert served.status_code in OK, served.content
        answer = served.json()
        session = answer["recommendation_session_id"]
        first, second = (slot["item"]["id"] for slot in answer["recommendations"][:2])
        post(client, f"/api/recommendations/session/{session}/seen", {"rank": 6})
        post(client, f"/api/movies/{first}/like", {"recommendation_session_id": session})
        dislike = {"movie_id": second, "reason": "wrong_genre", "recommendation_set_id": session}
        post(client, "/api/dislike", dislike)


def start_experiment() -> None:
    experiment = apps.get_model("ranking", "Experiment").objects.create(
        name="without-lifts", use_case="movie_home", status="running", started_at="2026-01-01T00:00:00Z"
    )
    arms = apps.get_model("ranking", "Arm").objects
    arms.create(experiment=experiment, name="as-always")
    arms.create(experiment=experiment, name="no-lifts", boosts=False)


def main() -> None:
    users = get_user_model().objects
    users.create_superuser("staff", password=PASSWORD)
    for name in ("ann", "bob"):
        users.create_user(name, password=PASSWORD)
    use_lists(log_in("ann"), visits=3)
    start_experiment()
    use_lists(log_in("ann"), visits=1)
    use_lists(log_in("bob"), visits=2)
    post(log_in("bob"), "/api/feedback", {"movie_name": "Film 3", "rating": 1})


if __name__ == "__main__":
    main()
