"""The queries and bodies of the documents that asked for this, as they stand there."""

from typing import Any
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import set_roles
from interactions.models import UserInteraction
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from tests.factories import make_item, make_items
from tests.recommendations.builders import make_session

pytestmark = pytest.mark.django_db


def test_positives_from_recommendations_are_found_by_the_documents_own_query(person: User) -> None:
    shown, elsewhere = make_items(2)
    session = make_session(person, [shown])
    record_interaction(user_id=person.pk, item_id=shown.pk, type_name="like", session_id=session.pk)
    record_interaction(user_id=person.pk, item_id=elsewhere.pk, type_name="like")
    found = UserInteraction.objects.filter(
        interaction_type__in=["like", "favorite", "apply", "interest"],
        recommendation_source="recommendation",
    ).values("user_id", "startup_id", "recommendation_rank", "recommendation_score", "recommendation_method")
    (row,) = found
    assert (row["user_id"], row["startup_id"], row["recommendation_rank"]) == (person.pk, shown.pk, 1)


def test_a_row_answers_to_both_names(person: User) -> None:
    film = make_item()
    record_interaction(user_id=person.pk, item_id=film.pk, type_name="favorite")
    row = UserInteraction.objects.only("pk").get(startup_id=film.pk, interaction_type="favorite")
    assert (row.interaction_type, row.startup_id) == ("favorite", film.pk)
    assert UserInteraction.objects.order_by("-interaction_type").values_list("interaction_type").count() == 1


@pytest.fixture
def startups(person: User) -> list[int]:
    set_roles(user=person, roles=["developer"])
    return [item.pk for item in make_items(3, kind="startup")]


def test_a_list_names_its_start_ups_and_their_scores(api: APIClient, startups: list[int]) -> None:
    answer = api.get("/api/recommendations/personalized/startups").json()
    listed = answer["recommendations"]
    assert answer["startup_ids"] == [slot["item"]["id"] for slot in listed]
    assert sorted(answer["startup_ids"]) == startups
    assert answer["scores"] == {str(slot["item"]["id"]): slot["score"] for slot in listed}
    assert "movie_ids" not in answer


def session_body(startups: list[int], **of_slots: Any) -> dict[str, Any]:
    slots = [
        {"startup_id": pk, "rank": rank, "score": 0.85, "method": "two_tower", **of_slots}
        for rank, pk in enumerate(startups, 1)
    ]
    return {
        "recommendation_session_id": str(uuid4()),
        "use_case": "developer_startup",
        "method": "two_tower",
        "model_version": "two_tower_v1.0",
        "recommendations": slots,
    }


def test_a_list_made_elsewhere_may_name_start_ups(api: APIClient, startups: list[int]) -> None:
    body = session_body(startups)
    assert api.post("/api/recommendations/session", body, format="json").status_code == 201
    shown = RecommendationSession.objects.get().recommendations_shown
    assert [slot["item_id"] for slot in shown] == startups
    assert api.post("/api/recommendations/session", body, format="json").status_code == 200


@pytest.mark.parametrize("startup_id", ["1", None, 0, 1.5, True, [], {}])
def test_by_any_name_an_id_is_an_id(api: APIClient, startups: list[int], startup_id: Any) -> None:
    body = session_body(startups, startup_id=startup_id)
    assert api.post("/api/recommendations/session", body, format="json").status_code == 400


def test_an_interaction_may_be_named_as_in_the_documents(api: APIClient, startups: list[int]) -> None:
    body = {"startup_id": startups[1], "interaction_type": "like"}
    answer = api.post("/api/interactions", body, format="json")
    assert answer.status_code == 201
    (recorded,) = answer.json()["interactions"]
    assert (recorded["item_id"], recorded["type"], recorded["interaction_type"]) == (
        startups[1],
        "like",
        "like",
    )


def test_our_own_name_decides_where_both_are_given(api: APIClient, startups: list[int]) -> None:
    body = {"item_id": startups[0], "startup_id": startups[1], "type": "like", "interaction_type": "apply"}
    (recorded,) = api.post("/api/interactions", body, format="json").json()["interactions"]
    assert (recorded["item_id"], recorded["type"]) == (startups[0], "like")


def test_no_statement_writes_or_reads_a_column_twice(person: User) -> None:
    names = [field.column for field in UserInteraction._meta.concrete_fields]
    assert len(names) == len(set(names))
    assert str(UserInteraction.objects.all().query).count('."type"') == 1
