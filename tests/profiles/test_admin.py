"""The profile in the admin: it can be read."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from profiles.catching_up import catch_up
from profiles.models import TasteProfile
from tests.factories import allow, make_interaction, make_item, make_user

pytestmark = pytest.mark.django_db


def test_staff_see_what_is_liked_best_and_change_nothing(staff: User, client: Client) -> None:
    allow(staff, "view_tasteprofile", "change_tasteprofile", "add_tasteprofile")
    person = make_user("ann")
    make_interaction(person, make_item(genres=["Drama"]), "like")
    make_interaction(person, make_item(genres=["<b>War</b>"]), "watched", rating=0.0)
    catch_up(user_id=person.pk)
    profile = TasteProfile.objects.get()
    assert "ann" in client.get(reverse("admin:profiles_tasteprofile_changelist")).content.decode()
    page = client.get(reverse("admin:profiles_tasteprofile_change", args=[profile.pk]))
    text = page.content.decode()
    assert "+0.120" in text
    assert "&lt;b&gt;War&lt;/b&gt;" in text
    assert 'name="_save"' not in text
    assert client.get(reverse("admin:profiles_tasteprofile_add")).status_code == 403


def test_others_see_nothing(staff: User, client: Client) -> None:
    assert client.get(reverse("admin:profiles_tasteprofile_changelist")).status_code == 403
