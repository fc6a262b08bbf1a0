"""Promises of the API for every answer, and its addresses, read from its own description."""

from functools import cache
from typing import Any
from uuid import UUID

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


def unsafe_addresses() -> list[tuple[str, str]]:
    """Every documented operation that writes, as (method, address with sample values)."""
    return [
        (method, path.format_map(SAMPLES))
        for path, operations in description()["paths"].items()
        for method in operations
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
