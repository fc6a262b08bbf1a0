"""The items that a person keeps: the watchlist, and of start-ups those that they applied to or marked."""

import pytest
from django.test import Client
from pytest_django.asserts import assertContains, assertNotContains

from accounts.models import User
from accounts.services import set_roles
from catalog.models import Item
from interactions.services import record_interaction, withdraw_state
from tests.factories import make_user
from tests.web.conftest import MakeItem

PAGE = "/watchlist/?kind=startups"


@pytest.fixture
def startups(make_item: MakeItem) -> list[Item]:
    return [make_item(f"Start-up {number}", kind="startup") for number in range(4)]


@pytest.fixture
def both(client: Client, person: User) -> User:
    """Somebody of both roles, logged in."""
    set_roles(user=person, roles=["developer", "investor"])
    client.force_login(person)
    return person


def titles(client: Client, address: str) -> list[str]:
    return [card.title for card, _ in client.get(address).context["found"]]


def test_what_was_applied_to_and_marked_stands_once_the_last_first(
    client: Client, both: User, startups: list[Item]
) -> None:
    for item, type_name in zip((0, 1, 2, 0), ("apply", "favorite", "interest", "interest"), strict=True):
        record_interaction(user_id=both.pk, item_id=startups[item].pk, type_name=type_name)
    record_interaction(user_id=both.pk, item_id=startups[3].pk, type_name="like")
    assert titles(client, PAGE) == ["Start-up 0", "Start-up 2", "Start-up 1"]
    assert titles(client, "/watchlist/") == []
    withdraw_state(user_id=both.pk, item_id=startups[2].pk, type_name="interest")
    assert titles(client, PAGE) == ["Start-up 0", "Start-up 1"]


def test_films_and_the_start_ups_of_others_stand_elsewhere(
    client: Client, both: User, startups: list[Item], make_item: MakeItem
) -> None:
    film = make_item("Heat")
    record_interaction(user_id=both.pk, item_id=film.pk, type_name="favorite")
    other = make_user("other")
    set_roles(user=other, roles=["investor"])
    record_interaction(user_id=other.pk, item_id=startups[0].pk, type_name="favorite")
    assert titles(client, PAGE) == []
    record_interaction(user_id=both.pk, item_id=film.pk, type_name="watchlist_add")
    assert titles(client, "/watchlist/") == ["Heat"]


def test_an_empty_page_says_how_it_fills(client: Client, both: User, startups: list[Item]) -> None:
    page = client.get(PAGE)
    assertContains(page, "Nothing kept yet")
    assertContains(page, 'href="/?kind=startups"')


def test_pages_keep_to_their_kind(client: Client, both: User, make_item: MakeItem) -> None:
    for number in range(25):
        item = make_item(f"Many {number}", kind="startup")
        record_interaction(user_id=both.pk, item_id=item.pk, type_name="favorite")
    assertContains(client.get(PAGE), 'href="?kind=startups&amp;page=2"')
    assert titles(client, f"{PAGE}&page=2") == ["Many 0"]


@pytest.mark.parametrize("kind", ["movies", "movie", "nonsense", "%00"])
def test_any_other_kind_is_not_found(client: Client, both: User, startups: list[Item], kind: str) -> None:
    assert client.get(f"/watchlist/?kind={kind}").status_code == 404


def test_without_start_ups_there_is_nothing_to_choose(
    client: Client, person: User, make_item: MakeItem
) -> None:
    make_item("Heat")
    client.force_login(person)
    assertNotContains(client.get("/watchlist/"), 'aria-label="What you kept"')
