"""The feed, narrowed, sorted and read on: by the code of the API, without repeats, each page on record."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from pytest_django.asserts import assertContains

from accounts.models import User
from catalog.models import Item
from interactions.services import record_interaction
from recommendations.models import RecommendationSession
from tests.factories import make_items, make_user
from tests.web.conftest import MakeItem
from tests.web.test_feed import FEED_QUERIES

Films = dict[str, list[Item]]


@pytest.fixture
def ada(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def titles(client: Client, query: str = "") -> list[str]:
    response = client.get(f"/?{query}")
    assert response.status_code == 200
    return [slot.item.title for slot in response.context["served"].slots]


def pages(client: Client, query: str = "") -> Iterator[list[int]]:
    """The ids of page after page, as a script asks for them."""
    page = client.get(f"/?{query}").content.decode()
    while True:
        yield [int(number) for number in re.findall(r'data-item="(\d+)"', page)]
        more = re.search(r'data-more="([^"]+)"', page)
        if more is None:
            return
        page = client.get(more[1].replace("&amp;", "&")).content.decode()


def test_each_filter_holds_for_all_that_is_shown(ada: Client, two_tastes: Films) -> None:
    assert all(title.startswith("Letter") for title in titles(ada, "genre=Romance"))
    years = [int(title.split()[-1]) for title in titles(ada, "decade=1990")]
    assert years
    assert all(10 <= year <= 14 for year in years)
    assert titles(ada, "genre=Romance&decade=1980&sort=oldest")[:3] == ["Letter 0", "Letter 1", "Letter 2"]
    assert titles(ada, "genre=Romance&sort=newest")[:3] == ["Letter 14", "Letter 13", "Letter 12"]


def test_the_moods_of_the_catalog_can_be_chosen(ada: Client, make_item: MakeItem) -> None:
    for number in range(4):
        make_item(f"Film {number}", theme=["slow burn"] if number < 2 else ["chase"])
    assertContains(ada.get("/"), "<span>Mood</span>")
    assert sorted(titles(ada, "theme=slow+burn")) == ["Film 0", "Film 1"]


def test_what_is_new_to_somebody_is_neither_seen_nor_opened(
    ada: Client, person: User, two_tastes: Films
) -> None:
    first = titles(ada)
    RecommendationSession.objects.update(seen_rank=5)
    opened = next(film for films in two_tastes.values() for film in films if film.title not in first)
    record_interaction(user_id=person.pk, item_id=opened.pk, type_name="view")
    new = titles(ada, "unseen=on")
    assert new
    assert not set(first[:5]) & set(new)
    assert opened.title not in new


def test_pages_have_no_repeats_and_each_is_on_record(ada: Client, person: User) -> None:
    make_items(70)
    shown = list(pages(ada))
    assert [len(page) for page in shown] == [25, 24, 21]
    assert len({item_id for page in shown for item_id in page}) == 70
    recorded = RecommendationSession.objects.filter(user=person).order_by("created_at")
    assert [[slot["item_id"] for slot in row.recommendations_shown] for row in recorded] == shown


def test_a_filter_holds_on_every_page(ada: Client, make_item: MakeItem) -> None:
    for number in range(80):
        make_item(f"Film {number}", genre=["Drama" if number % 2 else "War"], year=1950 + number)
    shown = [item_id for page in pages(ada, "genre=Drama&sort=newest") for item_id in page]
    years = list(Item.objects.filter(pk__in=shown).order_by("-year").values_list("pk", flat=True))
    assert shown == years
    assert len(shown) == 40
    assert not Item.objects.filter(pk__in=shown, facets__name="War").exists()


def test_a_page_asks_no_more_than_a_list(
    ada: Client, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    make_items(60)
    page = ada.get("/?decade=2000").content.decode()
    page = ada.get("/").content.decode()
    more = re.search(r'data-more="([^"]+)"', page)
    assert more
    for address in ("/?sort=newest&unseen=on", more[1].replace("&amp;", "&")):
        ada.get(address)
        # And one for the taste, which is not remembered of such a list.
        with django_assert_num_queries(FEED_QUERIES + 1):
            ada.get(address)


def test_without_a_script_the_link_leads_to_the_page_behind(ada: Client) -> None:
    make_items(30)
    first = ada.get("/")
    link = re.search(r'href="(/\?[^"]*cursor=[^"]*)"', first.content.decode())
    assert link
    second = ada.get(link[1].replace("&amp;", "&"))
    ids = [{slot.item.id for slot in page.context["served"].slots} for page in (first, second)]
    assert len(ids[1]) == 5
    assert not ids[0] & ids[1]


@pytest.mark.parametrize(
    "query", ["genre=Nothing", "decade=x", "decade=1234", "sort=best", "cursor=x", "cursor=%00"]
)
def test_what_cannot_be_chosen_is_not_found(ada: Client, two_tastes: Films, query: str) -> None:
    assert ada.get(f"/?{query}").status_code == 404
    assert ada.get(f"/list/?{query}").status_code == 404


def test_nobody_reads_on_in_anothers_list(ada: Client, person: User) -> None:
    make_items(40)
    bob = Client()
    bob.force_login(make_user("bob"))
    cursor = ada.get("/").context["cursor"]
    assert bob.get("/list/", {"kind": "movies", "cursor": cursor}).status_code == 404
    assert not RecommendationSession.objects.exclude(user=person).exists()


def test_a_cursor_of_another_kind_is_not_found(ada: Client, make_item: MakeItem) -> None:
    make_items(40)
    make_item("Dark", kind="drama")
    cursor = ada.get("/").context["cursor"]
    assert ada.get("/list/", {"kind": "dramas", "cursor": cursor}).status_code == 404


def test_nothing_that_fits_says_how_to_see_all(ada: Client, make_item: MakeItem, person: User) -> None:
    make_item("Heat", genre=["Crime"])
    make_item("Ran", genre=["Crime", "War"])
    make_item("Up", genre=["War"])
    for one in Item.objects.filter(facets__name="Crime"):
        record_interaction(user_id=person.pk, item_id=one.pk, type_name="like")
    response = ada.get("/?genre=Crime")
    assertContains(response, "Nothing fits")
    assertContains(response, "Only: Crime.")


def test_the_length_of_a_wall_made_anew_is_bounded(ada: Client) -> None:
    make_items(130)
    for length, shown in (("50", 50), ("9999", 100), ("-1", 25), ("²", 25), ("3", 25)):
        response = ada.get("/list/", {"length": length})
        assert len(response.context["served"].slots) == shown
    query = parse_qs(urlsplit(ada.get("/").context["narrowed"]).query)
    assert query == {}
