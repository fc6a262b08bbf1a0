"""The documents' learning loop on the films of the demo: likes by name, and the best item afterwards."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from core.domain import USE_CASES
from core.progress import Progress
from demo.loading import DATA, bring_history, make_people, train_and_activate
from demo.people import invent_tastes
from imports.items import import_items
from interactions.popularity import refresh_popularity
from tests.factories import make_user

MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)
PEOPLE, SEED = 24, 7


@pytest.fixture
def films(db: None) -> None:
    """The films of the demo, with what simulated people did with them."""
    import_items(path=DATA / "films.jsonl", kind="movie", progress=QUIET)
    rng = np.random.default_rng(SEED)
    people = make_people(PEOPLE)
    bring_history(people, "movie", invent_tastes("movie", people=PEOPLE, rng=rng), timezone.now(), rng)
    refresh_popularity(use_case=MOVIES.name)


def genres_of_the_best(client: APIClient, person: User) -> list[str]:
    answer = client.get(f"/recommend/{person.username}")
    assert answer.status_code == 200
    genres: list[str] = answer.json()["recommendation"]["item"]["genres"]
    return genres


@pytest.mark.parametrize("is_trained", [False, True])
@pytest.mark.parametrize("genre", ["Animation", "Horror"])
def test_after_six_likes_of_a_genre_the_best_item_has_it(films: None, genre: str, is_trained: bool) -> None:
    if is_trained:
        train_and_activate(MOVIES, timezone.now() + timedelta(seconds=1), SEED, QUIET)
    sarah = make_user("sarah")
    client = APIClient()
    client.force_login(sarah)
    assert genre not in genres_of_the_best(client, sarah)
    liked = client.get("/movies", {"genre": genre}).json()["results"][:6]
    for film in liked:
        body = {"user_id": "sarah", "movie_name": film["title"], "rating": 1}
        assert client.post("/feedback", body, format="json").status_code == 201
    assert genre in genres_of_the_best(client, sarah)
    assert client.get("/user/sarah/profile").json()["feedback_count"] == 6
