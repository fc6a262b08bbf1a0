"""A kind is named by its name or by its plural, wherever a request names one."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from interactions.models import UserInteraction
from tests.factories import make_items

pytestmark = pytest.mark.django_db
WORDS = ["drama", "dramas"]


@pytest.mark.parametrize("word", WORDS)
def test_in_the_api(api: APIClient, person: User, word: str) -> None:
    drama, *_ = make_items(3, kind="drama")
    answers = [
        api.get(f"/api/{word}"),
        api.get(f"/{word}"),
        api.get(f"/api/{word}/{drama.pk}"),
        api.get(f"/api/{word}/{drama.pk}/similar"),
        api.get(f"/api/recommendations/personalized/{word}"),
        api.get(f"/api/recommend?title={drama.title}&kind={word}"),
        api.post(f"/api/{word}/{drama.pk}/like"),
        api.post(f"/api/{word}/{drama.pk}/dislike"),
        api.post("/api/feedback", {"movie_name": drama.title, "kind": word, "rating": 1}, format="json"),
        api.post(
            f"/api/profile/{person.pk}/rate",
            {"title": drama.title, "kind": word, "rating": 9},
            format="json",
        ),
    ]
    assert {answer.status_code for answer in answers} <= {200, 201}, [one.content for one in answers]
    assert set(UserInteraction.objects.values_list("item_id", flat=True)) == {drama.pk}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("path", ["/", "/welcome/", "/search/?q=x", "/taste/", "/taste/titles/"])
def test_on_the_pages(client: Client, person: User, path: str, word: str) -> None:
    make_items(3, kind="drama")
    client.force_login(person)
    between = "&" if "?" in path else "?"
    assert client.get(f"{path}{between}kind={word}").status_code == 200
    assert client.get(f"{path}{between}kind=dramaturgy").status_code == 404


@pytest.mark.parametrize("word", ["startup", "startups"])
def test_on_the_page_of_what_was_kept(client: Client, person: User, word: str) -> None:
    make_items(1, kind="startup")
    client.force_login(person)
    assert "Start-ups" in client.get(f"/watchlist/?kind={word}").content.decode()


def test_a_word_for_no_kind_is_refused_with_those_there_are(api: APIClient) -> None:
    answer = api.get("/api/recommend?title=x&kind=dramaturgy")
    assert answer.status_code == 400
    assert "must be one of movie, drama, startup, movies, dramas, startups" in answer.json()["error"]
