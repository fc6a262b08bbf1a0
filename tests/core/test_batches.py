"""Rows come as Arrow batches as they come from Django, on both databases."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from django.db import DataError, connection, transaction
from django.db.models import F, FloatField
from django.db.models.functions import Cast

from core import batches
from interactions.models import UserInteraction
from tests.factories import make_interaction, make_item, make_user

pytestmark = pytest.mark.django_db
SCHEMA = pa.schema(
    {
        "item_id": pa.int64(),
        "type": pa.string(),
        "rating": pa.float64(),
        "occurred_at": pa.timestamp("us", "UTC"),
        "is_state": pa.bool_(),
        "recommendation_source": pa.string(),
    }
)
SOURCES = ["", "a,b", '"quoted"', "two\nlines", "100 %", "\\N", "é", "NULL"]


def fill() -> list[tuple[object, ...]]:
    person, first = make_user(), datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)
    for number, source in enumerate(SOURCES):
        moment = first + timedelta(microseconds=number * 123_456)
        one = make_interaction(
            person,
            make_item(),
            "watched" if number % 2 else "view",
            rating=number / 3 if number % 2 else None,
        )
        of_this = UserInteraction.objects.filter(pk=one.pk)
        of_this.update(recommendation_source=source, occurred_at=moment)
    return list(UserInteraction.objects.order_by("pk").values_list(*SCHEMA.names))


def test_batches_hold_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BLOCK_ROWS", 3)
    monkeypatch.setattr(batches, "BLOCK_BYTES", 200)
    expected = fill()
    rows = UserInteraction.objects.order_by("pk").exclude(recommendation_source="100 %%")
    found = list(batches.read_batches(rows.values_list(*SCHEMA.names), SCHEMA))
    assert len(found) > 1
    table = pa.Table.from_batches(found)
    assert table.schema == SCHEMA
    assert list(zip(*table.to_pydict().values(), strict=True)) == expected


def test_nothing_is_no_batch() -> None:
    assert list(batches.read_batches(UserInteraction.objects.values_list(*SCHEMA.names), SCHEMA)) == []


def test_who_stops_reading_leaves_the_connection_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BLOCK_BYTES", 200)
    expected = fill()
    rows = UserInteraction.objects.order_by("pk").values_list(*SCHEMA.names)
    reading = batches.read_batches(rows, SCHEMA)
    next(reading)
    reading.close()
    assert UserInteraction.objects.count() == len(expected)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such rows")
def test_an_error_of_the_database_is_raised() -> None:
    fill()
    rows = UserInteraction.objects.values_list(Cast(F("weight") / 0, FloatField()))
    with pytest.raises(DataError, match="division by zero"), transaction.atomic():
        list(batches.read_batches(rows, pa.schema({"weight": pa.float64()})))
