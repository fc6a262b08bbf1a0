"""A table that this release does not know, because a newer one made it, refers to what is deleted here.

So it is while machines are upgraded one after the other: the schema is of the newer release already. Then a
deletion is refused in a sentence and leaves all as it was; it is no 500.
"""

from collections.abc import Iterator

import pytest
from django.apps.registry import Apps
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.test import Client

from accounts.models import User
from catalog.models import Item
from core.errors import STILL_REFERRED_TO
from interactions.models import UserInteraction
from interactions.services import record_interaction
from tests.factories import app_client, make_item

PASSWORD = "a long pass 1"


@pytest.fixture
def referred_to(transactional_db: None) -> Iterator[tuple[User, Item]]:
    """A person with an act, and an item, to whom a row of a newer table refers."""
    kept_apart = Apps()

    class Newer(models.Model):  # noqa: DJ008  read by nobody
        person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", null=True)
        item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+", null=True)

        class Meta:
            app_label = "newer"
            apps = kept_apart

    with connection.schema_editor() as editor:
        editor.create_model(Newer)
    ann, item = User.objects.create_user("ann", password=PASSWORD), make_item()
    record_interaction(user_id=ann.pk, item_id=item.pk, type_name="view")
    Newer(person=ann, item=item).save()
    yield ann, item
    with connection.schema_editor() as editor:
        editor.delete_model(Newer)


def is_as_before(ann: User, item: Item) -> bool:
    return (
        User.objects.filter(pk=ann.pk).exists()
        and Item.objects.filter(pk=item.pk).exists()
        and UserInteraction.objects.filter(user=ann, item=item).exists()
    )


def test_a_person_cannot_erase_themselves_yet(referred_to: tuple[User, Item]) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(referred_to[0])
    answer = client.post("/accounts/data/erase/", {"password": PASSWORD, "sure": "on"})
    assert answer.status_code == 409
    assert STILL_REFERRED_TO in answer.content.decode()
    assert is_as_before(*referred_to)
    assert client.get("/").status_code == 200


def test_an_app_cannot_erase_a_person_yet(referred_to: tuple[User, Item]) -> None:
    ann = referred_to[0]
    ann.set_unusable_password()
    ann.save()
    answer = app_client().delete("/api/users/ann")
    assert (answer.status_code, answer.json()["error"]) == (409, STILL_REFERRED_TO)
    assert is_as_before(*referred_to)


def test_an_app_cannot_delete_an_item_yet(referred_to: tuple[User, Item]) -> None:
    item = referred_to[1]
    answer = app_client().delete(f"/api/items/movie/{item.external_id}?history=delete")
    assert (answer.status_code, answer.json()["error"]) == (409, STILL_REFERRED_TO)
    assert is_as_before(*referred_to)


def test_staff_cannot_delete_a_person_yet(referred_to: tuple[User, Item], admin_client: Client) -> None:
    admin_client.raise_request_exception = False
    address = f"/admin/accounts/user/{referred_to[0].pk}/delete/"
    assert admin_client.post(address, {"post": "yes"}).status_code == 409
    assert is_as_before(*referred_to)


def test_the_command_says_so(referred_to: tuple[User, Item]) -> None:
    with pytest.raises(CommandError, match="refers to this"):
        call_command("erase_user", "ann", "--yes")
    assert is_as_before(*referred_to)
