"""The staging table gives back what was put into it, on both databases."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
from django.test import override_settings

from imports import staging
from imports.said import Said
from imports.staged_interactions import STAGED_INTERACTIONS, StagedInteraction

pytestmark = pytest.mark.django_db

ODD = ["\\N", "a\tb", "two\nlines\r\n", "\\", "\\.", "", " ", "é ✓ 漢", '"quoted", "', "NULL"]


@pytest.mark.parametrize("at_once", [1, 3, 1_000])
def test_odd_texts_come_back_as_they_are(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "INSERT_ROWS", at_once)
    moment = datetime(2020, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    with staging.open_staging(STAGED_INTERACTIONS) as table:
        for line, text in enumerate(ODD, 1):
            said = Said(reason="other", feedback_text=text, title_only=line % 2 == 0)
            table.add(StagedInteraction(line, "ann", "movie", text, "dislike", None, moment, None, said))
        table.flush()
        rows = table.read("ORDER BY place", [])
    columns = list(STAGED_INTERACTIONS.columns)
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    assert [row["external_id"] for row in found] == ODD
    assert [row["feedback_text"] for row in found] == ODD
    assert [bool(row["title_only"]) for row in found] == [line % 2 == 0 for line in range(1, len(ODD) + 1)]
    assert {(row["rating"], row["occurred_at"], row["withdrawn_at"], row["line"]) for row in found} == {
        (None, moment, None, line) for line in range(1, len(ODD) + 1)
    }


@pytest.mark.parametrize("is_debugging", [False, True])
def test_columns_come_back_as_they_are(is_debugging: bool) -> None:
    moments = [datetime(2020, 2, 3, 4, 5, 6, number, tzinfo=UTC) for number in range(len(ODD))]
    with override_settings(DEBUG=is_debugging), staging.open_staging(STAGED_INTERACTIONS) as table:
        table.add_columns(
            {
                "line": pa.array(range(len(ODD))),
                "external_id": pa.array(ODD),
                "rating": pa.array([None, *[1.5] * (len(ODD) - 1)]),
                "occurred_at": pa.array(moments),
            }
        )
        table.flush()
        rows = table.read("ORDER BY place", [])
    columns = dict(zip(STAGED_INTERACTIONS.columns, zip(*rows, strict=True), strict=True))
    assert columns["external_id"] == tuple(ODD)
    assert columns["occurred_at"] == tuple(moments)
    assert columns["rating"] == (None, *[1.5] * (len(ODD) - 1))
    assert set(columns["username"]) == {None}
