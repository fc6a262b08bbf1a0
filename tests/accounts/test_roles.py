"""Roles: chosen by the person, kept on the account, changed by staff; never more than a purpose."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.selectors import check_may_do, check_use_case, may_do, open_use_case, use_case_for, use_cases_of
from accounts.services import issue_service_token, set_roles
from core.domain import ROLES, USE_CASES
from core.errors import InvalidInput, RoleNeeded
from tests.answers import assert_refused
from tests.factories import allow, make_user

ADDRESS = "/api/roles"


def roles_of(user: User) -> list[str]:
    user.refresh_from_db()
    roles: list[str] = user.roles
    return roles


class TestSetting:
    def test_nobody_has_one_to_begin_with(self, person: User) -> None:
        assert roles_of(person) == []

    def test_they_are_kept_once_and_in_one_order(self, person: User) -> None:
        assert set_roles(user=person, roles=["investor", "developer", "investor"]) == [
            "developer",
            "investor",
        ]
        assert roles_of(person) == ["developer", "investor"]
        set_roles(user=person, roles=["investor"])
        assert roles_of(person) == ["investor"]
        set_roles(user=person, roles=[])
        assert roles_of(person) == []

    def test_one_that_does_not_exist_changes_nothing(self, person: User) -> None:
        set_roles(user=person, roles=["investor"])
        with pytest.raises(InvalidInput, match="there is no admin"):
            set_roles(user=person, roles=["developer", "admin"])
        assert roles_of(person) == ["investor"]

    @pytest.mark.parametrize(
        "value", ["developer", {"developer": 1}, ["x"], [["developer"]], [1], ["developer"] * 2]
    )
    def test_the_column_takes_nothing_else(self, person: User, value: object) -> None:
        person.roles = value
        with pytest.raises(ValidationError):
            person.clean_fields()


class TestWhatTheyOpen:
    @pytest.mark.parametrize(
        ("roles", "names"),
        [
            ([], []),
            (["developer"], ["developer_startup"]),
            (["investor"], ["investor_startup"]),
            (["investor", "developer"], ["developer_startup", "investor_startup"]),
            (["astronaut"], []),
        ],
    )
    def test_the_use_cases_of_a_role_and_those_for_everybody(
        self, roles: list[str], names: list[str]
    ) -> None:
        person = User(roles=roles)
        assert [use_case.name for use_case in use_cases_of(person, "startup")] == names
        assert use_cases_of(person, "movie")[0].name == "movie_home"
        if names:
            assert use_case_for(person, "startup").name == open_use_case(person, "startup").name == names[0]
        else:
            assert open_use_case(person, "startup").name == "developer_startup"
            with pytest.raises(RoleNeeded, match="developer or investor"):
                use_case_for(person, "startup")

    def test_a_use_case_is_refused_by_its_name_too(self) -> None:
        developer = User(roles=["developer"])
        assert use_case_for(developer, "startup", "developer_startup") == USE_CASES["developer_startup"]
        for name in ("movie_home", "nothing"):
            with pytest.raises(InvalidInput, match="is not about startups"):
                use_case_for(developer, "startup", name)
        with pytest.raises(RoleNeeded, match="the role investor"):
            use_case_for(developer, "startup", "investor_startup")
        with pytest.raises(RoleNeeded):
            check_use_case(developer, USE_CASES["investor_startup"])

    def test_visitors_see_what_the_first_use_case_has(self) -> None:
        assert open_use_case(None, "startup").name == "developer_startup"

    def test_what_may_be_done(self) -> None:
        investor = User(roles=["investor"])
        assert [may_do(investor, "startup", name) for name in ("interest", "apply", "dislike")] == [
            True,
            False,
            True,
        ]
        assert may_do(User(), "movie", "like")
        with pytest.raises(RoleNeeded, match="the role developer"):
            check_may_do(investor, "startup", "like")


class TestAddress:
    def test_tells_what_is_held_and_what_there_is(self, api: APIClient, person: User) -> None:
        set_roles(user=person, roles=["investor"])
        answer = api.get(ADDRESS)
        assert answer.status_code == 200
        assert answer.json()["roles"] == ["investor"]
        assert answer.json()["available"][:2] == [
            {"name": "developer", "title": "I look for work", "use_cases": ["developer_startup"]},
            {"name": "investor", "title": "I invest", "use_cases": ["investor_startup"]},
        ]

    def test_replaces_all_of_them(self, api: APIClient, person: User) -> None:
        for roles in (["developer"], ["investor", "developer"], ["developer", "developer"], []):
            answer = api.put(ADDRESS, {"roles": roles}, format="json")
            assert answer.status_code == 200
            assert set(answer.json()["roles"]) == set(roles_of(person)) == set(roles)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"role": "investor"},
            {"roles": None},
            {"roles": "developer"},
            {"roles": ["admin"]},
            {"roles": ["developer", "staff"]},
            {"roles": [1]},
            {"roles": [["developer"]]},
            {"roles": [{}]},
            {"roles": ["developer"] * 1000},
            {"roles": {"developer": True}},
            [],
            ["developer"],
        ],
    )
    def test_refuses_anything_else(self, api: APIClient, person: User, body: object) -> None:
        set_roles(user=person, roles=["investor"])
        assert_refused(api.put(ADDRESS, body, format="json"), 400)
        assert roles_of(person) == ["investor"]

    def test_gives_no_permission_whatever_else_is_sent(self, api: APIClient, person: User) -> None:
        body = {"roles": ["developer"], "is_staff": True, "is_superuser": True, "user_id": 1, "username": "x"}
        assert api.put(ADDRESS, body, format="json").status_code == 200
        person.refresh_from_db()
        assert (person.roles, person.is_staff, person.is_superuser) == (["developer"], False, False)
        assert person.username == "ann"

    def test_needs_a_person(self, db: None) -> None:
        for method in ("get", "put"):
            assert_refused(APIClient().generic(method.upper(), ADDRESS), 401)

    def test_a_service_sets_those_of_the_person_it_acts_for(self, person: User, other_person: User) -> None:
        token = issue_service_token(user=other_person, may_act_for_others=True)
        client = APIClient(headers={"Authorization": f"Token {token}", "X-User-ID": str(person.pk)})
        assert client.put(ADDRESS, {"roles": ["investor"]}, format="json").status_code == 200
        assert (roles_of(person), roles_of(other_person)) == (["investor"], [])


def test_signing_up_gives_none_whatever_the_form_says(client: Client, db: None) -> None:
    form = {"username": "eve", "password1": "a long word 7", "password2": "a long word 7"}
    client.post("/accounts/signup/", {**form, "roles": '["investor"]', "role": "investor", "is_staff": "on"})
    eve = User.objects.get(username="eve")
    assert (eve.roles, eve.is_staff) == ([], False)


class TestAdmin:
    @pytest.fixture
    def editor(self, client: Client, staff: User) -> Client:
        allow(staff, "view_user", "change_user")
        return client

    def test_staff_tick_the_roles_of_a_person(self, editor: Client, person: User) -> None:
        set_roles(user=person, roles=["investor"])
        address = f"/admin/accounts/user/{person.pk}/change/"
        page = editor.get(address)
        form = page.context["adminform"].form
        assert form["roles"].value() == ["investor"]
        values = {
            name: value
            for name in form.fields
            if (value := form[name].value()) not in (None, "", False)
            and name not in ("date_joined", "password")
        }
        values |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
        assert editor.post(address, {**values, "roles": ["developer", "investor"]}).status_code == 302
        assert roles_of(person) == ["developer", "investor"]
        del values["roles"]
        assert editor.post(address, values).status_code == 302
        assert roles_of(person) == []
        assert "Select a valid choice" in editor.post(address, {**values, "roles": ["boss"]}).content.decode()

    def test_people_are_found_by_role(self, editor: Client, person: User, other_person: User) -> None:
        set_roles(user=person, roles=["developer"])
        set_roles(user=other_person, roles=list(ROLES))
        make_user("carl")

        def listed(query: str) -> set[str]:
            page = editor.get(f"/admin/accounts/user/?{query}")
            return {user.username for user in page.context["cl"].result_list}

        assert listed("role=developer") == {"ann", "bob"}
        assert listed("role=investor") == {"bob"}
        assert listed("role=%25") == listed("") == {"ann", "bob", "carl", "staff"}
