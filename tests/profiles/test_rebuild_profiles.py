"""`rebuild_profiles`."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from profiles.catching_up import catch_up
from profiles.models import Preference, TasteProfile
from profiles.services import reset_profile
from tests.factories import make_interaction, make_item, make_user

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("rebuild_profiles", "--json", "--quiet", *arguments, stdout=out)
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def test_it_makes_everybodys_profile_and_changes_nothing_the_second_time(
    person: User, other_person: User
) -> None:
    make_user("who did nothing")
    film = make_item(genres=["Drama", "Crime"])
    make_interaction(person, film, "like")
    make_interaction(other_person, film, "view")
    assert run() == {"people": 2, "interactions": 2, "preferences": 4, "changed": 2}
    rows = list(Preference.objects.order_by("pk").values_list("profile__user", "facet", "score"))
    assert len(rows) == 4
    assert run() == {"people": 2, "interactions": 2, "preferences": 4, "changed": 0}
    again = Preference.objects.order_by("pk").values_list("profile__user", "facet", "score")
    assert list(again) == rows


def test_it_repairs_what_was_spoilt(person: User) -> None:
    make_interaction(person, make_item(genres=["Drama"]), "like")
    catch_up(user_id=person.pk)
    TasteProfile.objects.update(vector=b"", rows=1, evidence=0, feedback=0)
    assert run("--user", "ann")["changed"] == 1
    assert catch_up(user_id=person.pk).feedback == 1


def test_a_reset_stands(person: User) -> None:
    make_interaction(person, make_item(genres=["Drama"]), "like")
    reset_profile(user_id=person.pk)
    assert run() == {"people": 1, "interactions": 0, "preferences": 0, "changed": 0}


def test_it_names_who_is_not_there(person: User) -> None:
    with pytest.raises(CommandError, match="There is nobody named bob, cy"):
        run("--user", "ann", "--user", "cy", "--user", "bob")
