"""Tokens of programs: their scope, their end, their last use, and how staff make and revoke them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ServiceToken, User
from accounts.services import issue_service_token
from tests.answers import assert_refused
from tests.factories import make_item, make_user

WHO = "/api/check-auth"
ADD = "/admin/accounts/servicetoken/add/"
LISTED = "/admin/accounts/servicetoken/"


def bearer(token: str) -> APIClient:
    return APIClient(headers={"Authorization": f"Token {token}"}, raise_request_exception=False)


class TestTheEnd:
    def test_until_then_it_works_and_from_then_on_it_does_not(self, person: User) -> None:
        client = bearer(issue_service_token(user=person, ends_at=timezone.now() + timedelta(minutes=1)))
        assert client.get(WHO).status_code == 200
        ServiceToken.objects.update(ends_at=timezone.now())
        refused = client.get(WHO)
        assert_refused(refused, 401)
        assert refused.json()["error"] == "This token has ended. Ask for a new one."

    def test_page_tokens_that_it_was_given_end_with_it(self, person: User) -> None:
        app = bearer(issue_service_token(user=make_user("app"), may_act_for_others=True))
        page_token = app.post("/api/page-token", headers={"X-User-ID": str(person.pk)}).json()["page_token"]
        page = APIClient(headers={"Authorization": f"Page-Token {page_token}"})
        address = "/api/recommendations/personalized/movies"
        assert page.get(address).status_code == 200
        ServiceToken.objects.update(ends_at=timezone.now())
        assert_refused(page.get(address), 401)


class TestWhatOnlyReads:
    @pytest.fixture
    def client(self, person: User) -> APIClient:
        return bearer(issue_service_token(user=person, reads_only=True))

    def test_asks(self, client: APIClient) -> None:
        assert client.get(WHO).status_code == 200
        assert client.get("/api/recommendations/personalized/movies").status_code == 200

    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    @pytest.mark.parametrize("address", ["/api/movies/{}/like", "/api/interactions", "/api/dislike"])
    def test_changes_nothing(self, client: APIClient, method: str, address: str) -> None:
        refused = getattr(client, method)(address.format(make_item().pk))
        assert_refused(refused, 403)
        assert refused.json()["error"] == "This token may only read."


class TestTheLastUse:
    def test_is_a_day_and_written_once_a_day(self, person: User) -> None:
        client = bearer(issue_service_token(user=person))
        assert ServiceToken.objects.get().last_used_on is None
        client.get(WHO)
        assert ServiceToken.objects.get().last_used_on == timezone.now().date()
        before = timezone.now().date() - timedelta(days=3)
        ServiceToken.objects.update(last_used_on=before)
        client.get(WHO)
        assert ServiceToken.objects.get().last_used_on == timezone.now().date()

    def test_a_refused_one_is_no_use(self, person: User) -> None:
        client = bearer(issue_service_token(user=person, reads_only=True))
        client.post("/api/interactions", {}, format="json")
        assert ServiceToken.objects.get().last_used_on is None

    def test_where_nothing_can_be_written_reading_goes_on(
        self, person: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = bearer(issue_service_token(user=person))

        def refuses(self: QuerySet[ServiceToken], **values: object) -> int:
            raise OperationalError("attempt to write a readonly database")

        monkeypatch.setattr(QuerySet, "update", refuses)
        assert client.get(WHO).status_code == 200


class TestInTheAdmin:
    @pytest.fixture
    def superuser(self, db: None) -> User:
        return make_user("root", is_staff=True, is_superuser=True)

    @pytest.fixture
    def clerk(self, db: None) -> User:
        """Somebody of the staff who may make tokens, and no more."""
        clerk = make_user("clerk", is_staff=True)
        clerk.user_permissions.set(Permission.objects.filter(codename__endswith="_servicetoken"))
        return clerk

    @staticmethod
    def as_(person: User) -> Client:
        client = Client()
        client.force_login(person)
        return client

    def test_one_is_made_shown_once_and_works(self, superuser: User, person: User) -> None:
        client = self.as_(superuser)
        ends_at = timezone.now() + timedelta(days=30)
        made = client.post(
            ADD,
            {
                "user": person.pk,
                "name": "the <b>app</b>",
                "reads_only": "on",
                "ends_at_0": f"{ends_at:%Y-%m-%d}",
                "ends_at_1": f"{ends_at:%H:%M:%S}",
            },
        )
        row = ServiceToken.objects.get()
        token = made.context["token"].issued
        assert row.digest == ServiceToken.hash(token)
        assert (row.user, row.name, row.reads_only, row.may_act_for_others) == (
            person,
            "the <b>app</b>",
            True,
            False,
        )
        assert "no-store" in made.headers["Cache-Control"]
        assert token in made.content.decode()
        assert "<b>app</b>" not in made.content.decode()
        assert bearer(token).get(WHO).json()["user_id"] == person.pk
        for address in (LISTED, f"{LISTED}{row.digest}/change/"):
            assert token not in client.get(address).content.decode()

    def test_one_is_revoked(self, superuser: User, person: User) -> None:
        token = issue_service_token(user=person)
        digest = ServiceToken.hash(token)
        assert self.as_(superuser).post(f"{LISTED}{digest}/delete/", {"post": "yes"}).status_code == 302
        assert_refused(bearer(token).get(WHO), 401)

    def test_only_its_name_can_be_changed(self, superuser: User, person: User) -> None:
        digest = ServiceToken.hash(issue_service_token(user=person, name="old"))
        changed = {"name": "new", "may_act_for_others": "on", "user": superuser.pk, "reads_only": "on"}
        assert self.as_(superuser).post(f"{LISTED}{digest}/change/", changed).status_code == 302
        row = ServiceToken.objects.get()
        assert (row.name, row.may_act_for_others, row.user, row.reads_only) == ("new", False, person, False)

    def test_nobody_gets_more_rights_by_one_than_they_have(self, clerk: User, superuser: User) -> None:
        client = self.as_(clerk)
        for wanted in (
            {"user": superuser.pk},
            {"user": make_user("other", is_staff=True).pk},
            {"user": clerk.pk, "may_act_for_others": "on"},
        ):
            answer = client.post(ADD, {"name": "", **wanted})
            assert "Only a superuser" in answer.content.decode()
        assert not ServiceToken.objects.exists()
        assert client.post(ADD, {"user": clerk.pk, "name": ""}).status_code == 200
        assert ServiceToken.objects.get().user == clerk

    def test_one_that_could_not_work_is_refused(self, superuser: User) -> None:
        client = self.as_(superuser)
        gone = make_user("gone", is_active=False)
        assert "inactive" in client.post(ADD, {"user": gone.pk}).content.decode()
        past = {"user": superuser.pk, "ends_at_0": "2020-01-01", "ends_at_1": "00:00"}
        assert "This is past." in client.post(ADD, past).content.decode()
        assert not ServiceToken.objects.exists()

    def test_without_the_permission_there_is_no_page(self, person: User) -> None:
        staff = make_user("staff", is_staff=True)
        assert self.as_(staff).get(ADD).status_code == 403
        assert self.as_(person).get(ADD).status_code == 302
