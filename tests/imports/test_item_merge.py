"""Tables after rows of items were written, by either way of writing them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Facet, Item, ItemFacet
from core import sql
from imports import item_facets, item_merge
from imports.item_merge import write_items
from imports.item_rows import STORED_COLUMNS, ItemKey, ItemRow
from tests.factories import make_item

pytestmark = pytest.mark.django_db

ODD = st.sampled_from(["\\N", "\\", "a\tb", "two\r\nlines", "", "é ✓ 漢", "'quoted\"", "100 %s", "NULL"])
NAMES = st.lists(st.sampled_from(["A", "B", "\\N", "c'd", "é%s"]), max_size=4, unique=True).map(tuple)
ROWS = st.lists(
    st.builds(
        ItemRow,
        st.builds(ItemKey, st.sampled_from(["movie", "drama"]), st.sampled_from(["1", "2", "3", "\\x"])),
        st.fixed_dictionaries(
            {"title": ODD.map("t{}".format)},
            optional={
                "year": st.none() | st.integers(1800, 2200),
                "description": ODD,
                "published_at": st.none() | st.just(datetime(2026, 2, 3, 4, 5, 6, 789, UTC)),
                "attributes": st.dictionaries(ODD.map("n{}".format), ODD | st.booleans() | NAMES.map(list)),
                "is_active": st.booleans(),
            },
        ),
        st.dictionaries(st.sampled_from(["genre", "actor"]), NAMES),
        st.just(10),
    ),
    max_size=12,
)
AT_FIRST: dict[str, Any] = {
    "title": "", "original_title": "", "year": None, "description": "", "published_at": None, "url": "",
    "image_url": "", "is_active": True, "is_synthetic": False, "attributes": {},
}  # fmt: skip


def expected(rows: Sequence[ItemRow]) -> dict[ItemKey, tuple[dict[str, Any], dict[str, tuple[str, ...]]]]:
    """The values and facets of each item, of which the last row that says anything is right."""
    found: dict[ItemKey, tuple[dict[str, Any], dict[str, tuple[str, ...]]]] = {}
    for row in rows:
        values, facets = found.setdefault(row.key, (dict(AT_FIRST), {}))
        values.update(row.values)
        facets.update(row.facets)
    return {
        key: (values, {kind: names for kind, names in facets.items() if names})
        for key, (values, facets) in found.items()
    }


def stored() -> dict[ItemKey, tuple[dict[str, Any], dict[str, tuple[str, ...]]]]:
    found = {}
    for item in Item.objects.values("pk", "kind", "external_id", *STORED_COLUMNS):
        facets: dict[str, tuple[str, ...]] = {}
        links = ItemFacet.objects.filter(item=item.pop("pk")).order_by("billing")
        for kind, name in links.values_list("facet__kind", "facet__name"):
            facets[kind] = (*facets.get(kind, ()), name)
        found[ItemKey(item.pop("kind"), item.pop("external_id"))] = (item, facets)
    return found


def tables() -> list[list[tuple[Any, ...]]]:
    return [list(model.objects.order_by("pk").values_list()) for model in (Item, Facet, ItemFacet)]


@pytest.mark.slow
@pytest.mark.parametrize("copied_from", [1, 100], ids=["by COPY", "by values"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ROWS, second=ROWS)
def test_tables_hold_what_the_rows_say_and_the_same_rows_again_change_nothing(
    copied_from: int, first: list[ItemRow], second: list[ItemRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "COPIED_FROM", copied_from)
    monkeypatch.setattr(item_merge, "BATCH_ROWS", 5)
    monkeypatch.setattr(item_facets, "MOST_KNOWN", 3)
    with transaction.atomic():
        assert write_items(first).created == len(expected(first))
        counts = write_items(second)
        assert stored() == expected([*first, *second])
        assert counts.created == len(expected(second).keys() - expected(first).keys())
        last = [ItemRow(key, values, facets, 10) for key, (values, facets) in expected(second).items()]
        write_items(last)
        before = tables()
        assert write_items(last).unchanged == len(last)
        assert tables() == before
        transaction.set_rollback(True)


def test_an_item_that_gets_other_facets_alone_is_dated() -> None:
    item = make_item(genres=["Drama"])
    key, dated = ItemKey(item.kind, item.external_id), item.changed_at
    with transaction.atomic():
        assert write_items([ItemRow(key, {}, {"genre": ("Drama",)}, 1)]).unchanged == 1
    item.refresh_from_db()
    assert item.changed_at == dated
    with transaction.atomic():
        assert write_items([ItemRow(key, {}, {"genre": ("War", "Drama")}, 1)]).updated == 1
    item.refresh_from_db()
    assert item.changed_at > dated
