"""The page of bursts for staff: who may see it, what it says, and its two buttons."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from catalog.models import Item
from tests.factories import allow, make_item, make_items
from tests.interactions.test_new_accounts import accounts, like

pytestmark = pytest.mark.django_db
PAGE = "/admin/bursts/"
DISCOUNT, COUNT_AGAIN = f"{PAGE}discount/", f"{PAGE}count-again/"


@pytest.fixture
def keeper(staff: User) -> User:
    allow(staff, "change_user", "view_user")
    return staff


@pytest.fixture
def film() -> Item:
    """It is liked by forty settled people and fifty new ones."""
    film = make_item("<b>Loud</b>")
    like(accounts(40, days=30), film)
    like(accounts(50, days=1), film)
    return film


def discounted() -> int:
    return User.objects.exclude(discounted_at=None).count()


def test_nobody_sees_or_does_it_without_the_permission(
    client: Client, staff: User, person: User, film: Item
) -> None:
    allow(staff, "view_user", "view_item")
    burst = {"burst": f"{film.pk}-for"}
    assert client.get(PAGE).status_code == 403
    assert client.post(DISCOUNT, burst).status_code == 403
    assert client.post(COUNT_AGAIN, {"group": timezone.now().isoformat()}).status_code == 403
    assert PAGE not in client.get("/admin/accounts/user/").content.decode()
    client.force_login(person)
    assert client.get(PAGE).status_code == 302
    assert client.post(DISCOUNT, burst).status_code == 302
    assert discounted() == 0
    assert not LogEntry.objects.exists()


def test_it_is_linked_and_says_where_there_is_nothing(client: Client, keeper: User) -> None:
    assert f'href="{PAGE}"' in client.get("/admin/accounts/user/").content.decode()
    found = client.get(PAGE).content.decode()
    assert "No item has many new accounts speak of it now." in found
    assert "Discount" not in found
    assert client.post(PAGE).status_code == 405
    assert client.get(DISCOUNT).status_code == 405
    assert client.get(COUNT_AGAIN).status_code == 405


def test_a_burst_is_discounted_once_and_counted_again(client: Client, keeper: User, film: Item) -> None:
    shown = client.get(PAGE).content.decode()
    assert "Discount 50 accounts" in shown
    assert "&lt;b&gt;Loud" in shown
    assert "<b>Loud" not in shown
    assert not client.get(PAGE, {"burst": f"{film.pk}-against"}).context["people"]
    with_accounts = client.get(PAGE, {"burst": f"{film.pk}-for"})
    assert len(with_accounts.context["people"]) == 50
    assert "The accounts of one burst" in with_accounts.content.decode()
    answers = [client.post(DISCOUNT, {"burst": f"{film.pk}-for"}, follow=True) for _ in range(2)]
    assert "Discounted: 50 accounts." in answers[0].content.decode()
    assert "Nothing changed" in answers[1].content.decode()
    assert discounted() == 50
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (keeper, str(film.pk))
    assert "Discounted 50 accounts that spoke for it" in entry.change_message
    (group,) = client.get(PAGE).context["groups"]
    people = client.get(group.address)
    assert people.status_code == 200
    assert people.context["cl"].result_count == 50
    answers = [client.post(COUNT_AGAIN, {"group": group.key}, follow=True) for _ in range(2)]
    assert "Counted again: 50 accounts." in answers[0].content.decode()
    assert "Nothing changed" in answers[1].content.decode()
    assert discounted() == 0
    assert LogEntry.objects.count() == 2
    assert client.get("/admin/").status_code == 200


@pytest.mark.slow
def test_strange_input_changes_nothing(client: Client, keeper: User, film: Item) -> None:
    assert client.get(f"{PAGE}?burst=%00").status_code == 200
    for text in ("", "\x00", f"{film.pk}", f"{film.pk}-against", f"{'9' * 40}-for", "0001-01-01", "²"):
        for address, name in ((DISCOUNT, "burst"), (COUNT_AGAIN, "group")):
            answer = client.post(address, {name: text}, follow=True)
            assert "Nothing changed" in answer.content.decode()
    assert discounted() == 0
    outside = Client(enforce_csrf_checks=True)
    outside.force_login(keeper)
    assert outside.post(DISCOUNT, {"burst": f"{film.pk}-for"}).status_code == 403


def test_queries_do_not_grow_with_the_bursts(client: Client, keeper: User, film: Item) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        return len(queries)

    count()
    few = count()
    for other in make_items(5):
        like(accounts(8, days=1), other)
    assert len(client.get(PAGE).context["rows"]) == 6
    assert count() == few
