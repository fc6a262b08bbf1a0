"""Every use case in heed.toml, from a file of items to a list that has learned.

docs/how-to/adding-a-use-case.md promises that a few lines there are enough. One added is tried too.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django.asserts import assertContains

from accounts.models import User
from accounts.services import set_roles
from core.domain import KINDS, USE_CASES, UseCase
from interactions.selectors import active_interactions
from ranking.models import ModelVersion
from recommendations.models import RecommendationSession
from serving.live import forget_state

ITEMS, PEOPLE = 24, 16

pytestmark = pytest.mark.django_db


def run(capsys: pytest.CaptureFixture[str], command: str, *args: str) -> dict[str, Any]:
    call_command(command, *args, "--json", "--quiet")
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    return summary


def write(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def items_of(use_case: UseCase) -> list[dict[str, object]]:
    """Items of two genres by turns."""
    return [
        {
            "external_id": f"x{number}",
            "title": f"Thing {number}",
            "year": 2000,
            "genres": [("A", "B")[number % 2]],
        }
        for number in range(ITEMS)
    ]


def successes_of(use_case: UseCase) -> list[dict[str, object]]:
    """People of two tastes by turns: each does what counts with two thirds of a genre, day after day."""
    types = use_case.positive_interactions
    return [
        {
            "user": f"person-{person}",
            "item": f"x{item}",
            "type": types[(person + item) % len(types)],
            "occurred_at": 1_700_000_000 + 86_400 * (item + person),
        }
        for person in range(PEOPLE)
        for item in range(person % 2, ITEMS, 2)
        if (item // 2 + person) % 3
    ]


@pytest.mark.parametrize("use_case", USE_CASES.values(), ids=lambda use_case: use_case.name)
def test_from_a_file_to_a_list_that_learned(
    use_case: UseCase, person: User, browserless: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_roles(user=person, roles=[use_case.role] if use_case.role else [])
    kind = KINDS[use_case.kind]
    own = ["--use-case", use_case.name]
    run(capsys, "import_items", write(tmp_path / "items.jsonl", items_of(use_case)), "--kind", kind.name)
    log = write(tmp_path / "log.jsonl", successes_of(use_case))
    run(capsys, "import_interactions", log, "--kind", kind.name)

    dataset = run(capsys, "generate_als_dataset", *own)["manifest"]
    assert dataset["use_case"] == use_case.name
    assert dataset["counts"]["rows"] == len(successes_of(use_case))
    trained = run(capsys, "train_als", *own, "--factors", "4", "--seed", "0")
    run(capsys, "activate_model", trained["version"])
    forget_state()

    address = f"/api/recommendations/personalized/{kind.plural}?use_case={use_case.name}"
    first = browserless.get(address).json()
    assert first["use_case"] == use_case.name
    liked = next(slot["item"] for slot in first["recommendations"] if slot["item"]["genres"] == ["A"])
    assert act(browserless, use_case, first, liked["id"]) == 201
    second = browserless.get(address).json()
    assert second["method_used"] == "als"
    assert second["model_version"] == ModelVersion.objects.get(status="active").label
    assert [slot["item"]["genres"] for slot in second["recommendations"][:5]] == [["A"]] * 5

    page = browserless.get(f"/?kind={kind.plural}&use_case={use_case.name}")
    assertContains(page, use_case.label)
    assertContains(page, "data-rank=")
    assert set(RecommendationSession.objects.values_list("use_case", flat=True)) == {use_case.name}
    run(capsys, "generate_ranker_dataset", *own)


def act(client: Client, use_case: UseCase, served: dict[str, Any], item_id: int) -> int:
    """Does the first success of the use case with an item of a list; returns the status."""
    body = {
        "item_id": item_id,
        "type": use_case.positive_interactions[0],
        "recommendation_session_id": served["recommendation_session_id"],
    }
    answer = client.post("/api/interactions", body, content_type="application/json")
    row = active_interactions().filter(item_id=item_id, type=body["type"]).last()
    assert row is not None
    assert str(row.recommendation_session_id) == served["recommendation_session_id"]
    return answer.status_code
