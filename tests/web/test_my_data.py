"""The pages of a person's data: a file of their own, and their own account gone if they say so themselves."""

import json

import pytest
from django.conf import LazySettings
from django.http import FileResponse
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.models import User
from accounts.services import issue_service_token
from interactions.services import record_interaction
from privacy.export import FORMAT
from tests.factories import make_interaction, make_item, make_user
from tests.web.conftest import PASSWORD
from web.my_data import BY_THE_OPERATOR, ERASED

DATA, DOWNLOAD, ERASE = "/accounts/data/", "/accounts/data/download/", "/accounts/data/erase/"
SURE = {"password": PASSWORD, "sure": "on"}


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    record_interaction(user_id=person.pk, item_id=make_item("Heat").pk, type_name="like")
    return client


def is_there(person: User) -> bool:
    return User.objects.filter(pk=person.pk).exists()


class TestSeeing:
    def test_it_says_how_much_is_kept_and_the_menu_leads_there(self, ada: Client, person: User) -> None:
        assertContains(ada.get("/watchlist/"), f'href="{DATA}"')
        page = ada.get(DATA)
        assertContains(page, "<dt>Things you did, dislikes included</dt><dd>1</dd>", html=True)
        assertNotContains(page, "Tokens of programs")
        issue_service_token(user=person)
        assertContains(ada.get(DATA), "<dt>Tokens of programs</dt><dd>1</dd>", html=True)

    @pytest.mark.parametrize("path", [DATA, DOWNLOAD, ERASE])
    def test_it_is_for_those_who_are_logged_in(self, client: Client, db: None, path: str) -> None:
        assertRedirects(client.get(path), f"/accounts/login/?next={path}")
        assert client.post(path, SURE).status_code in (302, 405)

    @pytest.mark.parametrize("path", [DATA, DOWNLOAD, ERASE])
    def test_nobody_keeps_a_copy_on_the_way(self, ada: Client, path: str) -> None:
        response = ada.get(path)
        assert {"no-store", "private"} <= set(response.headers["Cache-Control"].split(", "))


class TestDownloading:
    def test_the_file_is_the_persons_own(self, ada: Client, person: User) -> None:
        make_interaction(make_user("bob"), make_item("Only Bob saw this"))
        response = ada.get(DOWNLOAD)
        assert isinstance(response, FileResponse)
        assert response.headers["Content-Disposition"] == 'attachment; filename="heed-ada.json"'
        assert response.headers["Content-Type"] == "application/json"
        body = response.getvalue()
        assert int(response.headers["Content-Length"]) == len(body)
        document = json.loads(body)
        assert document["about"]["format"] == FORMAT
        assert document["account"]["username"] == "ada"
        assert [row["title"] for row in document["interactions"]] == ["Heat"]

    def test_nobody_else_can_be_named(self, ada: Client) -> None:
        other = make_user("bob")
        response = ada.get(f"{DOWNLOAD}?user={other.pk}&username=bob&user_id={other.pk}")
        document = json.loads(response.getvalue())
        assert document["account"]["username"] == "ada"

    def test_a_name_of_any_letters_makes_a_file_name(self, client: Client, db: None) -> None:
        client.force_login(User.objects.create_user("日本@+.-_é", password=PASSWORD))
        response = client.get(DOWNLOAD)
        assert response.status_code == 200
        assert "filename*=utf-8''heed-" in response.headers["Content-Disposition"]

    def test_it_is_only_read(self, ada: Client) -> None:
        assert ada.post(DOWNLOAD).status_code == 405


class TestErasing:
    def test_with_the_password_and_the_tick_all_is_gone_and_the_start_says_so(
        self, ada: Client, person: User
    ) -> None:
        elsewhere = Client()
        elsewhere.force_login(person)
        response = ada.post(ERASE, SURE, follow=True)
        assert response.redirect_chain == [("/", 302)]
        assertContains(response, ERASED)
        assert "web/landing.html" in [template.name for template in response.templates]
        assert not is_there(person)
        for client in (ada, elsewhere):
            assert client.get("/api/check-auth").json()["authenticated"] is False
        assertRedirects(ada.post(ERASE, SURE), f"/accounts/login/?next={ERASE}")

    def test_others_stay(self, ada: Client, person: User) -> None:
        other = make_user("bob")
        ada.post(ERASE, {**SURE, "user": other.pk, "username": "bob", "user_id": other.pk})
        assert is_there(other)
        assert not is_there(person)

    def test_no_address_erases_by_being_opened(self, ada: Client, person: User) -> None:
        for ask in (ada.get, ada.head):
            assert ask(ERASE, SURE).status_code == 200
        assert ada.put(ERASE, SURE).status_code == 405
        assert is_there(person)

    def test_another_site_cannot_send_the_form(self, person: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(person)
        assert client.post(ERASE, SURE).status_code == 403
        assert is_there(person)

    @pytest.mark.parametrize(
        ("form", "says"),
        [
            ({"password": "wrong", "sure": "on"}, "This is not your password."),
            ({"password": PASSWORD.upper(), "sure": "on"}, "This is not your password."),
            ({"password": f" {PASSWORD}", "sure": "on"}, "This is not your password."),
            ({"password": "", "sure": "on"}, "Type your password."),
            ({"password": "a\x00b", "sure": "on"}, "Null characters"),
            ({"password": PASSWORD}, "Tick the box if you mean it."),
            ({"password": PASSWORD, "sure": "false"}, "Tick the box if you mean it."),
            ({}, "Type your password."),
        ],
    )
    def test_without_both_it_says_what_is_missing(
        self, ada: Client, person: User, form: dict[str, str], says: str
    ) -> None:
        assertContains(ada.post(ERASE, form), says)
        assert is_there(person)

    def test_the_password_cannot_be_guessed_here(
        self, ada: Client, person: User, settings: LazySettings
    ) -> None:
        settings.AXES_FAILURE_LIMIT = 3
        for _ in range(3):
            response = ada.post(ERASE, {"password": "wrong", "sure": "on"})
        assert response.status_code == 429
        assert ada.post(ERASE, SURE).status_code == 429
        assert is_there(person)

    @pytest.mark.parametrize("rank", ["is_staff", "is_superuser"])
    def test_staff_are_told_to_go_by_the_command(self, client: Client, person: User, rank: str) -> None:
        setattr(person, rank, True)
        person.save()
        client.force_login(person)
        assertContains(client.get(DATA), BY_THE_OPERATOR["staff"])
        assertNotContains(client.get(DATA), ERASE)
        assertRedirects(client.post(ERASE, SURE), DATA)
        assert is_there(person)

    def test_who_has_no_password_is_told_to_ask_the_operator(self, client: Client, db: None) -> None:
        person = make_user("ann")
        client.force_login(person)
        assertContains(client.get(DATA), BY_THE_OPERATOR["no password"])
        assertRedirects(client.post(ERASE, {"password": "!", "sure": "on"}), DATA)
        assert is_there(person)
