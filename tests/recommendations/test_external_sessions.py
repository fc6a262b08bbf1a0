"""`POST /api/recommendations/session`: lists that another system made."""

from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from core.values import MAX_SLOTS
from recommendations.models import RecommendationSession
from tests.answers import assert_refused
from tests.factories import make_item, make_items, make_user
from tests.recommendations.builders import list_body, make_session
from tests.threads import together

ADDRESS = "/api/recommendations/session"


@pytest.fixture
def body(person: User) -> dict[str, Any]:
    return list_body(make_items(3))


def post(client: APIClient, body: Any) -> Any:
    return client.post(ADDRESS, body, format="json")


def test_a_list_is_kept_as_it_was_shown(api: APIClient, person: User, body: dict[str, Any]) -> None:
    response = post(api, body)
    assert response.status_code == 201
    assert response.json() == {
        "success": True,
        "recommendation_session_id": body["recommendation_session_id"],
    }
    row = RecommendationSession.objects.get()
    assert (row.user, row.use_case, row.method, row.model_version) == (
        person,
        "movie_home",
        "elsewhere",
        "e-1",
    )
    assert row.is_external is True
    assert row.seen_rank == 0
    kept = [
        {name: entry[name] for name in ("item_id", "rank", "score", "method")}
        for entry in row.recommendations_shown
    ]
    assert kept == body["recommendations"]
    # The choice of another system's policy is not known here.
    assert {entry["propensity"] for entry in row.recommendations_shown} == {None}


def test_the_order_in_the_body_does_not_matter(api: APIClient, body: dict[str, Any]) -> None:
    assert post(api, body).status_code == 201
    body["recommendations"].reverse()
    assert post(api, body).status_code == 200


def test_the_same_list_again_is_answered_alike_and_kept_once(api: APIClient, body: dict[str, Any]) -> None:
    body["recommendations"][0]["score"] = 0.1 + 0.2
    first, second = post(api, body), post(api, body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert RecommendationSession.objects.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"method": "other"},
        {"model_version": "e-2"},
        {"use_case": "drama_home"},
        {"score": 0.123},
        {"slot_method": "other"},
        {"shorter": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_list_under_the_same_id_is_refused(
    api: APIClient, body: dict[str, Any], change: dict[str, Any]
) -> None:
    post(api, body)
    other = deepcopy(body)
    if "score" in change:
        other["recommendations"][1]["score"] = change["score"]
    elif "slot_method" in change:
        other["recommendations"][1]["method"] = change["slot_method"]
    elif "shorter" in change:
        other["recommendations"].pop()
    else:
        other.update(change)
        if "use_case" in change:
            other["recommendations"] = list_body([make_item(kind="drama")])["recommendations"]
    assert_refused(post(api, other), 409)
    assert RecommendationSession.objects.get().model_version == "e-1"


def test_whose_id_it_is_is_not_told(
    api: APIClient, body: dict[str, Any], person: User, other_person: User
) -> None:
    """One's own other list, another's very same list, and a list this server made: the same bytes."""
    mine = list_body(make_items(1))
    post(api, mine)
    changed = post(api, {**mine, "method": "changed"})

    stranger = APIClient()
    stranger.force_login(other_person)
    assert post(stranger, body).status_code == 201
    foreign = post(api, body)

    served = make_session(person, make_items(1))
    own = post(api, {**body, "recommendation_session_id": str(served.pk)})

    for response in (changed, foreign, own):
        assert_refused(response, 409)
    assert changed.content == foreign.content == own.content
    assert RecommendationSession.objects.get(pk=body["recommendation_session_id"]).user == other_person


def test_ranks_with_a_gap_are_refused(api: APIClient, body: dict[str, Any]) -> None:
    body["recommendations"][2]["rank"] = 4
    assert "rank" in assert_refused(post(api, body), 400)


def test_a_rank_twice_is_refused(api: APIClient, body: dict[str, Any]) -> None:
    body["recommendations"][2]["rank"] = 2
    assert "rank" in assert_refused(post(api, body), 400)


def test_an_item_twice_is_refused(api: APIClient, body: dict[str, Any]) -> None:
    body["recommendations"][2]["item_id"] = body["recommendations"][0]["item_id"]
    assert "twice" in assert_refused(post(api, body), 400)


def test_as_many_slots_as_allowed_and_not_one_more(api: APIClient, person: User) -> None:
    body = list_body(make_items(MAX_SLOTS))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert post(api, body).status_code == 201
    assert len(queries) <= 8
    longer = list_body(make_items(1) * (MAX_SLOTS + 1))
    assert_refused(post(api, longer), 400)


def test_an_unknown_item_is_named(api: APIClient, body: dict[str, Any]) -> None:
    body["recommendations"][1]["item_id"] = 999_999_999
    assert "999999999" in assert_refused(post(api, body), 404)
    assert not RecommendationSession.objects.exists()


def test_an_item_of_another_kind_is_refused(api: APIClient, body: dict[str, Any]) -> None:
    body["recommendations"][1]["item_id"] = make_item(kind="drama").pk
    assert_refused(post(api, body), 404)
    assert not RecommendationSession.objects.exists()


def test_an_item_hidden_since_may_stand_in_a_list_that_was_shown(api: APIClient, person: User) -> None:
    """It says what people saw; and a retry must be answered alike when an item was hidden in between."""
    item = make_item()
    body = list_body([item])
    assert post(api, body).status_code == 201
    item.is_active = False
    item.save()
    assert post(api, body).status_code == 200
    assert post(api, list_body([item])).status_code == 201


def test_the_body_cannot_say_whose_list_it_is_or_how_far_it_was_seen(
    api: APIClient, body: dict[str, Any], person: User, other_person: User
) -> None:
    forged = {
        **body,
        "user_id": other_person.pk,
        "user": other_person.pk,
        "seen_rank": 3,
        "is_external": False,
        "created_at": "2000-01-01T00:00:00Z",
    }
    forged["recommendations"][0] |= {"propensity": 1.0, "source": "als", "base_score": 9}
    assert post(api, forged).status_code == 201
    row = RecommendationSession.objects.get()
    assert (row.user, row.seen_rank, row.is_external, row.created_at.year > 2000) == (person, 0, True, True)
    entry = row.recommendations_shown[0]
    assert (entry["propensity"], entry["source"], entry["base_score"]) == (None, "external", 1.0)


def test_twenty_at_once_keep_one_list(threads_db: None) -> None:
    person = make_user()
    body = list_body(make_items(3))

    def one(_: int) -> int:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(person)
        return int(post(client, body).status_code)

    assert sorted(together(20, one)) == [200] * 19 + [201]
    assert RecommendationSession.objects.count() == 1


def test_two_people_at_once_with_one_id_get_one_owner(threads_db: None) -> None:
    people = [make_user(), make_user()]
    body = list_body(make_items(3), recommendation_session_id=str(uuid4()))

    def one(index: int) -> int:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(people[index])
        return int(post(client, body).status_code)

    assert sorted(together(2, one)) == [201, 409]
