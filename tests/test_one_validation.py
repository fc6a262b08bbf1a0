"""Both doors, the API and an import file, give one verdict on a value and say it in the same words."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES
from core.values import HAPPENED, METHOD, RANK, RATING, SCORE, TYPE, USE_CASE, Rule
from tests.answers import assert_refused
from tests.factories import make_item
from tests.imports.helpers import json_lines, run

pytestmark = pytest.mark.django_db

HOSTILE: list[Any] = [
    True, False, 0, 1, -1, 1.0, 1.5, -0.0, 11, 10.000001, 500, 501, 10**15, 10**30, -(10**30), 10**400,
    1e308, [], {}, [1], ["like"], {"a": 1}, "x", "5", "+5", "5.0", "5.", ".5", "1e3", "0x5", "NaN",
    "Infinity", "\0", "a\0b", "a\nb", "a\u0085b", "\u200b", "\uff15", "\u0665", "x" * 65, "x" * 201,
    "x" * 100_000, " 5 ", "like ", "LIKE", "null", "true", "movie_home", "drama_home", "nonsense", *TYPES,
    "2024-05-31", " 2024-05-31 ", "2024-05-31T20:15:00Z", "2024-05-31 20:15",
    "2024-05-31T20:15:00.123456789Z", "2024-05-31T20:15:00+02:00", "2024-05-31T20:15:00+99:99",
    "2024-02-30", "2024-05", "2024-5-31", "31.5.2024", "05/31/2024", "2024-05-31x20:15", "2024-05-31120:15",
    "2024-W22-5", "20240531T201500", "20240531", 20240531, "2024", 2024, 0.5, "1999.5", "1577836800",
    1577836800, 1577836800.5, "1577836800000", 1577836800000, 1577836800000000, 1577836800000000000,
    4_000_000_000, "yesterday", "1969-12-31T23:59:59Z", "1970-01-01", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2199-01-01", "2999-01-01", "10000-01-01",
    "\u0662\u0660\u0662\u0664-05-31",
]  # fmt: skip


def meant(rule: Rule[Any], value: Any) -> Any:
    """The value as the API takes it: what a file may write in another way is turned first."""
    read = rule.read(value.strip() if isinstance(value, str) else value)
    return read.isoformat() if isinstance(read, datetime) else read


@pytest.fixture
def film(db: None) -> Item:
    return make_item()


def interaction(api: APIClient, film: Item, field: str, value: Any) -> Any:
    body = {"item_id": film.pk, "type": "watched", field: value}
    return api.post("/api/interactions", body, format="json")


def shown_list(api: APIClient, film: Item, field: str, value: Any) -> Any:
    slot = {"item_id": film.pk, "rank": 1, "score": 0.5, "method": "als"}
    whole = {"recommendation_session_id": "6f0d7d2e-0f5a-4a2b-9c57-0a4b8f1e2d3c", "method": "als"}
    body: dict[str, Any] = {"use_case": "movie_home", "recommendations": [slot], **whole}
    (slot if field in slot else body)[field] = value
    return api.post("/api/recommendations/session", body, format="json")


INTERACTION = {"user": "ann", "type": "watched", "occurred_at": "2024-01-01"}
SLOT = {"user": "ann", "shown_at": "2024-01-01", "rank": 1}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "rule", "ask", "command", "row"),
    [
        ("type", TYPE, interaction, "import_interactions", INTERACTION),
        ("rating", RATING, interaction, "import_interactions", INTERACTION),
        ("occurred_at", HAPPENED, interaction, "import_interactions", INTERACTION),
        ("rank", RANK, shown_list, "import_sessions", SLOT),
        ("score", SCORE, shown_list, "import_sessions", SLOT),
        ("method", METHOD, shown_list, "import_sessions", SLOT),
        ("use_case", USE_CASE, shown_list, "import_sessions", SLOT),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_both_doors_agree_on_every_value(
    tmp_path: Path, api: APIClient, film: Item, field: str, rule: Rule[Any], ask: Any, command: str, row: Any
) -> None:
    # The ranks of a list are judged together, too.
    values = [value for value in HOSTILE if rule is not RANK or meant(rule, value) not in range(2, 501)]
    if rule is USE_CASE:
        values.remove("drama_home")
    rows = [
        row | {"item": film.external_id, field: value} | ({"session": f"s{place}"} if row is SLOT else {})
        for place, value in enumerate(values)
    ]
    summary = run(command, json_lines(tmp_path / "f.jsonl", *rows), "--max-errors", len(rows))
    said = {report["number"] - 1: report["reason"] for report in summary["reports"]}
    taken = 0
    for place, value in enumerate(values):
        answer = ask(api, film, field, meant(rule, value))
        if answer.status_code in (200, 201, 409):
            assert place not in said, (value, said[place])
            taken += 1
        else:
            sentence = re.sub(r"^recommendations\.0\.", "", assert_refused(answer, 400)).removesuffix(".")
            assert said.get(place) == sentence, value
    assert 0 < taken < len(values)


@pytest.mark.parametrize("kind", ["movie", "drama", "startup"])
def test_both_doors_take_the_same_types_of_a_kind(
    tmp_path: Path, api: APIClient, person: User, kind: str
) -> None:
    item = make_item(kind=kind)
    person.roles = ["developer", "investor"]
    person.save()
    rows = [INTERACTION | {"item": item.external_id, "kind": kind, "type": name} for name in TYPES]
    summary = run("import_interactions", json_lines(tmp_path / "f.jsonl", *rows), "--max-errors", len(rows))
    said = {report["number"] - 1: report["reason"] for report in summary["reports"]}
    for place, name in enumerate(TYPES):
        answer = interaction(api, item, "type", name)
        assert (answer.status_code in (200, 201)) == (place not in said), name
        if place in said:
            assert assert_refused(answer, 400) == f"{said[place]}."
            assert f", not '{name}'" in said[place]
    assert ("apply" in said[list(TYPES).index("apply")]) if kind != "startup" else said
