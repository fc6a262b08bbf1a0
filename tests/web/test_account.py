"""An account of one's own: password, address for mail, logging out everywhere, and a new password by mail."""

import re
from collections.abc import Iterator

import pytest
from axes.models import AccessAttempt
from django.core import mail as outgoing
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from pytest_django import Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from accounts.limits.counting import COUNTS
from accounts.models import User
from core import mail
from tests.web.conftest import PASSWORD
from web import mail_links

ACCOUNT, MAIL, EVERYWHERE = "/accounts/", "/accounts/mail/", "/accounts/everywhere/"
CHANGE, FORGOTTEN = "/accounts/password/", "/accounts/forgotten/"
NEW = "another horse 8"
ADDRESS = "ada@example.org"


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def with_mail(person: User) -> User:
    person.email = person.confirmed_email = ADDRESS
    person.save()
    return person


@pytest.fixture(autouse=True)
def _hosts(settings: Settings) -> Iterator[None]:
    settings.ALLOWED_HOSTS = ["testserver"]
    COUNTS.forget()
    yield
    COUNTS.forget()


def sent() -> list[outgoing.EmailMessage]:
    """The mail that went out; waits for what is under way."""
    mail._POOL.submit(int).result(10)
    return outgoing.outbox


def link_in(message: outgoing.EmailMessage) -> str:
    found = re.search(r"https?://\S+", str(message.body))
    assert found
    return found.group()


def new_password(client: Client, link: str, password: str = NEW):  # type: ignore[no-untyped-def]
    """Follows a link and sends the form behind it; the answer to that."""
    page = client.get(link.removeprefix("http://testserver"), follow=True)
    form = {"new_password1": password, "new_password2": password}
    return client.post(page.redirect_chain[-1][0], form) if page.redirect_chain else page


def can_log_in(password: str) -> bool:
    form = {"username": "ada", "password": password}
    return Client().post("/accounts/login/", form).status_code == 302


class TestPassword:
    def test_it_changes_and_ends_all_other_logins(self, ada: Client, person: User) -> None:
        other = Client()
        other.force_login(person)
        form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
        assertRedirects(ada.post(CHANGE, form), ACCOUNT)
        assertRedirects(other.get(ACCOUNT), f"/accounts/login/?next={ACCOUNT}")
        assert can_log_in(NEW)
        assert not can_log_in(PASSWORD)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"old_password": "wrong"}, "This is not your password."),
            ({"old_password": ""}, "This field is required."),
            ({"new_password2": "x"}, "match"),
            ({"new_password1": "12345678", "new_password2": "12345678"}, "entirely numeric"),
            ({"new_password1": "a\x00b", "new_password2": "a\x00b"}, "Null characters"),
        ],
    )
    def test_what_is_wrong_is_said_and_changes_nothing(
        self, ada: Client, change: dict[str, str], says: str
    ) -> None:
        form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW, **change}
        assertContains(ada.post(CHANGE, form), says)
        assert can_log_in(PASSWORD)

    @pytest.mark.parametrize("path", [CHANGE, MAIL, EVERYWHERE])
    def test_a_password_is_not_guessed_from_a_browser_that_was_left_open(
        self, ada: Client, settings: Settings, path: str
    ) -> None:
        settings.AXES_FAILURE_LIMIT = 3
        wrong = {"password": "wrong", "old_password": "wrong", "new_password1": NEW, "new_password2": NEW}
        right = {"password": PASSWORD, "old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
        for _ in range(3):
            answer = ada.post(path, wrong)
        assertContains(answer, "Too many tries", status_code=429)
        assertContains(ada.post(path, right), "Too many tries", status_code=429)
        assert AccessAttempt.objects.get().failures_since_start >= 3

    @pytest.mark.parametrize("path", [CHANGE, MAIL, EVERYWHERE])
    def test_wrong_passwords_count_towards_the_limit_of_the_address(
        self, ada: Client, settings: Settings, path: str
    ) -> None:
        settings.RATE_LIMIT_FACTOR, settings.RATE_LIMITS = 1.0, ["login=2/900"]
        for _ in range(2):
            Client().post("/accounts/login/", {"username": "nobody", "password": "wrong"})
        answer = ada.post(path, {"password": "wrong", "old_password": "wrong"})
        assert answer.status_code == 429

    @pytest.mark.parametrize("path", [ACCOUNT, CHANGE, MAIL, EVERYWHERE])
    def test_it_is_for_those_who_are_logged_in(self, client: Client, db: None, path: str) -> None:
        assertRedirects(client.post(path), f"/accounts/login/?next={path}")

    def test_another_site_cannot_send_the_forms(self, person: User) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(person)
        for path in (CHANGE, MAIL, EVERYWHERE):
            assert strict.post(path, {"password": PASSWORD, "email": "eve@example.org"}).status_code == 403

    def test_who_has_no_password_is_told_whom_to_ask(self, client: Client, db: None) -> None:
        imported = User.objects.create(username="of-an-app", password="!x")
        client.force_login(imported)
        assertContains(client.get(ACCOUNT), "has no password")
        assertRedirects(client.get(CHANGE), ACCOUNT)


class TestMailAddress:
    def test_it_is_set_and_removed_with_the_password_alone(self, ada: Client, person: User) -> None:
        assertContains(ada.post(MAIL, {"email": ADDRESS, "password": "wrong"}), "not your password")
        assert User.objects.get().email == ""
        assertRedirects(ada.post(MAIL, {"email": ADDRESS, "password": PASSWORD}), ACCOUNT)
        assert User.objects.get().email == ADDRESS
        assertRedirects(ada.post(MAIL, {"email": "", "password": PASSWORD}), ACCOUNT)
        assert User.objects.get().email == ""

    @pytest.mark.parametrize("email", ["x", "a@b", "a@example.org\nBcc: eve@b.org", "a" * 250 + "@x.org"])
    def test_what_is_no_address_is_said(self, ada: Client, email: str) -> None:
        assertContains(ada.post(MAIL, {"email": email, "password": PASSWORD}), 'id="id_email_error"')

    def test_it_may_be_given_at_sign_up_or_left_out(self, client: Client, db: None) -> None:
        form = {"username": "grace", "password1": NEW, "password2": NEW}
        client.post("/accounts/signup/", {**form, "email": "grace@example.org"})
        Client().post("/accounts/signup/", {**form, "username": "joan"})
        assert dict(User.objects.values_list("username", "email")) == {
            "grace": "grace@example.org",
            "joan": "",
        }

    def test_an_address_that_somebody_has_is_not_told_of(self, client: Client, with_mail: User) -> None:
        form = {"username": "eve", "password1": NEW, "password2": NEW, "email": ADDRESS}
        assert client.post("/accounts/signup/", form).status_code == 302


class TestConfirming:
    """No new password goes to an address before its owner said that it is theirs."""

    @pytest.fixture
    def link(self, ada: Client) -> str:
        ada.post(MAIL, {"email": ADDRESS, "password": PASSWORD})
        assert sent()[0].to == [ADDRESS]
        return link_in(sent()[0]).removeprefix("http://testserver")

    def test_until_then_no_link_goes_to_it(self, ada: Client, link: str) -> None:
        assertContains(ada.get(ACCOUNT), "is not confirmed yet")
        Client().post(FORGOTTEN, {"email": ADDRESS})
        assert len(sent()) == 1
        assertRedirects(ada.post(link), ACCOUNT)
        assertNotContains(ada.get(ACCOUNT), "is not confirmed yet")
        Client().post(FORGOTTEN, {"email": ADDRESS})
        assert len(sent()) == 2

    def test_a_look_alone_confirms_nothing(self, ada: Client, link: str) -> None:
        assertContains(ada.get(link), ADDRESS)
        assert not User.objects.get().has_confirmed_mail

    def test_it_is_for_who_asked_for_it(self, link: str, other_person: User) -> None:
        assertRedirects(Client().post(link), f"/accounts/login/?next={link}", fetch_redirect_response=False)
        other_person.email = ADDRESS
        other_person.save()
        other = Client()
        other.force_login(other_person)
        assert other.post(link).status_code == 400
        assert not any(person.has_confirmed_mail for person in User.objects.all())

    @pytest.mark.parametrize("change", ["address", "time", "token"])
    def test_it_ends(self, ada: Client, link: str, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
        if change == "address":
            User.objects.update(email="other@example.org")
        elif change == "time":
            monkeypatch.setattr(mail_links, "GOOD_FOR_HOURS", -1)
        else:
            link = link[:-3] + "x/"
        assertContains(ada.post(link), "no longer good", status_code=400)
        assert not User.objects.get().has_confirmed_mail

    def test_it_is_sent_again_until_it_was_too_often(
        self, ada: Client, person: User, settings: Settings
    ) -> None:
        settings.RATE_LIMIT_FACTOR, settings.RATE_LIMITS = 1.0, ["password-reset=2/3600"]
        User.objects.update(email=ADDRESS)
        assertContains(ada.post(f"{MAIL}send/", follow=True), "is on its way")
        answers = [ada.post(f"{MAIL}send/") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [302, 429, 429]
        assert len(sent()) == 2

    def test_nobody_has_mail_sent_to_many(self, ada: Client, settings: Settings) -> None:
        settings.RATE_LIMIT_FACTOR, settings.RATE_LIMITS = 1.0, ["password-reset=2/3600"]
        for number in range(4):
            answer = ada.post(MAIL, {"email": f"x{number}@example.org", "password": PASSWORD}, follow=True)
        assertContains(answer, "Try again in an hour.")
        assert [message.to for message in sent()] == [["x0@example.org"], ["x1@example.org"]]

    def test_at_sign_up_it_is_asked_for_too(self, client: Client, db: None) -> None:
        form = {"username": "grace", "password1": NEW, "password2": NEW, "email": "grace@example.org"}
        client.post("/accounts/signup/", form)
        assertRedirects(client.post(link_in(sent()[0]).removeprefix("http://testserver")), ACCOUNT)
        assert User.objects.get().has_confirmed_mail

    def test_an_address_that_was_confirmed_and_comes_back_needs_no_mail(
        self, ada: Client, with_mail: User
    ) -> None:
        ada.post(MAIL, {"email": ADDRESS, "password": PASSWORD})
        assert sent() == []

    def test_where_links_cannot_be_sent_it_is_said(self, ada: Client, settings: Settings) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        settings.SITE_ADDRESS = ""
        answer = ada.post(MAIL, {"email": ADDRESS, "password": PASSWORD}, follow=True)
        assertContains(answer, "has to set SITE_ADDRESS")
        assert User.objects.get().email == ADDRESS

    def test_staff_vouch_for_what_they_set(self, client: Client, person: User) -> None:
        root = User.objects.create_superuser("root", password=PASSWORD)
        client.force_login(root)
        fields = {
            "username": "ada",
            "email": ADDRESS,
            "date_joined_0": "2026-01-01",
            "date_joined_1": "00:00",
        }
        answer = client.post(f"/admin/accounts/user/{person.pk}/change/", {**fields, "is_active": "on"})
        assert answer.status_code == 302
        assert User.objects.get(pk=person.pk).has_confirmed_mail


class TestEverywhere:
    def test_all_other_logins_end_and_the_password_stays(self, ada: Client, person: User) -> None:
        other = Client()
        other.force_login(person)
        assertRedirects(ada.post(EVERYWHERE, {"password": PASSWORD}), ACCOUNT)
        assertRedirects(other.get(ACCOUNT), f"/accounts/login/?next={ACCOUNT}")
        assert can_log_in(PASSWORD)

    def test_links_under_way_end_too(self, ada: Client, client: Client, with_mail: User) -> None:
        Client().post(FORGOTTEN, {"email": ADDRESS})
        ada.post(EVERYWHERE, {"password": PASSWORD})
        assertContains(new_password(Client(), link_in(sent()[0])), "This link is used up")


class TestForgotten:
    def test_a_link_leads_to_one_new_password(self, client: Client, with_mail: User) -> None:
        other = Client()
        other.force_login(with_mail)
        assertRedirects(client.post(FORGOTTEN, {"email": ADDRESS.upper()}), FORGOTTEN)
        message = sent()[0]
        assert message.to == [ADDRESS]
        assert "ada" in str(message.body)
        link = link_in(message)
        assertRedirects(new_password(client, link), "/accounts/login/")
        assert can_log_in(NEW)
        assertRedirects(other.get(ACCOUNT), f"/accounts/login/?next={ACCOUNT}")
        assertContains(new_password(Client(), link, "a third horse 9"), "This link is used up")
        assert can_log_in(NEW)

    @pytest.mark.parametrize("change", ["login", "address", "time", "token"])
    def test_a_link_ends(
        self,
        client: Client,
        with_mail: User,
        settings: Settings,
        monkeypatch: pytest.MonkeyPatch,
        change: str,
    ) -> None:
        client.post(FORGOTTEN, {"email": ADDRESS})
        link = link_in(sent()[0])
        if change == "login":
            assert can_log_in(PASSWORD)
        elif change == "address":
            User.objects.update(email="other@example.org", confirmed_email="other@example.org")
        elif change == "time":
            settings.PASSWORD_RESET_TIMEOUT = -1
        else:
            link = link[:-2] + "x/"
        answer = new_password(Client(), link)
        assertContains(answer, "This link is used up")

    def test_the_answer_does_not_tell_who_has_an_account(self, client: Client, with_mail: User) -> None:
        User.objects.create(username="of-an-app", password="!x", email="app@example.org")
        User.objects.create_user("gone", password=PASSWORD, email="gone@example.org", is_active=False)
        pages = set()
        for email in (ADDRESS, "nobody@example.org", "app@example.org", "gone@example.org"):
            page = Client().post(FORGOTTEN, {"email": email}, follow=True).content.decode()
            pages.add(re.sub(r'value="[^"]{64}"', "", page))
        assert len(pages) == 1
        assert [message.to for message in sent()] == [[ADDRESS]]

    def test_the_same_work_is_done_for_an_address_that_nobody_has(
        self, client: Client, with_mail: User, django_assert_num_queries: object
    ) -> None:
        for email in (ADDRESS, "nobody@example.org"):
            fresh = Client()
            with django_assert_num_queries(1):  # type: ignore[operator]
                fresh.post(FORGOTTEN, {"email": email})

    def test_an_address_that_only_looks_the_same_gets_nothing(self, client: Client, with_mail: User) -> None:
        for email in ("ADA@example.org ", "аda@example.org", "ada@exаmple.org"):
            client.post(FORGOTTEN, {"email": email})
        assert all(message.to == [ADDRESS] for message in sent())
        assert len(sent()) == 1

    def test_a_strangers_host_is_in_no_link(
        self, client: Client, with_mail: User, settings: Settings
    ) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        answer = client.post(FORGOTTEN, {"email": ADDRESS}, headers={"host": "evil.example"})
        assertContains(answer, "SITE_ADDRESS")
        assert sent() == []
        settings.SITE_ADDRESS = "https://heed.example"
        client.post(FORGOTTEN, {"email": ADDRESS}, headers={"host": "evil.example"})
        assert link_in(sent()[0]).startswith("https://heed.example/accounts/new/")
        settings.ALLOWED_HOSTS = ["testserver"]
        assert client.post(FORGOTTEN, {"email": ADDRESS}, headers={"host": "evil.example"}).status_code == 400
        client.post(FORGOTTEN, {"email": ADDRESS}, headers={"x-forwarded-host": "evil.example"})
        assert all("evil" not in str(message.body) for message in sent())

    def test_no_mailbox_is_flooded_from_wherever(self, with_mail: User, settings: Settings) -> None:
        settings.RATE_LIMIT_FACTOR, settings.RATE_LIMITS = 1.0, ["password-reset=2/3600"]
        for number in range(6):
            answer = Client(REMOTE_ADDR=f"10.0.0.{number}").post(FORGOTTEN, {"email": ADDRESS})
            assert answer.status_code == 302
        assert len(sent()) == 2

    def test_one_address_asks_only_so_often(
        self, client: Client, with_mail: User, settings: Settings
    ) -> None:
        settings.RATE_LIMIT_FACTOR, settings.RATE_LIMITS = 1.0, ["password-reset=2/3600"]
        answers = [client.post(FORGOTTEN, {"email": f"x{number}@example.org"}) for number in range(3)]
        assert [answer.status_code for answer in answers] == [302, 302, 429]

    def test_who_came_by_mail_may_log_in_although_the_name_was_locked(
        self, client: Client, with_mail: User, settings: Settings
    ) -> None:
        settings.AXES_FAILURE_LIMIT = 2
        for _ in range(3):
            assert not can_log_in("wrong")
        client.post(FORGOTTEN, {"email": ADDRESS})
        new_password(client, link_in(sent()[0]))
        assert can_log_in(NEW)

    def test_mail_that_cannot_be_sent_is_noted_and_answered_alike(
        self,
        client: Client,
        with_mail: User,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def refuse(*_: object) -> int:
            raise ConnectionRefusedError

        monkeypatch.setattr(EmailBackend, "send_messages", refuse)
        assertRedirects(client.post(FORGOTTEN, {"email": ADDRESS}), FORGOTTEN)
        sent()
        assert "a mail was not sent" in caplog.text
        assert ADDRESS not in caplog.text

    def test_the_page_of_a_login_leads_there(self, client: Client, db: None) -> None:
        assertContains(client.get("/accounts/login/"), f'href="{FORGOTTEN}"')
        assertNotContains(client.get(FORGOTTEN), "This field is required")
        for wrong in ("", "x", "a\x00@example.org"):
            assertContains(client.post(FORGOTTEN, {"email": wrong}), 'id="id_email_error"')
