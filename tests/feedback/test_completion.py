"""Dislikes that came in bulk or by import: the same record and the same counts as for any other."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from feedback.completion import complete_dislikes
from feedback.models import Dislike, FeatureAdjustment
from feedback.selectors import dislikes_to_review
from feedback.training import get_untrained_negative_feedback_count
from interactions.models import UserInteraction
from tests.factories import make_interaction, make_item, make_items
from tests.feedback.builders import dislike, full_film
from tests.imports.helpers import run, write

pytestmark = pytest.mark.django_db
HEAD = "user,kind,item,type,occurred_at"


def test_an_imported_dislike_is_listed_counted_and_undone_like_any_other(
    tmp_path: Path, api: APIClient, browserless: Client, person: User
) -> None:
    films = [full_film(), *make_items(3)]
    moment = timezone.now() - timedelta(days=1)
    lines = [
        f"{person.username},movie,{film.external_id},dislike,{moment:%Y-%m-%dT%H:%M:%SZ}" for film in films
    ]
    for _ in range(2):  # The same file again changes nothing.
        run("import_interactions", write(tmp_path / "no.csv", "\n".join([HEAD, *lines])))
        assert Dislike.objects.count() == 4
    history = api.get("/api/dislike-history").json()
    assert (history["count"], history["total"]) == (4, 4)
    assert {one["reason"] for one in history["dislikes"]} == {"not_interested"}
    assert api.get("/api/dislike-patterns").json()["patterns"]["total_dislikes"] == 4
    page = browserless.get("/feedback/").content.decode()
    assert all(film.title in page for film in films)
    assert FeatureAdjustment.objects.count() == 4
    assert get_untrained_negative_feedback_count() == 4
    assert dislikes_to_review().count() == 0
    assert api.delete(f"/api/dislike/{history['dislikes'][0]['dislike_id']}").status_code == 204
    assert api.get("/api/dislike-history").json()["total"] == 3


def test_those_of_the_api_in_bulk_wait_for_review(api: APIClient, person: User) -> None:
    items = make_items(2)
    body = {"interactions": [{"item_id": item.pk, "type": "dislike"} for item in items]}
    assert api.post("/api/interactions", body, format="json").status_code == 201
    assert [row.context_source for row in Dislike.objects.all()] == ["none", "none"]
    assert dislikes_to_review().count() == 2
    assert api.get("/api/dislike-history").json()["total"] == 2


def test_what_faded_away_is_not_written_down(person: User) -> None:
    film = full_film()
    UserInteraction.objects.filter(pk=make_interaction(person, film, "dislike").pk).update(
        occurred_at=timezone.now() - timedelta(days=90 * 7 + 1)
    )
    assert complete_dislikes() == 1
    assert (Dislike.objects.get().adjustments.count(), Dislike.objects.get().example.weight) == (0, 0.8)


def test_one_with_a_reason_takes_the_place_of_an_imported_one(person: User) -> None:
    film = full_film()
    make_interaction(person, film, "dislike")
    complete_dislikes()
    row = dislike(person, film, "wrong_genre")
    standing = Dislike.objects.get(interaction__withdrawn_at=None)
    assert (standing, standing.reason) == (row, "wrong_genre")


def test_what_has_its_row_is_left_alone(person: User) -> None:
    row = dislike(person, make_item(), "other")
    assert complete_dislikes() == 0
    row.refresh_from_db()
    assert row.reason == "other"
