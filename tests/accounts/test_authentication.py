"""Authentication of callers: tokens, acting for others, CSRF."""

import logging

import pytest
from django.http import HttpResponse
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ServiceToken, User
from accounts.services import issue_service_token
from interactions.models import UserInteraction
from tests.answers import assert_refused, unsafe_addresses
from tests.factories import make_item, make_user

WHO = "/api/check-auth"
BAD_TOKEN_HEADERS = [
    "Token",
    "Token ",
    "Token a b",
    "Token wrong",
    "token wrong",
    "Token \xff\xfe\x80",
    "Token heed_",
    "Token " + "x" * 8000,
    "Token 0000000000000000000000000000000000000000000000000000000000000000",
]
NOBODY = [
    "",
    " ",
    "x",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0",
    "999999999",
    "9" * 18,
    "9" * 19,
    "9" * 400,
    "٣",
    "²",
    "1,2",
    "None",
]


def with_token(token: str, acting_for: object = None) -> APIClient:
    headers = {"Authorization": f"Token {token}"}
    if acting_for is not None:
        headers["X-User-ID"] = str(acting_for)
    return APIClient(headers=headers, raise_request_exception=False)


@pytest.fixture
def service(db: None) -> User:
    return make_user("service")


@pytest.fixture
def acting_token(service: User) -> str:
    return issue_service_token(user=service, may_act_for_others=True)


class TestToken:
    @pytest.mark.parametrize("header", BAD_TOKEN_HEADERS)
    def test_a_bad_one_is_refused_and_the_scheme_named(self, db: None, header: str) -> None:
        response = APIClient(headers={"Authorization": header}, raise_request_exception=False).get(WHO)
        assert_refused(response, 401)
        assert response.headers["WWW-Authenticate"] == "Token"

    def test_its_hash_is_no_token(self, person: User) -> None:
        issue_service_token(user=person)
        assert_refused(with_token(ServiceToken.objects.get().digest).get(WHO), 401)

    def test_it_ends_with_its_owner(self, person: User) -> None:
        client = with_token(issue_service_token(user=person))
        assert client.get(WHO).status_code == 200
        person.is_active = False
        person.save()
        assert_refused(client.get(WHO), 401)

    def test_it_ends_when_it_is_deleted(self, person: User) -> None:
        client = with_token(issue_service_token(user=person))
        ServiceToken.objects.all().delete()
        assert_refused(client.get(WHO), 401)

    def test_another_scheme_is_a_stranger(self, db: None) -> None:
        client = APIClient(headers={"Authorization": "Bearer x"})
        assert client.get(WHO).json()["authenticated"] is False
        assert_refused(client.post("/api/interactions", {}, format="json"), 401)

    def test_it_writes_without_csrf(self, person: User) -> None:
        item = make_item()
        client = APIClient(
            enforce_csrf_checks=True, headers={"Authorization": f"Token {issue_service_token(user=person)}"}
        )
        assert client.post(f"/api/movies/{item.pk}/like").status_code == 201


class TestActingForOthers:
    def test_the_person_named_is_the_one_who_acts_and_both_are_logged(
        self, acting_token: str, service: User, person: User, caplog: pytest.LogCaptureFixture
    ) -> None:
        item = make_item()
        with caplog.at_level(logging.INFO, "accounts.authentication"):
            assert with_token(acting_token, person.pk).post(f"/api/movies/{item.pk}/like").status_code == 201
        assert UserInteraction.objects.get().user == person
        assert f"token_user_id={service.pk} user_id={person.pk}" in caplog.text

    def test_without_the_header_the_service_acts_itself(self, acting_token: str, service: User) -> None:
        assert with_token(acting_token).get(WHO).json()["user_id"] == service.pk

    def test_a_token_without_the_permission_is_refused_even_for_its_owner(self, person: User) -> None:
        token = issue_service_token(user=person)
        assert_refused(with_token(token, person.pk).get(WHO), 403)

    @pytest.mark.parametrize("name", NOBODY)
    def test_what_names_nobody_is_refused(self, acting_token: str, person: User, name: str) -> None:
        assert_refused(with_token(acting_token, name).get(WHO), 403)

    @pytest.mark.parametrize(("staff", "superuser"), [(True, False), (False, True)])
    def test_staff_cannot_be_acted_for(self, acting_token: str, staff: bool, superuser: bool) -> None:
        somebody = make_user(is_staff=staff, is_superuser=superuser)
        assert_refused(with_token(acting_token, somebody.pk).get(WHO), 403)

    def test_those_who_cannot_be_acted_for_are_answered_alike(self, acting_token: str) -> None:
        staff, gone = make_user(is_staff=True), make_user(is_active=False)
        answers = {
            with_token(acting_token, name).get(WHO).content for name in (staff.pk, gone.pk, 10**9, "x")
        }
        assert len(answers) == 1

    @pytest.mark.parametrize(("method", "path"), [("get", WHO), ("get", "/api/movies"), *unsafe_addresses()])
    def test_neither_a_browser_nor_a_stranger_may_name_anyone(
        self, api: APIClient, person: User, other_person: User, method: str, path: str
    ) -> None:
        for name in (other_person.pk, person.pk, ""):
            for client in (api, APIClient()):
                assert_refused(client.generic(method.upper(), path, headers={"X-User-ID": str(name)}), 403)

    def test_a_token_beside_a_browser_session_decides(self, api: APIClient, other_person: User) -> None:
        token = issue_service_token(user=other_person)
        answer = api.get(WHO, headers={"Authorization": f"Token {token}"})
        assert answer.json()["user_id"] == other_person.pk
        assert_refused(api.get(WHO, headers={"Authorization": "Token wrong"}), 401)


class TestEveryWrite:
    @pytest.mark.parametrize(("method", "path"), unsafe_addresses())
    def test_needs_a_person(self, db: None, method: str, path: str) -> None:
        assert_refused(APIClient().generic(method.upper(), path), 401)

    @pytest.mark.parametrize(("method", "path"), unsafe_addresses())
    def test_needs_the_csrf_token_of_a_browser_session(self, person: User, method: str, path: str) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(person)
        assert "CSRF" in assert_refused(client.generic(method.upper(), path), 403)
        wrong = client.generic(method.upper(), path, headers={"X-CSRFToken": "x" * 32})
        assert "CSRF" in assert_refused(wrong, 403)

    def test_is_taken_with_the_csrf_token_of_a_real_login(self, person: User) -> None:
        item = make_item()
        person.set_password("a long word")
        person.save()
        client = Client(enforce_csrf_checks=True)
        client.get("/accounts/login/")
        form = {"username": "ann", "password": "a long word"}
        before = {"X-CSRFToken": client.cookies["csrftoken"].value}
        assert client.post("/accounts/login/", form, headers=before).status_code == 302
        after = {"X-CSRFToken": client.cookies["csrftoken"].value}
        like = f"/api/movies/{item.pk}/like"
        assert "CSRF" in assert_refused(client.post(like, {}, "application/json", headers=before), 403)
        assert client.post(like, {}, "application/json", headers=after).status_code == 201

    def test_logging_in_needs_it_too(self, db: None) -> None:
        body = {"username": "ann", "password": "whatever"}
        response: HttpResponse = Client(enforce_csrf_checks=True).post("/accounts/login/", body)  # type: ignore[assignment]
        assert response.status_code == 403
