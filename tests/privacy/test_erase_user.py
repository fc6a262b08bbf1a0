"""`manage.py erase_user`: the account and every row about it go at once, and nobody else's."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ServiceToken, User
from accounts.page_tokens import issue_page_token
from accounts.services import issue_service_token
from catalog.models import Facet, Item
from core.errors import AccountGone
from interactions.models import UserInteraction
from privacy import services
from privacy.services import erase_person
from ranking.models import ModelVersion
from tests.factories import make_interaction, make_item, make_user
from tests.imports.helpers import json_lines, run
from tests.privacy.builders import NAME, PASSWORD, rows_about

pytestmark = pytest.mark.django_db


def erase(*arguments: str) -> dict[str, Any]:
    return run("erase_user", *arguments)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, and of sessions what they say."""
    tables: dict[str, list[dict[str, Any]]] = {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models(include_auto_created=True)
        if model is not Session
    }
    return {**tables, "sessions": [session.get_decoded() for session in Session.objects.all()]}


class TestWhatGoes:
    def test_no_row_points_at_the_person_any_more(self, zelda: User) -> None:
        erase(NAME, "--yes")
        assert not User.objects.filter(pk=zelda.pk).exists()
        assert [name for name, rows in rows_about(zelda.pk).items() if rows] == []

    def test_the_name_stands_nowhere_in_the_database(self, zelda: User) -> None:
        assert repr(everything()).lower().count(NAME) > 5
        erase(NAME, "--yes")
        assert NAME not in repr(everything()).lower()
        assert "</script>" not in repr(everything())

    def test_what_is_not_about_the_person_stays_as_it_was(self, zelda: User) -> None:
        bob = make_user("bob")
        make_interaction(bob, make_item("Ran", genres=["War"]))
        issue_service_token(user=bob)
        Client().post("/accounts/login/", {"username": "bob", "password": "wrong"})
        Client().force_login(bob)
        LogEntry.objects.log_actions(bob.pk, [bob], 2, change_message="changed himself")
        before = everything()
        erase(NAME, "--yes")
        after = everything()
        # A run of a command is about models: it stays and forgets who started it.
        nobody = {"started_by_id": None, "canceled_by_id": None}
        before["console.Run"] = [{**row, **nobody} for row in before["console.Run"]]
        # So does a change of a rule for lists.
        before["curation.RuleChange"] = [{**row, "by_id": None} for row in before["curation.RuleChange"]]
        for label, rows in before.items():
            assert [row for row in after[label] if row not in rows] == [], label
        assert AccessAttempt.objects.filter(username="bob").count() == 1
        assert rows_about(bob.pk)["interactions.UserInteraction.user"] == 1
        assert rows_about(bob.pk)["accounts.ServiceToken.user"] == 1
        assert Session.objects.count() == 1
        assert LogEntry.objects.get().object_id == str(bob.pk)
        assert (Item.objects.count(), Facet.objects.count(), ModelVersion.objects.count()) == (4, 2, 1)

    def test_logins_tokens_and_page_tokens_are_worth_nothing_afterwards(self, zelda: User) -> None:
        browser = Client()
        browser.force_login(zelda)
        own = issue_service_token(user=zelda)
        site = ServiceToken.objects.get(
            digest=ServiceToken.hash(issue_service_token(user=make_user(), may_act_for_others=True))
        )
        page = issue_page_token(person=zelda, service_token=site)
        erase(NAME, "--yes")
        assert browser.get("/api/check-auth").json()["authenticated"] is False
        for header in (f"Token {own}", f"Page-Token {page}"):
            client = APIClient(headers={"Authorization": header})
            assert client.get("/api/recommendations/personalized/movies").status_code == 401

    def test_who_comes_back_under_the_same_name_starts_from_nothing(self, zelda: User) -> None:
        erase(NAME, "--yes")
        again = User.objects.create_user(NAME, password=PASSWORD)
        assert again.pk != zelda.pk
        assert set(rows_about(again.pk).values()) == {0}
        client = Client()
        client.post("/accounts/login/", {"username": NAME, "password": PASSWORD})
        assert client.get("/taste/").context["total"] == 0

    def test_so_does_who_is_imported_under_the_same_name(self, zelda: User, tmp_path: Path) -> None:
        item = Item.objects.get(title="Heat 0")
        row = {"user": NAME, "item": item.external_id, "type": "like", "occurred_at": "2020-01-01T00:00:00Z"}
        erase(NAME, "--yes")
        run("import_interactions", json_lines(tmp_path / "log.jsonl", row))
        again = User.objects.get(username=NAME)
        assert again.pk != zelda.pk
        assert not again.has_usable_password()
        held = {name: rows for name, rows in rows_about(again.pk).items() if rows}
        assert held == {"interactions.UserInteraction.user": 1}

    def test_more_rows_than_are_read_at_once(self, zelda: User, monkeypatch: pytest.MonkeyPatch) -> None:
        for item in [make_item() for _ in range(7)]:
            make_interaction(zelda, item)
        held = UserInteraction.objects.filter(user=zelda).count()
        monkeypatch.setattr(services, "SLICE", 3)
        assert erase(NAME, "--yes")["rows"]["user interactions"] == held

    def test_all_of_it_or_nothing(self, zelda: User, monkeypatch: pytest.MonkeyPatch) -> None:
        before = everything()

        def fail(person: User) -> None:
            raise RuntimeError

        monkeypatch.setattr(User, "delete", fail)
        with pytest.raises(RuntimeError):
            erase_person(user_id=zelda.pk)
        assert everything() == before


class TestTheCommand:
    def test_it_says_what_it_erased(self, zelda: User) -> None:
        summary = erase(NAME, "--yes")
        assert summary["user"] == NAME
        assert summary["rows"] == {
            "access attempts": 1,
            "access logs": 2,
            "dislike patterns": 1,
            "dislikes": 1,
            "example uses": 1,
            "feature adjustments": 1,
            "idempotency keys": 1,
            "log entries": 4,
            "negative training examples": 1,
            "own rules": 1,
            "preferences": 1,
            "recommendation sessions": 1,
            "service tokens": 1,
            "sessions": 2,
            "taste profiles": 1,
            "user interactions": 3,
            "user-group relationships": 1,
            "user-permission relationships": 1,
            "users": 2,
        }

    def test_without_yes_and_nobody_to_ask_it_erases_nothing(self, zelda: User) -> None:
        with pytest.raises(CommandError, match="Say --yes"):
            erase(NAME)
        assert User.objects.filter(pk=zelda.pk).exists()

    @pytest.mark.parametrize(("typed", "is_gone"), [(NAME, True), ("y", False), ("", False)])
    def test_somebody_at_a_terminal_types_the_name(
        self, zelda: User, monkeypatch: pytest.MonkeyPatch, typed: str, *, is_gone: bool
    ) -> None:
        terminal = StringIO(f"{typed}\n")
        terminal.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr("sys.stdin", terminal)
        said = StringIO()
        if is_gone:
            call_command("erase_user", NAME, stdout=StringIO(), stderr=said)
        else:
            with pytest.raises(CommandError, match="Nothing was erased"):
                call_command("erase_user", NAME, stdout=StringIO(), stderr=said)
        assert f"{NAME}: 3 interactions, 1 lists, 1 dislikes" in said.getvalue()
        assert User.objects.filter(pk=zelda.pk).exists() is not is_gone

    def test_a_staff_account_is_named_as_one_and_can_be_erased(self, zelda: User) -> None:
        User.objects.filter(pk=zelda.pk).update(is_staff=True, is_superuser=True)
        assert erase(NAME, "--yes")["rows"]["users"] == 2

    def test_somebody_unknown_or_nobody_at_all(self) -> None:
        with pytest.raises(CommandError, match="nobody named 'nobody'"):
            erase("nobody", "--yes")
        with pytest.raises(CommandError, match="Name the person"):
            erase("--yes")
        with pytest.raises(AccountGone):
            erase_person(user_id=10**9)

    def test_no_name_goes_into_the_log(self, zelda: User, caplog: pytest.LogCaptureFixture) -> None:
        caplog.clear()
        caplog.set_level("INFO")
        erase(NAME, "--yes")
        assert f"[PRIVACY] person erased user_id={zelda.pk}" in caplog.text
        assert NAME not in caplog.text
