"""Reads of the catalog."""

import pytest
from pytest_django import DjangoAssertNumQueries

from catalog.models import Facet, ItemFacet
from catalog.selectors import active_items, get_card, get_cards, search_by_title
from core.errors import NotFound
from tests.factories import make_item, make_items

pytestmark = pytest.mark.django_db


def test_facets_stand_in_billing_order_whatever_the_order_of_the_rows() -> None:
    item = make_item()
    for billing, name in [(2, "Third"), (0, "First"), (1, "Second")]:
        facet = Facet.objects.create(kind="actor", name=name)
        ItemFacet.objects.create(item=item, facet=facet, billing=billing)
    for kind in ("director", "theme", "genre"):
        ItemFacet.objects.create(item=item, facet=Facet.objects.create(kind=kind, name=f"A {kind}"))
    card = get_cards([item.pk])[item.pk]
    assert card.facets["actor"] == ("First", "Second", "Third")
    assert (card.facets["director"], card.facets["theme"]) == (("A director",), ("A theme",))
    assert card.categories == ("A genre",)
    assert set(card.facets) == {"actor", "director", "theme", "genre"}


def test_cards_are_there_for_active_items_alone() -> None:
    shown, hidden = make_item(), make_item(is_active=False)
    assert set(get_cards([shown.pk, hidden.pk, 999_999_999])) == {shown.pk}
    assert get_cards([]) == {}


@pytest.mark.parametrize("number", [1, 20])
def test_cards_are_one_query_however_many_items_and_facets(
    django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    items = make_items(number, genres=[f"genre {index}" for index in range(number)])
    with django_assert_num_queries(1):
        cards = get_cards(item.pk for item in items)
    assert [len(card.categories) for card in cards.values()] == [number] * number


def test_one_card_is_that_of_an_active_item_of_its_kind() -> None:
    movie, hidden = make_item(), make_item(is_active=False)
    assert get_card(kind="movie", item_id=movie.pk).title == movie.title
    for kind, item_id in [("drama", movie.pk), ("movie", hidden.pk), ("movie", 0), ("movie", 2**63 - 1)]:
        with pytest.raises(NotFound, match=r"There is no such item\."):
            get_card(kind=kind, item_id=item_id)


def test_the_order_is_the_same_each_time() -> None:
    items = make_items(5, title="Same", year=2000)
    assert [item.pk for item in active_items("movie")] == sorted(item.pk for item in items)
    assert [item.pk for item in search_by_title("same")] == sorted(item.pk for item in items)


def test_a_search_is_over_all_kinds_or_one() -> None:
    movie, drama = make_item("Alpha"), make_item("Alpha", kind="drama")
    make_item("Alpha", is_active=False)
    assert {item.pk for item in search_by_title("alpha")} == {movie.pk, drama.pk}
    assert [item.pk for item in search_by_title("alpha", kind="drama")] == [drama.pk]
    assert not search_by_title("alpha", kind="startup").exists()
