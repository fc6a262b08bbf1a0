"""Lists on record in the admin: what of them who sees, and that each look is logged."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from core.domain import USE_CASES
from serving.pipeline import recommend
from tests.factories import allow, make_item

pytestmark = pytest.mark.django_db
LIST = "/admin/recommendations/recommendationsession/"


@pytest.fixture
def address(person: User) -> str:
    make_item("The Long Night")
    session = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"])
    return f"{LIST}{session.session_id}/change/"


def test_what_a_list_showed_is_for_those_who_may_see_lists_of_people(
    client: Client, staff: User, address: str
) -> None:
    allow(staff, "view_recommendationsession")
    for page in (LIST, address):
        assert "The Long Night" not in client.get(page).content.decode()
    assert "Only who may look as this person sees it." in client.get(address).content.decode()
    assert not LogEntry.objects.exists()
    allow(staff, "view_as_person")
    assert "The Long Night" in client.get(address).content.decode()


def test_each_look_is_logged(client: Client, staff: User, person: User, address: str) -> None:
    allow(staff, "view_recommendationsession", "view_as_person")
    client.get(address)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (staff, str(person.pk))
    assert entry.change_message == f"Looked at their list {address.split('/')[-3]}."


def test_what_is_not_seen_is_no_look(client: Client, staff: User, address: str) -> None:
    allow(staff, "view_as_person")
    assert client.get(address).status_code == 403
    allow(staff, "view_recommendationsession")
    assert client.get(f"{LIST}nothing/change/").status_code == 302
    assert not LogEntry.objects.exists()
