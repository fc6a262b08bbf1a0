"""Applications by the address that the documents name: the action `apply`, whatever kind the item is of."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token, set_roles
from catalog.models import Item
from interactions.models import UserInteraction
from interactions.selectors import active_interactions
from tests.answers import assert_refused
from tests.factories import make_item, make_items
from tests.recommendations.builders import make_session

pytestmark = pytest.mark.django_db
NOTHING_THERE = "There is no such item to apply to."


@pytest.fixture
def startup(person: User) -> Item:
    set_roles(user=person, roles=["developer"])
    return make_item(kind="startup")


def address(item_id: int) -> str:
    return f"/api/collaborations/{item_id}/apply"


def test_an_application_is_recorded_with_the_slot_it_came_from(
    api: APIClient, person: User, startup: Item
) -> None:
    other = make_item(kind="startup")
    session = make_session(person, [other, startup], use_case="developer_startup")
    body = {"recommendation_session_id": str(session.pk), "rank": 1, "score": 0.1}
    answer = api.post(address(startup.pk), body, format="json")
    assert answer.status_code == 201
    told = answer.json()
    assert (told["success"], told["interaction_type"], told["item_id"]) == (True, "apply", startup.pk)
    row = UserInteraction.objects.get(interaction_type="apply", recommendation_source="recommendation")
    assert (row.user, row.startup_id, row.recommendation_session) == (person, startup.pk, session)
    # The server's own record, and not the body's.
    assert row.recommendation_rank == told["recommendation_rank"] == 2
    assert row.recommendation_score == session.recommendations_shown[1]["score"]


def test_again_it_is_the_same_application_by_both_addresses(api: APIClient, startup: Item) -> None:
    first = api.post(address(startup.pk))
    assert (first.status_code, first.json()["recommendation_source"]) == (201, "")
    for again in (address(startup.pk), f"/api/startups/{startup.pk}/apply"):
        answer = api.post(again)
        assert (answer.status_code, answer.json()["created"]) == (200, False)
        assert answer.json()["interaction_id"] == first.json()["interaction_id"]
    assert UserInteraction.objects.count() == 1


def test_a_key_answers_as_the_first_time(api: APIClient, startup: Item) -> None:
    answers = [api.post(address(startup.pk), headers={"Idempotency-Key": "one"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    other_body = {"recommendation_session_id": None, "note": "x"}
    again = api.post(address(startup.pk), other_body, format="json", headers={"Idempotency-Key": "one"})
    assert_refused(again, 422)


def test_an_application_is_taken_back(api: APIClient, startup: Item) -> None:
    api.post(address(startup.pk))
    assert api.delete(address(startup.pk)).json()["success"] is True
    assert not active_interactions().exists()
    assert_refused(api.delete(address(startup.pk)), 404)


def test_what_cannot_be_applied_to_is_not_there(api: APIClient, startup: Item) -> None:
    film, hidden = make_item(), make_item(kind="startup", is_active=False)
    for item_id in (film.pk, hidden.pk + 1, 10**17):
        for method in (api.post, api.delete):
            assert assert_refused(method(address(item_id)), 404) == NOTHING_THERE
    assert_refused(api.post(address(hidden.pk)), 404)
    assert not UserInteraction.objects.exists()


def test_it_is_for_the_role_that_applies(api: APIClient) -> None:
    assert "the role developer" in assert_refused(api.post(address(make_item(kind="startup").pk)), 403)
    assert not UserInteraction.objects.exists()


def test_without_a_login_and_with_another_persons_name_nothing_is_recorded(
    api: APIClient, startup: Item, other_person: User
) -> None:
    assert_refused(APIClient().post(address(startup.pk)), 401)
    assert_refused(api.post(address(startup.pk), headers={"X-User-ID": str(other_person.pk)}), 403)
    for field in ("user", "user_id"):
        api.post(address(startup.pk), {field: other_person.pk}, format="json")
    assert not UserInteraction.objects.filter(user=other_person).exists()


def test_a_program_applies_for_who_has_the_role(startup: Item, person: User, other_person: User) -> None:
    token = issue_service_token(user=other_person, may_act_for_others=True)
    program = APIClient(headers={"Authorization": f"Token {token}", "X-User-ID": str(person.pk)})
    assert program.post(address(startup.pk)).status_code == 201
    assert UserInteraction.objects.get().user == person


def test_another_persons_list_and_none_are_answered_alike(
    api: APIClient, startup: Item, other_person: User
) -> None:
    theirs = make_session(other_person, [startup], use_case="developer_startup")
    unknown = "00000000-0000-4000-8000-000000000000"
    said = [
        assert_refused(api.post(address(startup.pk), {"recommendation_session_id": one}, format="json"), 404)
        for one in (str(theirs.pk), unknown)
    ]
    assert said[0] == said[1]
    assert not UserInteraction.objects.exists()


@pytest.mark.parametrize(
    "body", [[], "x", 1, {"recommendation_session_id": 1}, {"rating": 7}, {"rating": "x"}]
)
def test_a_body_that_says_nothing_true_is_refused(api: APIClient, startup: Item, body: Any) -> None:
    assert_refused(api.post(address(startup.pk), body, format="json"), 400)
    assert not UserInteraction.objects.exists()


@pytest.mark.parametrize("item_id", ["0", "x", "1.5", "-1", "9" * 19, "%00", "1/2"])
def test_an_id_is_a_number(api: APIClient, startup: Item, item_id: str) -> None:
    make_items(1)
    assert_refused(api.post(f"/api/collaborations/{item_id}/apply"), 404)
