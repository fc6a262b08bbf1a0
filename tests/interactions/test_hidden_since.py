"""Feedback on an item that was hidden after it was met: history is not judged by the catalog of today."""

from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from feedback.models import Dislike
from interactions.models import UserInteraction
from tests.answers import assert_refused
from tests.factories import make_interaction, make_item, make_items
from tests.imports.helpers import json_lines, run
from tests.recommendations.builders import make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def hidden(person: User) -> Item:
    """An item that a list showed to the person, and that is hidden by now."""
    item = make_item("Gone")
    make_session(person, [*make_items(2), item])
    hide(item)
    return item


def hide(item: Item) -> None:
    Item.objects.filter(pk=item.pk).update(is_active=False)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/movies/{id}/like", {}),
        ("/api/movies/{id}/watched", {"rating": 7}),
        ("/api/movies/{id}/dislike", {"reason": "wrong_genre"}),
        ("/api/dislike", {"movie_id": 0, "reason": "wrong_genre"}),
        ("/api/interactions", {"item_id": 0, "type": "like"}),
        ("/api/feedback", {"item_id": 0, "rating": 1}),
        ("/api/profile/{person}/rate", {"item_id": 0, "rating": 3}),
    ],
)
def test_what_was_shown_can_be_spoken_of(
    api: APIClient, person: User, hidden: Item, path: str, body: dict[str, Any]
) -> None:
    body = {name: hidden.pk if name in ("item_id", "movie_id") else value for name, value in body.items()}
    answer = api.post(path.format(id=hidden.pk, person=person.pk), body, format="json")
    assert answer.status_code == 201, answer.content
    assert UserInteraction.objects.get().item_id == hidden.pk
    assert Dislike.objects.count() == ("reason" in body)


def test_one_hidden_item_takes_no_batch_with_it(api: APIClient, hidden: Item) -> None:
    rows = [{"item_id": item.pk, "type": "like"} for item in [*make_items(5), hidden]]
    answer = api.post("/api/interactions", {"interactions": rows}, format="json")
    assert (answer.status_code, answer.json()["recorded"]) == (201, 6)


def test_what_is_said_of_a_moment_of_the_past_is_taken(api: APIClient) -> None:
    item = make_item()
    hide(item)
    body = {"item_id": item.pk, "type": "like"}
    assert_refused(api.post("/api/interactions", body, format="json"), 404)
    past = body | {"occurred_at": "2024-05-31T20:15:00Z"}
    assert api.post("/api/interactions", past, format="json").status_code == 201
    # An item on record was met.
    assert api.post("/api/interactions", body | {"type": "click"}, format="json").status_code == 201


def test_what_one_person_met_another_did_not(api: APIClient, other_person: User) -> None:
    item = make_item()
    make_interaction(other_person, item, "like")
    make_session(other_person, [item])
    hide(item)
    assert_refused(api.post(f"/api/movies/{item.pk}/like"), 404)
    assert_refused(api.post("/api/dislike", {"movie_id": item.pk, "reason": "other"}, format="json"), 404)


def test_a_list_that_did_not_hold_a_hidden_item_opens_nothing(api: APIClient, person: User) -> None:
    item = make_item()
    session = make_session(person, make_items(2))
    hide(item)
    body = {"item_id": item.pk, "type": "like", "recommendation_session_id": str(session.pk)}
    assert_refused(api.post("/api/interactions", body, format="json"), 404)
    assert not UserInteraction.objects.exists()


@pytest.mark.parametrize("command", ["import_interactions", "import_sessions"])
def test_a_file_is_a_history_too(tmp_path: Path, command: str) -> None:
    item = make_item()
    hide(item)
    row = {"user": "ann", "item": item.external_id}
    if command == "import_interactions":
        row |= {"type": "like", "occurred_at": "2024-05-31"}
    else:
        row |= {"session": "s", "shown_at": "2024-05-31", "rank": "1", "action": "like"}
    run(command, json_lines(tmp_path / "f.jsonl", row))
    assert UserInteraction.objects.get().item_id == item.pk
