"""The index by which lists are filtered: each part is read when a filter first asks for it."""

import gc
from weakref import ref

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Item
from core.filters import Is
from ranking.snapshot import CatalogSnapshot
from serving.filtering import follow, index_of
from serving.live import forget_state, get_context
from tests.factories import make_items

pytestmark = pytest.mark.django_db
LEAVES = {
    "genre": Is("genre", ("drama",)),
    "year": Is("year", low=1990.0, high=1999.0),
    "text": Is("text", ("night",)),
    "attribute": Is("attributes.country", ("france",)),
}


@pytest.fixture
def items() -> list[Item]:
    """Three films of which only the first is a drama of 1994 from France with the night in its title."""
    first, *others = [*make_items(1, genres=["Drama"]), *make_items(2, genres=["Horror"])]
    Item.objects.filter(pk=first.pk).update(
        title="Night train", year=1994, attributes={"country": "France", "runtime": 90}
    )
    Item.objects.filter(pk=others[0].pk).update(year=None, title="Day")
    Item.objects.filter(pk=others[1].pk).update(year=2001, title="Day")
    return [first, *others]


def catalog() -> CatalogSnapshot:
    forget_state()
    return get_context("movie_home").catalog


def tables_read(of: CatalogSnapshot, leaf: Is) -> str:
    with CaptureQueriesContext(connection) as queries:
        index_of(of).matching(leaf)
    return " ".join(query["sql"] for query in queries)


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=LEAVES)
def test_a_condition_finds_what_it_says(items: list[Item], leaf: Is) -> None:
    of = catalog()
    found = of.item_ids[index_of(of).matching(leaf)].tolist()
    assert found == [items[0].pk]


def test_whoever_filters_by_a_genre_waits_for_no_titles(items: list[Item]) -> None:
    of = catalog()
    read = {name: tables_read(of, leaf) for name, leaf in LEAVES.items()}
    assert "title" not in read["genre"] + read["year"]
    assert "title" in read["text"]
    assert not any(tables_read(of, leaf) for leaf in LEAVES.values())


def test_the_next_catalog_reads_what_the_one_before_was_asked(items: list[Item]) -> None:
    before, unasked, after = catalog(), catalog(), catalog()
    index_of(before).matching(LEAVES["text"])
    follow(after, unasked)
    assert tables_read(after, LEAVES["genre"])
    follow(after, before)
    assert not tables_read(after, LEAVES["text"])
    assert tables_read(after, LEAVES["year"])


def test_an_index_goes_with_its_catalog(items: list[Item]) -> None:
    of = catalog()
    index_of(of).matching(LEAVES["text"])
    gone = ref(of)
    del of
    forget_state()
    gc.collect()
    assert gone() is None
