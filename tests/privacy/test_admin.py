"""Deleting a person in the admin: the same erasure as by the command and by themselves."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from interactions.models import UserInteraction
from tests.factories import make_interaction, make_item

pytestmark = pytest.mark.django_db


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
