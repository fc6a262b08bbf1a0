"""A catalog is read at once as it is read item by item, whatever it holds."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.db.models import Q
from django.utils import timezone

from catalog.changes import micros
from catalog.models import Item
from core.domain import NUMBERS
from interactions.models import ItemPopularity
from ranking.catalog_reading import (
    ALL,
    COUNTED,
    ReadLinks,
    read_demand,
    read_items,
    read_links,
    read_moments,
)
from tests.factories import make_item, make_items

pytestmark = pytest.mark.django_db

USE_CASE = "movie_home"
RUNTIME = NUMBERS.index("runtime")
WRITTEN: list[tuple[Any, float]] = [
    (120, 120.0),
    (-0.25, -0.25),
    ("90", 90.0),
    (" 1e3 ", 1000.0),
    ('two, "three"\nfour', np.nan),
    ("", np.nan),
    (True, np.nan),
    (False, np.nan),
    (["90"], np.nan),
    ("inf", np.nan),
    (2**53 - 1, float(2**53 - 1)),
    ("1e17", np.nan),
    (None, np.nan),
]
DATES: list[tuple[datetime | None, int | None, float]] = [
    (datetime(1999, 12, 31, 23, 59, 59, 123457, tzinfo=UTC), 1950, 946684799.123457),
    (datetime(1, 1, 1, tzinfo=UTC), None, -62135596800.0),
    (datetime(1899, 7, 2, tzinfo=UTC), None, -2224800000.0),
    (None, 1970, 181 * 86400.0),
    (None, 0, -np.inf),
    (None, None, -np.inf),
]


def columns_of(read: Any) -> dict[str, Any]:
    return {name: getattr(read, name) for name in type(read).__slots__}


def test_all_at_once_is_as_one_after_another() -> None:
    make_items(3, kind="drama")
    for number, (given, _) in enumerate(WRITTEN):
        made = make_item(
            genres=["War", f"Genre {number % 3}"], attributes={"runtime": given, "votes": number}
        )
        published_at, year, _ = DATES[number % len(DATES)]
        Item.objects.filter(pk=made.pk).update(published_at=published_at, year=year, is_active=number % 4 > 0)
    make_item()
    ids = list(Item.objects.filter(kind="movie").order_by("pk").values_list("pk", flat=True))
    at_once, part = (columns_of(read_items(USE_CASE, which)) for which in (ALL, Q(pk__in=ids)))
    for name, column in at_once.items():
        np.testing.assert_array_equal(column, part[name], err_msg=name)
        assert column.dtype == part[name].dtype
    links, others = (columns_of(read_links(USE_CASE, which)) for which in (ALL, Q(pk__in=ids)))
    triples, theirs = (
        sorted(zip(*map(np.ndarray.tolist, one.values()), strict=True)) for one in (links, others)
    )
    assert triples == theirs != []
    hidden = Item.objects.filter(kind="movie", is_active=False).values_list("pk", flat=True)
    assert not {item_id for item_id, _, _ in triples} & set(hidden)
    item_ids, moments = read_moments(USE_CASE)
    assert item_ids.tolist() == ids == at_once["item_ids"].tolist()
    assert moments.tolist() == at_once["moments"].tolist()
    written = Item.objects.order_by("pk").filter(kind="movie").values_list("changed_at", flat=True)
    assert moments.tolist() == [micros(moment) for moment in written]


@pytest.mark.parametrize(("given", "number"), WRITTEN)
def test_an_attribute_is_the_number_that_it_says(given: Any, number: float) -> None:
    make_item(attributes={} if given is None else {"runtime": given})
    [numbers] = read_items(USE_CASE, ALL).numbers
    assert numbers[RUNTIME] == number or np.isnan([numbers[RUNTIME], number]).all()
    assert np.isnan(np.delete(numbers, RUNTIME)).all()


@pytest.mark.parametrize(("published_at", "year", "seconds"), DATES)
def test_an_item_is_of_its_date_or_of_the_middle_of_its_year(
    published_at: datetime | None, year: int | None, seconds: float
) -> None:
    Item.objects.filter(pk=make_item().pk).update(published_at=published_at, year=year)
    read = read_items(USE_CASE, ALL)
    assert read.published.tolist() == [seconds]
    assert read.there_since.tolist() == [np.inf if published_at is None else seconds]


def test_an_item_without_demand_counts_nothing() -> None:
    wanted, other = make_item(), make_item()
    counted = {
        name: place + 0.5 for place, name in enumerate(COUNTED) if name not in ("approvals", "dislikes")
    }
    ItemPopularity.objects.all().delete()
    ItemPopularity.objects.create(
        use_case=USE_CASE, item=wanted, refreshed_at=timezone.now(), approvals=7, dislikes=3, **counted
    )
    ItemPopularity.objects.create(use_case="drama_home", item=other, refreshed_at=timezone.now(), score=9.0)
    expected = [{**counted, "approvals": 7, "dislikes": 3}[name] for name in COUNTED]
    assert read_items(USE_CASE, ALL).counts.tolist() == [expected, [0.0] * len(COUNTED)]
    item_ids, demand = read_demand(USE_CASE)
    assert (item_ids.tolist(), demand.tolist()) == ([wanted.pk], [expected])


def test_where_there_is_nothing_the_columns_are_empty() -> None:
    Item.objects.all().delete()
    for which in (ALL, Q(pk=1)):
        items, links = read_items(USE_CASE, which), read_links(USE_CASE, which)
        assert {len(column) for column in [*columns_of(items).values(), *columns_of(links).values()]} == {0}
        assert items.counts.shape == (0, len(COUNTED))
        assert items.numbers.shape == (0, len(NUMBERS))
    assert (
        len(ReadLinks.none().groups) == len(read_moments(USE_CASE)[0]) == len(read_demand(USE_CASE)[0]) == 0
    )
