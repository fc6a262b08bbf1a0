"""Promises of the API for every answer, and its addresses, read from its own description."""

import json
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

ABSENT = UUID("00000000-0000-4000-8000-000000000000")
SAMPLES = {
    "kind": "movies",
    "item_id": "1",
    "user_id": "1",
    "action": "like",
    "session_id": str(ABSENT),
    "dislike_id": "1",
    "wish_id": "1",
    "profile_id": "1",
    "external_id": "x1",
}


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document."""
    result: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return result


@cache
def operations() -> list[tuple[str, str]]:
    """Every documented operation, as (method, path), for tests that are made one for each.

    It comes from the document that is checked in, which tests/docs/test_api_stability.py compares with
    `description`: to make that anew takes a second of each process that collects tests.
    """
    document = json.loads((settings.BASE_DIR / "docs" / "openapi.json").read_text(encoding="utf-8"))
    return [(method, path) for path, methods in document["paths"].items() for method in methods]


def unsafe_addresses() -> list[tuple[str, str]]:
    """Every documented operation that writes, as (method, address with sample values)."""
    return [
        (method, path.format_map(SAMPLES))
        for method, path in operations()
        if method in ("post", "put", "patch", "delete")
    ]


def assert_refused(response: Any, *statuses: int) -> str:
    """Asserts that `response` is one of `statuses` and in the form of our errors; returns its sentence."""
    assert response.status_code in statuses, (response.status_code, response.content[:300])
    body = response.json()
    assert body.keys() == {"success", "error"}
    assert body["success"] is False
    sentence = body["error"]
    assert sentence.endswith(".") or len(sentence) == 500, sentence
    return str(sentence)
