"""Deleting a person in the admin: the same erasure as by the command and by themselves."""

import pytest
from axes.models import AccessLog
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from interactions.models import UserInteraction
from tests.factories import make_interaction, make_item
from tests.privacy.builders import PASSWORD

pytestmark = pytest.mark.django_db


def test_it_erases_what_was_kept_under_an_earlier_name_and_their_address_too(
    admin_client: Client, settings: Settings
) -> None:
    settings.AXES_FAILURE_LIMIT = 100
    person = User.objects.create_user("ann-smith", password=PASSWORD, email="ann-smith@example.org")
    visitor = Client()
    tried = [("ann-smith", "wrong"), ("Ann-Smith", "wrong"), ("ann-smith@example.org", "wrong")]
    for name, password in [*tried, ("ann-smith", PASSWORD)]:
        visitor.post("/accounts/login/", {"username": name, "password": password})
    admin_client.post("/admin/accounts/servicetoken/add/", {"user": person.pk, "name": "script"})
    form = {"username": "ann-jones", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    form |= {"is_active": "on", "email": person.email}
    assert admin_client.post(f"/admin/accounts/user/{person.pk}/change/", form).status_code == 302
    assert AccessLog.objects.get(username="ann-jones")
    assert admin_client.post(f"/admin/accounts/user/{person.pk}/delete/", {"post": "yes"}).status_code == 302
    rows = [str(row) for model in apps.get_models() for row in model._default_manager.values()]
    assert not [row for row in rows if "ann-smith" in row.lower() or "ann-jones" in row.lower()]


def test_an_address_that_is_the_name_of_another_is_theirs(admin_client: Client, person: User) -> None:
    User.objects.create_user("ann@example.org", password=PASSWORD)
    User.objects.filter(pk=person.pk).update(email="ann@example.org")
    Client().post("/accounts/login/", {"username": "ann@example.org", "password": PASSWORD})
    admin_client.post(f"/admin/accounts/user/{person.pk}/delete/", {"post": "yes"})
    assert AccessLog.objects.filter(username="ann@example.org").exists()


@pytest.mark.parametrize("from_the_list", [False, True])
def test_it_erases_all_that_is_kept(admin_client: Client, person: User, from_the_list: bool) -> None:
    make_interaction(person, make_item())
    address = "/admin/accounts/user/"
    asked = admin_client.get(f"{address}{person.pk}/delete/").content.decode()
    assert "1 interactions" in asked
    if from_the_list:
        body = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
        assert admin_client.post(address, body).status_code == 302
    else:
        assert admin_client.post(f"{address}{person.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=person.pk).exists()
    assert not UserInteraction.objects.exists()
    assert not LogEntry.objects.filter(object_repr__contains=person.username).exists()
