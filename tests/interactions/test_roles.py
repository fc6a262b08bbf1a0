"""Actions that only people of a role have: refused for all others, however it is sent."""

from itertools import product
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token, set_roles
from core.domain import ACTIONS, KINDS, ROLES, USE_CASES
from core.domain.roles import roles_for
from core.errors import RoleNeeded
from interactions.models import UserInteraction
from interactions.selectors import active_interactions
from interactions.services import Wanted, record_interaction, record_interactions
from tests.answers import assert_refused
from tests.factories import make_item, make_items, make_user

BOUND = [
    (kind.name, action, role)
    for kind in KINDS.values()
    for action in sorted(kind.actions - {"dislike"})
    if (needed := roles_for(kind.name, ACTIONS[action].name))
    for role in (None, *ROLES)
    if role not in needed
]
OWN = [
    (USE_CASES[name].role, action)
    for name in ("developer_startup", "investor_startup")
    for action in USE_CASES[name].positive_interactions
]


def address(item: Any, action: str) -> str:
    return f"/api/{KINDS[item.kind].plural}/{item.pk}/{action}"


def take_role(user: User, role: str | None) -> None:
    set_roles(user=user, roles=[role] if role else [])


def test_the_roles_of_start_ups_are_as_designed() -> None:
    assert OWN == [
        ("developer", "like"),
        ("developer", "apply"),
        ("investor", "favorite"),
        ("investor", "interest"),
    ]
    assert {(kind, action) for kind, action, _ in BOUND} >= {("startup", action) for _, action in OWN}


@pytest.mark.parametrize(("kind", "action", "role"), BOUND)
class TestAnotherRolesAction:
    def test_is_refused_with_what_to_do(
        self, api: APIClient, person: User, kind: str, action: str, role: str | None
    ) -> None:
        take_role(person, role)
        sentence = assert_refused(api.post(address(make_item(kind=kind), action)), 403)
        (needed,) = roles_for(kind, ACTIONS[action].name)
        assert sentence == f"This is for the role {needed}: choose it at /roles/, or with PUT /api/roles."
        assert not UserInteraction.objects.exists()

    def test_is_refused_in_bulk_with_all_that_came_with_it(
        self, api: APIClient, person: User, kind: str, action: str, role: str | None
    ) -> None:
        take_role(person, role)
        film, item = make_item(), make_item(kind=kind)
        rows = [
            {"item_id": film.pk, "type": "like"},
            {"item_id": item.pk, "type": ACTIONS[action].name},
        ]
        for body in ({"interactions": rows}, rows[1]):
            assert_refused(api.post("/api/interactions", body, format="json"), 403)
        assert not UserInteraction.objects.exists()

    def test_no_field_of_the_body_changes_that(
        self, api: APIClient, person: User, other_person: User, kind: str, action: str, role: str | None
    ) -> None:
        take_role(person, role)
        set_roles(user=other_person, roles=list(ROLES))
        item, roles = make_item(kind=kind), list(ROLES)
        body = {
            "role": roles[0],
            "roles": roles,
            "user": {"roles": roles},
            "user_id": other_person.pk,
            "use_case": "investor_startup",
            "kind": "movie",
        }
        assert_refused(api.post(address(item, action), body, format="json"), 403)
        # No parameter does either: an address that knows none says so.
        asked = f"{address(item, action)}?role=investor&roles=developer"
        assert_refused(api.post(asked, body, format="json"), 400)
        bulk = {**body, "item_id": item.pk, "type": ACTIONS[action].name}
        assert_refused(api.post("/api/interactions", bulk, format="json"), 403)
        assert not UserInteraction.objects.exists()


@pytest.mark.parametrize(("role", "action"), OWN)
class TestOnesOwnAction:
    def test_is_recorded(self, api: APIClient, person: User, role: str, action: str) -> None:
        take_role(person, role)
        item = make_item(kind="startup")
        assert api.post(address(item, action)).status_code == 201
        bulk = {"interactions": [{"item_id": make_item(kind="startup").pk, "type": action}]}
        assert api.post("/api/interactions", bulk, format="json").status_code == 201
        assert active_interactions().filter(user=person, type=action).count() == 2

    def test_can_be_taken_back_after_the_role_was_left(
        self, api: APIClient, person: User, role: str, action: str
    ) -> None:
        take_role(person, role)
        item = make_item(kind="startup")
        api.post(address(item, action))
        take_role(person, None)
        assert active_interactions().count() == 1, "what was done stays"
        assert_refused(api.post(address(item, action)), 403)
        assert api.delete(address(item, action)).status_code == 200
        assert not active_interactions().exists()


@pytest.mark.parametrize("role", [None, *ROLES])
def test_dislikes_views_and_clicks_are_everybodys(api: APIClient, person: User, role: str | None) -> None:
    take_role(person, role)
    item = make_item(kind="startup")
    assert api.get(f"/api/startups/{item.pk}").status_code == 200
    click = {"item_id": item.pk, "type": "click"}
    assert api.post("/api/interactions", click, format="json").status_code == 201
    assert api.post(address(item, "dislike"), {"reason": "irrelevant"}, format="json").status_code == 201
    assert set(active_interactions().values_list("type", flat=True)) == {"view", "click", "dislike"}


@pytest.mark.parametrize(("role", "status"), [(None, 403), ("investor", 403), ("developer", 201)])
def test_a_like_by_the_learning_loop_is_a_like(
    api: APIClient, person: User, role: str | None, status: int
) -> None:
    take_role(person, role)
    item = make_item(kind="startup")
    answer = api.post("/api/feedback", {"item_id": item.pk, "rating": 1}, format="json")
    assert answer.status_code == status
    assert active_interactions().exists() == (status == 201)
    assert api.post("/api/feedback", {"item_id": item.pk, "rating": 0}, format="json").status_code == 201


@pytest.mark.parametrize(("role", "other"), [("developer", "investor"), ("investor", "developer")])
def test_a_service_is_held_to_the_role_of_the_person_it_acts_for(
    person: User, other_person: User, role: str, other: str
) -> None:
    take_role(person, role)
    take_role(other_person, other)
    service = make_user("service", roles=list(ROLES))
    token = issue_service_token(user=service, may_act_for_others=True)
    item = make_item(kind="startup")
    for user, action in product((person, other_person), ("apply", "interest")):
        client = APIClient(headers={"Authorization": f"Token {token}", "X-User-ID": str(user.pk)})
        is_theirs = (action == "apply") == ("developer" in user.roles)
        answer = client.post(address(item, action))
        assert answer.status_code == (201 if is_theirs else 403)
    assert set(active_interactions().values_list("user", "type")) == {
        (person.pk if role == "developer" else other_person.pk, "apply"),
        (person.pk if role == "investor" else other_person.pk, "interest"),
    }


def test_a_refused_request_does_not_use_its_key_up(api: APIClient, person: User) -> None:
    item, headers = make_item(kind="startup"), {"Idempotency-Key": "one"}
    body = {"item_id": item.pk, "type": "apply"}
    assert_refused(api.post("/api/interactions", body, format="json", headers=headers), 403)
    take_role(person, "developer")
    assert api.post("/api/interactions", body, format="json", headers=headers).status_code == 201


def test_a_role_that_is_no_more_opens_nothing(api: APIClient, person: User) -> None:
    User.objects.filter(pk=person.pk).update(roles=["astronaut"])
    assert_refused(api.post(address(make_item(kind="startup"), "like")), 403)
    assert api.get("/api/roles").json()["roles"] == []


def test_one_query_more_however_many_are_sent(person: User, django_assert_max_num_queries: Any) -> None:
    set_roles(user=person, roles=["developer"])
    # Somebody's first act is noted by a query of its own.
    record_interaction(user_id=person.pk, item_id=make_item(kind="startup").pk, type_name="like")
    for how_many in (1, 40):
        wanted = [Wanted(item.pk, "like") for item in make_items(how_many, kind="startup")]
        with django_assert_max_num_queries(6):  # savepoint, person, kinds, ledger, insert, release
            record_interactions(user_id=person.pk, wanted=wanted)
    with pytest.raises(RoleNeeded):
        record_interaction(user_id=person.pk, item_id=make_item(kind="startup").pk, type_name="interest")
