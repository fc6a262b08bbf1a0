"""The rows of the catalog read on by changes, held against all of it read anew."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from catalog.models import Facet, Item, ItemFacet
from interactions.models import ItemPopularity
from ranking import catalog_rows
from ranking.catalog_rows import CatalogRows, read_rows
from ranking.snapshot import CatalogSnapshot, read_snapshot, snapshot_of
from tests.factories import make_item, make_items

pytestmark = pytest.mark.django_db

USE_CASE = "movie_home"
LONG_AGO = timedelta(hours=1)
_numbers = count()


def told(catalog: CatalogSnapshot) -> dict[str, Any]:
    """All that a snapshot says, as values that compare."""
    content, demand = catalog.content, catalog.demand
    content.facets.sort_indices()
    arrays = {
        "items": catalog.item_ids,
        "published": content.published,
        "columns": catalog.facet_ids,
        "groups": content.groups,
        "facets": content.facets.toarray(),
        "since": catalog.there_since,
        "popular": catalog.by_popularity,
        "newest": catalog.by_date,
        "kind": catalog.of_kind,
        **{name: getattr(demand, name) for name in ("popularity", "approval", "verdicts", "trends")},
        **{name: getattr(demand.responses, name) for name in ("examined", "engaged", "refused")},
    }
    return {name: (array.shape, array.tolist()) for name, array in arrays.items()}


def assert_as_read_anew(rows: CatalogRows) -> None:
    assert told(snapshot_of(rows)) == told(read_snapshot(USE_CASE))


@pytest.fixture
def films() -> list[Item]:
    ItemPopularity.objects.all().delete()
    films = [
        make_item(genres=genres, published_at=datetime(2001, month, 3, 4, 5, 6, 7, tzinfo=UTC))
        for month, genres in enumerate([("Drama", "War"), ("War",), (), ("Comedy", "Drama")], 1)
    ]
    make_items(3, kind="drama")
    Item.objects.update(changed_at=timezone.now() - LONG_AGO)
    count_demand()
    return films


def count_demand(seed: int = 0) -> None:
    """Demand for every film, as a command writes it."""
    draw = random.Random(seed)
    ItemPopularity.objects.filter(use_case=USE_CASE).delete()
    now = timezone.now()
    ItemPopularity.objects.bulk_create(
        ItemPopularity(
            item=film,
            use_case=USE_CASE,
            score=draw.random(),
            approvals=draw.randrange(9),
            trend_7=draw.random(),
            refreshed_at=now,
        )
        for film in Item.objects.filter(kind="movie").order_by("pk")
    )


def any_film(draw: random.Random) -> Item:
    return draw.choice(list(Item.objects.filter(kind="movie").order_by("pk")))


def link(draw: random.Random) -> None:
    facet, _ = Facet.objects.get_or_create(kind="genre", name=f"Genre {draw.randrange(6)}")
    if not ItemFacet.objects.filter(item=(film := any_film(draw)), facet=facet).exists():
        ItemFacet.objects.create(item=film, facet=facet)


def unlink(draw: random.Random) -> None:
    for row in ItemFacet.objects.filter(item=any_film(draw)):
        row.delete()


def turn(draw: random.Random) -> None:
    """A facet becomes one of another kind."""
    facet = draw.choice(list(Facet.objects.order_by("pk")))
    Facet.objects.filter(pk=facet.pk).update(
        kind=draw.choice(["genre", "actor", "theme"]), name=f"Turned {next(_numbers)}"
    )


def redate(draw: random.Random) -> None:
    Item.objects.filter(pk=any_film(draw).pk).update(published_at=None, year=draw.choice([None, 1990, 2020]))


CHANGES: dict[str, Callable[[random.Random], object]] = {
    "added": lambda draw: make_item(genres=draw.sample(["Drama", "Noir", "Epic"], 2), year=1999),
    "hidden": lambda draw: Item.objects.filter(pk=any_film(draw).pk).update(is_active=False),
    "shown": lambda _: Item.objects.filter(is_active=False).update(is_active=True),
    "linked": link,
    "unlinked": unlink,
    "turned": turn,
    "facet deleted": lambda draw: draw.choice(list(Facet.objects.order_by("pk"))).delete(),
    "redated": redate,
    "of another kind": lambda draw: Item.objects.filter(kind="drama").update(kind="movie"),
}
UNDATED: dict[str, Callable[[random.Random], object]] = {
    "deleted": lambda draw: any_film(draw).delete(),
    "demand": lambda draw: count_demand(draw.randrange(99)),
    "committed late": lambda draw: Item.objects.filter(pk=any_film(draw).pk).update(
        is_active=False, changed_at=timezone.now() - LONG_AGO
    ),
    "added late": lambda _: Item.objects.filter(pk=make_item(genres=["Late"]).pk).update(
        changed_at=timezone.now() - LONG_AGO
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_dated_is_read_by_itself(films: list[Item], change: str) -> None:
    rows = read_rows(USE_CASE)
    CHANGES[change](random.Random(3))
    assert_as_read_anew(rows.changed())


@pytest.mark.parametrize("change", UNDATED)
def test_what_no_date_tells_is_found_by_the_check(films: list[Item], change: str) -> None:
    rows = read_rows(USE_CASE)
    UNDATED[change](random.Random(3))
    assert_as_read_anew(rows.checked())


@pytest.mark.parametrize("seed", range(6))
def test_any_changes_in_any_order(films: list[Item], seed: int) -> None:
    draw = random.Random(seed)
    all_changes = [*CHANGES.values(), *UNDATED.values()]
    rows = read_rows(USE_CASE)
    for _ in range(8):
        for change in draw.choices(all_changes, k=draw.randrange(4)):
            if Item.objects.filter(kind="movie").exists() and Facet.objects.exists():
                change(draw)
        rows = rows.checked()
        assert_as_read_anew(rows)


def test_the_second_of_two_changes_in_one_microsecond_is_read_too(films: list[Item]) -> None:
    moment = timezone.now()
    Item.objects.filter(pk=films[0].pk).update(year=1990, published_at=None, changed_at=moment)
    rows = read_rows(USE_CASE)
    Item.objects.filter(pk=films[0].pk).update(is_active=False, changed_at=moment)
    assert_as_read_anew(rows.changed())


def test_a_clock_that_is_a_little_late_hides_no_change(films: list[Item]) -> None:
    rows = read_rows(USE_CASE)
    late = timezone.now() - catalog_rows.OVERLAP / 2
    Item.objects.filter(pk=films[0].pk).update(is_active=False, changed_at=late)
    assert_as_read_anew(rows.changed())


def test_a_new_text_makes_another_snapshot_and_nothing_makes_none(films: list[Item]) -> None:
    rows = read_rows(USE_CASE)
    assert rows.checked().is_as(rows)
    # The words of titles are looked up by the snapshot.
    Item.objects.filter(pk=films[0].pk).update(title="Another")
    changed = rows.changed()
    assert not changed.is_as(rows)
    assert changed.changed().is_as(changed)


def test_a_catalog_begins_and_ends_empty() -> None:
    rows = read_rows(USE_CASE)
    assert len(rows.item_ids) == 0
    film = make_item(genres=["War"])
    rows = rows.changed()
    assert_as_read_anew(rows)
    film.delete()
    rows = rows.checked()
    assert len(rows.item_ids) == 0
    assert_as_read_anew(rows)


def test_only_what_changed_is_read(
    films: list[Item],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    rows, read, sizes = read_rows(USE_CASE), catalog_rows._read, []

    def watched(*arguments: Any) -> CatalogRows:
        found = read(*arguments)
        sizes.append(len(found.item_ids))
        return found

    monkeypatch.setattr(catalog_rows, "_read", watched)
    with django_assert_num_queries(1):
        rows.changed()
    with django_assert_num_queries(3):
        rows.checked()
    Item.objects.filter(pk=films[1].pk).update(is_active=False)
    with django_assert_num_queries(2):
        rows = rows.changed()
    films[2].delete()
    # Twice the changes and the mark, then the moments of all, and when the demand was counted. PostgreSQL
    # copies the moments, which Django does not count.
    with django_assert_num_queries(7 if connection.vendor == "postgresql" else 8):
        rows.checked()
    assert sizes == [0, 0, 1, 1, 1]
