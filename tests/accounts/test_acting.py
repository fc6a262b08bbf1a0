"""Profiles of an account: who may act as one, and nobody else."""

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import MAX_PROFILES, create_profile, issue_service_token
from core.errors import InvalidInput
from privacy.services import erase_person
from tests.factories import allow, make_user

pytestmark = pytest.mark.django_db

WHO = "/api/check-auth"


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", password="correct horse 7")


@pytest.fixture
def kids(ann: User) -> User:
    return create_profile(account=ann, name="With the kids")


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def who(client: Client, **headers: str) -> object:
    answer = client.get(WHO, headers=headers)
    return answer.json()["user_id"] if answer.status_code == 200 else answer.status_code


class TestInABrowser:
    def test_a_profile_acts_from_the_change_on_until_the_change_back(self, ann: User, kids: User) -> None:
        client = browser(ann)
        client.post(reverse("profile-change", args=[kids.pk]))
        assert who(client) == kids.pk
        client.post(reverse("profile-change", args=[ann.pk]))
        assert who(client) == ann.pk

    def test_one_query_finds_the_account_and_its_profile(
        self, ann: User, kids: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = browser(ann)
        client.post(reverse("profile-change", args=[kids.pk]))
        with django_assert_num_queries(2):  # the session, and both
            assert who(client) == kids.pk

    def test_a_profile_that_was_deleted_leaves_the_account(self, ann: User, kids: User) -> None:
        client = browser(ann)
        client.post(reverse("profile-change", args=[kids.pk]))
        erase_person(user_id=kids.pk)
        assert who(client) == ann.pk

    @pytest.mark.parametrize("forged", ["foreign", "account", "nobody", "text", "list"])
    def test_a_forged_session_is_the_account(self, ann: User, forged: str) -> None:
        bob = make_user("bob")
        foreign = create_profile(account=bob, name="Bob's")
        client = browser(ann)
        session = client.session
        session["profile"] = {
            "foreign": foreign.pk,
            "account": bob.pk,
            "nobody": 10**18,
            "text": str(foreign.pk),
            "list": [foreign.pk],
        }[forged]
        session.save()
        assert who(client) == ann.pk

    def test_a_foreign_profile_is_not_changed_to_renamed_or_deleted(self, ann: User) -> None:
        foreign = create_profile(account=make_user("bob"), name="Bob's")
        client = browser(ann)
        for name in ("profile-change", "profile-name", "profile-end"):
            client.post(reverse(name, args=[foreign.pk]), {"name": "mine"})
        assert who(client) == ann.pk
        foreign.refresh_from_db()
        assert foreign.profile_name == "Bob's"

    def test_another_password_ends_the_profile_with_the_login(self, ann: User, kids: User) -> None:
        client = browser(ann)
        client.post(reverse("profile-change", args=[kids.pk]))
        ann.set_password("another horse 8")
        ann.save()
        assert who(client) is None

    def test_an_account_that_was_closed_has_no_profile_that_acts(self, ann: User, kids: User) -> None:
        client = browser(ann)
        client.post(reverse("profile-change", args=[kids.pk]))
        User.objects.filter(pk=ann.pk).update(is_active=False)
        assert who(client) is None

    def test_another_login_in_the_same_browser_forgets_it(self, ann: User, kids: User) -> None:
        client = browser(ann)
        client.post(reverse("profile-change", args=[kids.pk]))
        bob = make_user("bob")
        client.force_login(bob)
        assert who(client) == bob.pk

    def test_the_account_s_own_pages_are_the_account_s(self, ann: User, kids: User) -> None:
        client = browser(ann)
        client.post(reverse("profile-change", args=[kids.pk]))
        assert "ann" in client.get(reverse("account")).text
        saved = client.post(
            reverse("account-mail"), {"email": "ann@example.org", "password": "correct horse 7"}
        )
        assert saved.status_code == 302
        assert User.objects.get(pk=ann.pk).email == "ann@example.org"

    def test_staff_see_the_admin_whatever_profile_they_use(self) -> None:
        boss = User.objects.create_superuser("boss", password="correct horse 7")
        mine = create_profile(account=boss, name="At home")
        client = browser(boss)
        client.post(reverse("profile-change", args=[mine.pk]))
        assert client.get(reverse("admin:accounts_user_changelist")).status_code == 200
        shown = client.get(reverse("admin:accounts_user_change", args=[mine.pk]))
        assert "A profile of" in shown.text
        password = client.get(reverse("admin:auth_user_password_change", args=[mine.pk]))
        assert password.status_code == 403
        assert client.get(reverse("as_person", args=[mine.pk])).text.count("A profile of") == 1


class TestByTheApi:
    def test_a_header_names_the_profile_or_the_account(self, ann: User, kids: User) -> None:
        client = browser(ann)
        assert who(client, **{"X-Profile": str(kids.pk)}) == kids.pk
        client.post(reverse("profile-change", args=[kids.pk]))
        assert who(client, **{"X-Profile": str(ann.pk)}) == ann.pk

    def test_a_token_names_profiles_of_its_own_account_alone(self, ann: User, kids: User) -> None:
        foreign = create_profile(account=make_user("bob"), name="Bob's")
        client = APIClient(headers={"Authorization": f"Token {issue_service_token(user=ann)}"})
        assert client.get(WHO, headers={"X-Profile": str(kids.pk)}).json()["user_id"] == kids.pk
        answers = [
            client.get(WHO, headers={"X-Profile": value})
            for value in (str(foreign.pk), "999999999", "", "-1", "x", "9" * 400, "٣", f"{kids.pk} ")
        ]
        assert {answer.status_code for answer in answers[:-1]} == {403}
        assert len({answer.content for answer in answers[:2]}) == 1

    def test_an_app_names_the_account_and_then_the_profile(self, ann: User, kids: User) -> None:
        token = issue_service_token(user=make_user("app"), may_act_for_others=True)
        client = APIClient(headers={"Authorization": f"Token {token}"})
        bob = make_user("bob")
        by_id = {"X-User-ID": str(ann.pk), "X-Profile": str(kids.pk)}
        by_name = {"X-User-Name": "ann", "X-Profile": str(kids.pk)}
        assert client.get(WHO, headers=by_id).json()["user_id"] == kids.pk
        assert client.get(WHO, headers=by_name).json()["user_id"] == kids.pk
        for refused in (
            {"X-User-ID": str(kids.pk)},
            {"X-User-Name": kids.username},
            {"X-User-ID": str(bob.pk), "X-Profile": str(kids.pk)},
            {"X-User-Name": "bob", "X-Profile": str(kids.pk)},
            {"X-Profile": str(kids.pk)},
        ):
            assert client.get(WHO, headers=refused).status_code == 403

    def test_a_profile_of_staff_cannot_be_acted_for(self) -> None:
        boss = make_user("boss", is_staff=True)
        mine = create_profile(account=boss, name="At home")
        token = issue_service_token(user=make_user("app"), may_act_for_others=True)
        client = APIClient(headers={"Authorization": f"Token {token}"})
        headers = {"X-User-ID": str(boss.pk), "X-Profile": str(mine.pk)}
        assert client.get(WHO, headers=headers).status_code == 403

    def test_an_app_neither_finds_nor_takes_a_profile_by_its_name(self, kids: User) -> None:
        token = issue_service_token(user=make_user("app"), may_act_for_others=True)
        client = APIClient(headers={"Authorization": f"Token {token}"})
        assert client.get(f"/api/users/{kids.username}").status_code == 404
        assert client.put(f"/api/users/{kids.username}", {}, format="json").status_code == 409
        assert client.delete(f"/api/users/{kids.username}").status_code == 404

    def test_a_profile_gets_no_page_token_of_its_own(self, ann: User, kids: User) -> None:
        token = issue_service_token(user=make_user("app"), may_act_for_others=True)
        client = APIClient(headers={"Authorization": f"Token {token}"})
        headers = {"X-User-ID": str(ann.pk), "X-Profile": str(kids.pk)}
        assert client.post("/api/page-token", headers=headers).status_code == 403


class TestNobodySignsInAsOne:
    def test_no_password_opens_it(self, kids: User) -> None:
        assert not kids.has_usable_password()
        for password in ("", "!", kids.password, kids.password[1:]):
            assert authenticate(HttpRequest(), username=kids.username, password=password) is None

    @pytest.mark.parametrize(
        "given",
        [{"password": "md5$a$b"}, {"email": "a@example.org"}, {"is_staff": True}, {"is_superuser": True}],
        ids=lambda given: next(iter(given)),
    )
    def test_the_database_lets_nobody_give_it_a_login_or_rights(
        self, kids: User, given: dict[str, object]
    ) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=kids.pk).update(**given)

    def test_staff_make_no_token_for_it(self, kids: User) -> None:
        boss = User.objects.create_superuser("boss", password="correct horse 7")
        answer = browser(boss).post(reverse("admin:accounts_servicetoken_add"), {"user": kids.pk, "name": ""})
        assert "This is a profile." in answer.text

    def test_a_name_like_its_user_name_cannot_be_signed_up(self) -> None:
        answer = Client().post(
            reverse("signup"),
            {"username": "profile-1", "password1": "correct horse 7", "password2": "correct horse 7"},
        )
        assert not User.objects.filter(username="profile-1").exists()
        assert answer.status_code != 302


class TestMakingOne:
    def test_an_account_has_so_many_at_most(self, ann: User) -> None:
        for number in range(MAX_PROFILES):
            create_profile(account=ann, name=f"Profile {number}")
        with pytest.raises(InvalidInput, match="at most"):
            create_profile(account=ann, name="One more")

    @pytest.mark.parametrize(
        "name", ["", "  ", "with  the KIDS", "x" * 41, "a\0b"], ids=["empty", "blank", "alike", "long", "NUL"]
    )
    def test_a_bad_name_is_refused(self, ann: User, kids: User, name: str) -> None:
        with pytest.raises(InvalidInput, match=r"name|named"):
            create_profile(account=ann, name=name)

    def test_staff_alone_may_not_change_it(self, kids: User) -> None:
        helper = make_user("helper", is_staff=True)
        allow(helper, "view_user", "change_user")
        answer = browser(helper).post(
            reverse("admin:accounts_user_change", args=[kids.pk]), {"username": "x"}
        )
        assert answer.status_code == 403
