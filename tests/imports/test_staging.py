"""The staging table gives back what was put into it, on both databases."""

from datetime import UTC, datetime

import pytest

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
