"""The API keeps what it once promised: docs/openapi.json is what it was, and nothing in it may go.

After a change that only adds, write it anew: `make openapi`.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.answers import description
from tests.docs.pages import ROOT

SNAPSHOT = ROOT / "docs" / "openapi.json"


def promised() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SNAPSHOT.read_text("utf-8"))
    return document


def now() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(description()))
    return document


def breaks(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Sentences on whatever a client of the old document would miss in the new one."""
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            place = f"{method.upper()} {path}"
            current = new["paths"].get(path, {}).get(method)
            if current is None:
                yield f"{place} is gone"
                continue
            yield from _parameters(place, operation, current)
            yield from _answers(place, operation, current)
    for name, schema in old["components"]["schemas"].items():
        yield from _schema(name, schema, new["components"]["schemas"].get(name))


def _parameters(place: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    known = {(one["in"], one["name"]): one for one in old.get("parameters", [])}
    current = {(one["in"], one["name"]): one for one in new.get("parameters", [])}
    yield from (f"{place} no longer takes {name}" for where, name in known.keys() - current.keys())
    for key, one in current.items():
        if one.get("required") and not known.get(key, {}).get("required"):
            yield f"{place} demands {key[1]}"
    if new.get("requestBody", {}).get("required") and not old.get("requestBody", {}).get("required"):
        yield f"{place} demands a body"


def _answers(place: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    for status, answer in old["responses"].items():
        if status.startswith("2") and new["responses"].get(status) is None:
            yield f"{place} no longer answers {status}"
        elif status.startswith("2") and answer.get("content") and answer != new["responses"][status]:
            yield f"{place} answers {status} in another form"


def _schema(name: str, old: dict[str, Any], new: dict[str, Any] | None) -> Iterator[str]:
    if new is None:
        yield f"{name} is gone"
        return
    is_request = name.endswith(("Request", "Body"))
    for field, form in old.get("properties", {}).items():
        current = new.get("properties", {}).get(field)
        if current is None:
            yield f"{name}.{field} is gone"
        elif (form.get("type"), form.get("$ref")) != (current.get("type"), current.get("$ref")):
            yield f"{name}.{field} has another type"
        elif current.get("nullable") and not form.get("nullable") and not is_request:
            yield f"{name}.{field} may be null"
    lost = set(old.get("required", [])) - set(new.get("required", []))
    gained = set(new.get("required", [])) - set(old.get("required", []))
    if not is_request:
        yield from (f"{name}.{field} may be left out" for field in sorted(lost))
    else:
        yield from (f"{name} demands {field}" for field in sorted(gained))
    if old.get("enum") and is_request and set(old["enum"]) - set(new.get("enum", [])):
        yield f"{name} lost a value"


def test_nothing_that_was_promised_is_gone() -> None:
    assert list(breaks(promised(), now())) == []


def test_the_document_that_is_checked_in_is_that_of_today() -> None:
    assert promised() == now(), "the API changed: run `make openapi` and look at what `git diff` says"


def test_the_version_is_that_of_the_stability_page() -> None:
    version = promised()["info"]["version"]
    assert f"version {version}" in (ROOT / "docs" / "reference" / "api-stability.md").read_text("utf-8")


LIST = "/api/recommendations/personalized/{kind}"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda new: new["paths"].pop(LIST), f"GET {LIST} is gone"),
        (lambda new: new["paths"][LIST].pop("post"), f"POST {LIST} is gone"),
        (lambda new: new["paths"][LIST]["get"]["parameters"].clear(), f"GET {LIST} no longer takes limit"),
        (lambda new: new["paths"][LIST]["get"]["responses"].pop("200"), f"GET {LIST} no longer answers 200"),
        (lambda new: new["components"]["schemas"]["Slot"]["properties"].pop("score"), "Slot.score is gone"),
        (
            lambda new: new["components"]["schemas"]["Slot"]["properties"]["score"].update(type="string"),
            "Slot.score has another type",
        ),
        (
            lambda new: new["components"]["schemas"]["Slot"]["required"].remove("why"),
            "Slot.why may be left out",
        ),
        (lambda new: new["components"]["schemas"].pop("Item"), "Item is gone"),
    ],
)
def test_what_breaks_a_client_is_noticed(change: Any, sentence: str) -> None:
    new = deepcopy(promised())
    change(new)
    assert sentence in set(breaks(promised(), new))


def test_what_only_adds_breaks_nothing() -> None:
    new = deepcopy(promised())
    new["paths"]["/api/new"] = {"get": {"responses": {"200": {}}}}
    new["components"]["schemas"]["Slot"]["properties"]["extra"] = {"type": "string"}
    new["paths"][LIST]["get"]["parameters"].append({"in": "query", "name": "extra"})
    assert list(breaks(promised(), new)) == []
