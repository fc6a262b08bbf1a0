"""Numbers in exports: whatever is written is read back to the same."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from accounts.models import User
from recommendations.models import RecommendationSession
from recommendations.services import ShownSlot, record_external_session
from tests.factories import make_item
from tests.imports.helpers import refusal, run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("number", [0.0013513513513513514, 1.5e-05, 1e-06, 0.1 + 0.2, 1.0])
def test_every_number_that_is_written_is_read(tmp_path: Path, person: User, number: float) -> None:
    item = make_item()
    slot = ShownSlot(item.pk, 1, number, number, "elsewhere", "external", 1, number, number)
    record_external_session(
        session_id=uuid4(),
        user_id=person.pk,
        use_case="movie_home",
        method="elsewhere",
        model_version="",
        slots=[slot],
        now=datetime(2025, 3, 1, tzinfo=UTC),
    )
    run("export_sessions", tmp_path / "lists.csv")
    row = next(csv.DictReader((tmp_path / "lists.csv").read_text().splitlines()))
    assert row["score"] == repr(number)
    propensity = row["propensity"]
    RecommendationSession.objects.all().delete()
    run("import_sessions", tmp_path / "lists.csv")
    (read,) = RecommendationSession.objects.get().recommendations_shown
    assert (read["score"], read["propensity"]) == (number, float(propensity) if propensity else None)


@pytest.mark.parametrize("written", ["1e999", "1e", "e5", "0x1p3", "1_0", "nan", "1e-9999"])
def test_what_is_no_number_in_a_file_is_a_bad_row(tmp_path: Path, written: str) -> None:
    item = make_item()
    path = tmp_path / "lists.csv"
    path.write_text(
        "session,user,shown_at,item,rank,score\n"
        f"monday,ann,2025-03-01T20:00:00Z,{item.external_id},1,{written}\n"
    )
    assert "lists.csv:2: score must be" in refusal("import_sessions", path)
