"""Wishes in a person's own words: the sixty sentences, and what acts of them."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.asserts import assertContains
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Facet
from feedback.models import OwnRule
from search.said_wishes import parse_wishes
from tests.answers import assert_refused
from tests.feedback.builders import make_film
from tests.search.sentences import SENTENCES

pytestmark = pytest.mark.django_db
GENRES = (
    "War", "Horror", "Crime", "Thriller", "Romance", "Drama", "Comedy", "Documentary", "Animation", "Music",
    "Science Fiction",
)  # fmt: skip


@pytest.fixture
def catalog(db: None) -> None:
    for name in GENRES:
        make_film(f"Of {name}", genre=[name])
    for name in ("superhero", "zombies", "violence"):
        make_film(theme=[name])
    make_film(actor=["Tom Cruise"], director=["Michael Bay"])


def meant(text: str) -> tuple[str | None, tuple[str, ...], str]:
    said = parse_wishes(text)
    if not said.wishes:
        return None, (), "always"
    first = said.wishes[0]
    return first.strength, tuple(wish.name for wish in said.wishes), first.scope


def test_sixty_sentences(catalog: None) -> None:
    wrong = {
        text: meant(text)
        for text, strength, names, scope in SENTENCES
        if meant(text) != (strength, names, scope)
    }
    assert len(SENTENCES) == 60
    assert wrong == {}


def test_what_is_said_is_shown_before_it_acts(catalog: None, api: APIClient) -> None:
    said: dict[str, Any] = {"text": "no war films this week"}
    parsed = api.post("/api/wishes/parse", said, format="json").json()
    assert parsed == {
        "success": True,
        "understood": [{"strength": "never", "name": "War", "about": ["genre:War"], "scope": "week"}],
        "not_understood": "",
    }
    assert api.get("/api/wishes").json()["wishes"] == []
    made = api.post("/api/wishes", said, format="json")
    assert made.status_code == 201
    (wish,) = api.get("/api/wishes").json()["wishes"]
    assert (wish["about"], wish["strength"], wish["words"]) == ("genre:War", "never", said["text"])
    slots = api.get("/api/recommendations/personalized/movies").json()["recommendations"]
    titles = [slot["item"]["title"] for slot in slots]
    assert "Of Horror" in titles
    assert "Of War" not in titles


def test_what_is_said_twice_with_one_key_is_answered_alike(catalog: None, api: APIClient) -> None:
    said = {"text": "no war films this week"}
    headers = {"Idempotency-Key": "one"}
    first, second = (api.post("/api/wishes", said, format="json", headers=headers) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert OwnRule.objects.count() == 1
    assert api.post("/api/wishes", {"text": "no horror"}, format="json", headers=headers).status_code == 422


@pytest.mark.parametrize(
    "text", ["", " ", "what should I watch", 1, None, "x" * 201, "\0", "no nonsense words"]
)
def test_what_says_no_wish_makes_none(catalog: None, api: APIClient, text: object) -> None:
    assert_refused(api.post("/api/wishes", {"text": text}, format="json"), 400)
    assert not OwnRule.objects.exists()


def test_on_the_page_it_is_understood_then_done(catalog: None, client: Client, person: User) -> None:
    client.force_login(person)
    page = client.get("/feedback/", {"say": "much less horror tonight"})
    assertContains(page, "<strong>Much less Horror, tonight</strong>")
    assert not OwnRule.objects.exists()
    client.post("/feedback/say/", {"say": "much less horror tonight"})
    assert OwnRule.objects.get().facet == Facet.objects.get(name="Horror")
    assertContains(client.get("/feedback/", {"say": "hello"}), "That names nothing to want less of.")
