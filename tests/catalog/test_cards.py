"""Cards in memory are as new as the database, whichever way it was written."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from catalog import cards
from catalog.cards import current_cards
from catalog.models import Facet, Item, ItemFacet
from catalog.selectors import get_cards
from tests.factories import make_items

CHANGES: dict[str, Callable[[Item], object]] = {
    "its title": lambda item: Item.objects.filter(pk=item.pk).update(title="Another"),
    "its title, by the object": lambda item: _renamed(item).save(),
    "its title alone, by the object": lambda item: _renamed(item).save(update_fields=["title"]),
    "its title, as an import writes it": lambda item: Item.objects.bulk_create(
        [Item(kind=item.kind, external_id=item.external_id, title="Another")],
        update_conflicts=True,
        unique_fields=["kind", "external_id"],
        update_fields=["title"],
    ),
    "a facet more": lambda item: ItemFacet.objects.create(
        item=item, facet=Facet.objects.create(kind="genre", name="Western"), billing=7
    ),
    "a facet less": lambda item: ItemFacet.objects.filter(item=item).first().delete(),  # type: ignore[union-attr]
    "a facet that goes to another item": lambda item: _moved(item).save(),
    "facets less, in bulk": lambda item: item.item_facets.filter(facet__kind="genre").delete(),
    "facets more, in bulk": lambda item: ItemFacet.objects.bulk_create(
        [ItemFacet(item=item, facet=Facet.objects.create(kind="genre", name="Western"), billing=7)]
    ),
    "another facet, in bulk": lambda item: item.item_facets.filter(facet__name="Noir").update(
        facet=Facet.objects.create(kind="genre", name="Western")
    ),
    "the name of a facet": lambda item: _named_anew(item).save(),
    "the name of a facet, in bulk": lambda item: Facet.objects.filter(name="Noir").update(name="Black"),
    "a facet that goes": lambda item: Facet.objects.get(kind="genre", name="Noir").delete(),
    "a facet that goes, in bulk": lambda item: Facet.objects.filter(name="Noir").delete(),
    "its facets, set as a list": lambda item: item.facets.clear(),
}


def _renamed(item: Item) -> Item:
    item.title = "Another"
    return item


def _moved(item: Item) -> ItemFacet:
    link = item.item_facets.get(facet__name="Noir")
    link.item = make_items(1)[0]
    return link


def _named_anew(item: Item) -> Facet:
    facet = Facet.objects.filter(items=item).first()
    assert facet is not None
    facet.name = "Another"
    return facet


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_changed_is_read_anew(db: None, change: Callable[[Item], object]) -> None:
    first, second = make_items(2)
    ItemFacet.objects.get_or_create(
        item=first, facet=Facet.objects.get_or_create(kind="genre", name="Noir")[0]
    )
    ids = [first.pk, second.pk]
    before = current_cards(ids)
    change(first)
    after = current_cards(ids)
    assert after == get_cards(ids)
    assert after[first.pk] != before[first.pk]
    assert after[second.pk].title == before[second.pk].title


def test_what_is_hidden_or_gone_is_left_out_at_once(db: None) -> None:
    kept, hidden, gone = make_items(3)
    ids = [kept.pk, hidden.pk, gone.pk]
    assert list(current_cards(ids)) == ids
    Item.objects.filter(pk=hidden.pk).update(is_active=False)
    gone.delete()
    assert list(current_cards([*ids, 999_999_999])) == [kept.pk]
    Item.objects.filter(pk=hidden.pk).update(is_active=True)
    assert set(current_cards([kept.pk, hidden.pk])) == {kept.pk, hidden.pk}


def test_it_takes_one_query_and_reads_no_facets_again(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ids = [item.pk for item in make_items(5)]
    with django_assert_num_queries(1):
        current_cards(ids)
    with CaptureQueriesContext(connection) as queries:
        current_cards(ids)
    assert len(queries) == 1
    assert "itemfacet" not in queries[0]["sql"]


def test_only_so_many_are_kept(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "MOST_KEPT", 3)
    ids = [item.pk for item in make_items(5)]
    for item_id in ids:
        current_cards([item_id])
    assert list(cards._kept) == ids[2:]
    assert current_cards(ids) == get_cards(ids)


def test_facets_that_go_many_at_once_cost_no_query_each(
    db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    (item,) = make_items(1)
    links = [
        ItemFacet(item=item, facet=Facet.objects.create(kind="theme", name=f"Theme {number}"), billing=number)
        for number in range(20)
    ]
    ItemFacet.objects.bulk_create(links)
    with django_assert_max_num_queries(4):  # the deletion, the dating, and a savepoint around them
        ItemFacet.objects.filter(item=item, facet__kind="theme").delete()


def test_a_new_facet_dates_its_item_alone(db: None) -> None:
    item, without_facets = make_items(2)
    ItemFacet.objects.filter(item=without_facets).delete()
    before = Item.objects.get(pk=without_facets.pk).changed_at
    ItemFacet.objects.create(item=item, facet=Facet.objects.create(kind="genre", name="Western"), billing=7)
    assert Item.objects.get(pk=without_facets.pk).changed_at == before
