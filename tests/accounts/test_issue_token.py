"""`manage.py issue_token`."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ServiceToken, User
from tests.factories import make_user


def test_it_prints_a_token_that_works_and_keeps_only_its_hash(
    person: User, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("issue_token", "ann")
    token = capsys.readouterr().out.strip()
    row = ServiceToken.objects.get()
    assert row.user == person
    assert row.may_act_for_others is False
    stored = [str(value) for value in ServiceToken.objects.values_list().get()]
    assert not any(token in value for value in stored)
    assert row.digest == ServiceToken.hash(token)
    answer = APIClient(headers={"Authorization": f"Token {token}"}).get("/api/check-auth")
    assert answer.json()["user_id"] == person.pk


def test_two_tokens_of_one_person_differ_and_both_work(
    person: User, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = set()
    for _ in range(2):
        call_command("issue_token", "ann", "--json")
        tokens.add(json.loads(capsys.readouterr().out)["token"])
    assert len(tokens) == 2
    for token in tokens:
        client = APIClient(headers={"Authorization": f"Token {token}"})
        assert client.get("/api/check-auth").status_code == 200


def test_the_right_to_act_for_others_is_given_only_when_asked_for(person: User) -> None:
    call_command("issue_token", "ann", "--may-act-for-others", "--json")
    assert ServiceToken.objects.get().may_act_for_others is True


def test_a_name_a_scope_and_an_end_are_kept(person: User) -> None:
    call_command("issue_token", "ann", "--name", "nightly", "--reads-only", "--days", "2", "--json")
    row = ServiceToken.objects.get()
    assert (row.name, row.reads_only) == ("nightly", True)
    assert row.ends_at is not None
    assert timedelta(days=1) < row.ends_at - timezone.now() < timedelta(days=2)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--name", "x" * 81], "at most 80 characters"),
        (["--days", "0"], "between 1 and 36500"),
        (["--days", "36501"], "between 1 and 36500"),
    ],
)
def test_a_name_or_an_end_that_cannot_be_is_refused(person: User, options: list[str], why: str) -> None:
    with pytest.raises(CommandError, match=why):
        call_command("issue_token", "ann", *options)
    assert not ServiceToken.objects.exists()


@pytest.mark.parametrize("username", ["nobody", "gone", ""])
def test_it_fails_for_somebody_who_is_not_there(db: None, username: str) -> None:
    make_user("gone", is_active=False)
    with pytest.raises(CommandError, match="no active user"):
        call_command("issue_token", username)
    assert not ServiceToken.objects.exists()


def test_the_account_of_a_program_is_made_with_its_token(
    client: Client, db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        call_command("issue_token", "films-site", "--create")
    token = capsys.readouterr().out.split()[-1]
    program = User.objects.get()
    assert (program.username, program.is_staff, program.has_usable_password()) == ("films-site", False, False)
    answer = APIClient(headers={"Authorization": f"Token {token}"}).get("/api/check-auth")
    assert answer.json()["user_id"] == program.pk
    client.post("/accounts/login/", {"username": "films-site", "password": "!"})
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("username", ["", "two words", "x" * 151])
def test_a_bad_name_of_a_program_is_refused(db: None, username: str) -> None:
    with pytest.raises(CommandError, match="is no user name"):
        call_command("issue_token", username, "--create")
    make_user("gone", is_active=False)
    with pytest.raises(CommandError, match="no active user"):
        call_command("issue_token", "gone", "--create")
    assert not ServiceToken.objects.exists()
