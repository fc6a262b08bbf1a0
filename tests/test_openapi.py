"""The API does what its own description says, whatever is sent: Schemathesis over every operation.

SCHEMATHESIS_EXAMPLES sets how many requests are made up for each operation (10; a release runs 200).
"""

import os
from dataclasses import dataclass
from itertools import product
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from django.conf import settings
from django.core.management import call_command
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.generation.hypothesis.builder import ApiOperationMark
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.pytest.plugin import SchemathesisFunction
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.services import issue_service_token
from config.wsgi import application
from core.domain import ACTIONS, KINDS, KINDS_BY_WORD, ROLES
from interactions.services import Wanted, record_interactions
from tests.answers import SAMPLES, assert_refused, description, operations
from tests.factories import app_client, make_items, make_user
from tests.recommendations.builders import make_session

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "10"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# The document that is checked in, which tests/docs/test_api_stability.py compares with what is served: to
# make it anew takes a second of each process that collects tests.
schema = schemathesis.openapi.from_path(settings.BASE_DIR / "docs" / "openapi.json")
schema.app = application
# So that each operation has a test. Its requests are made up when that runs: to do so takes five seconds of
# each process that collects tests.
schema.config.phases.update(phases=["fuzzing"])


@dataclass(frozen=True, slots=True)
class World:
    """A person with a token, and the ids of what is there for them to name."""

    headers: dict[str, str]
    items: dict[str, list[int]]
    others: dict[str, Any]

    def acquaint(self, case: schemathesis.Case[Any]) -> None:
        """Puts what is there in place of what was made up, in three requests of four.

        Which ones is decided by what was made up, so that the same run is the same again.
        """
        parts = [case.path_parameters, case.query, case.body]
        made_up = [part for part in parts if isinstance(part, dict | list)]
        chance = crc32(repr(made_up).encode("utf-8", "replace"))
        if chance % 4:
            kind = KINDS_BY_WORD.get(str((case.path_parameters or {}).get("kind")), KINDS["movie"])
            for part, place in zip(parts, (chance // 4, 0, 0), strict=True):
                self._acquaint(part, place, self.items[kind.name])

    def _acquaint(self, node: Any, place: int, items: list[int]) -> None:
        if isinstance(node, list):
            for index, child in enumerate(node):
                self._acquaint(child, index, items)
        if not isinstance(node, dict):
            return
        known = {"item_id": items[place % len(items)], "rank": place + 1, **self.others}
        if "recommendations" in node:
            # A list that was made elsewhere comes under an id of its own.
            del known["recommendation_session_id"]
        for key, value in node.items():
            if key in known and isinstance(value, str):
                node[key] = str(known[key])
            elif key in known and type(value) is type(known[key]):
                node[key] = known[key]
            else:
                self._acquaint(value, 0, items)


@pytest.fixture(autouse=True)
def _nothing_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    # SQLite in memory does not wait for another connection's lock on a table, as a file does.
    monkeypatch.setattr("profiles.selectors.catch_up_later", lambda user_id: None)


@pytest.fixture
def world(transactional_db: None) -> World:
    """Items of every kind, a list that was shown, and everything done that can be done with most of them."""
    person = make_user("ann", roles=list(ROLES))
    items = {name: make_items(5, kind=name, genres=["Drama"], year=2000) for name in KINDS}
    done = [
        Wanted(item.pk, ACTIONS[action].name)
        for kind in KINDS.values()
        for action, item in product(kind.actions, items[kind.name][:3])
    ]
    record_interactions(user_id=person.pk, wanted=done)
    shown = make_session(person, items["movie"])
    return World(
        headers={"Authorization": f"Token {issue_service_token(user=person)}"},
        items={name: [item.pk for item in made] for name, made in items.items()},
        others={
            "user_id": person.pk,
            "session_id": shown.pk,
            "recommendation_session_id": shown.pk,
            "use_case": "movie_home",
        },
    )


@pytest.fixture(autouse=True)
def _its_requests(request: pytest.FixtureRequest) -> None:
    """Makes up the requests of an operation: by its examples, by what it describes, and by chance."""
    if not isinstance(request.node, SchemathesisFunction):
        return
    schema.config.phases.update(phases=["examples", "coverage", "fuzzing"])
    operation = ApiOperationMark.get(request.node.obj)
    assert operation is not None
    request.node.obj = build_operation_test(
        config=schema.config,
        operation=operation,
        test_func=request.node.test_function,
        given_kwargs={},
        feedback=FeedbackSources(constants_value_source=make_constants_value_source(schema)),
    )


@pytest.mark.slow
@schema.parametrize()
@hypothesis_settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_its_word(case: schemathesis.Case[Any], world: World) -> None:
    world.acquaint(case)
    case.call_and_validate(headers=world.headers, checks=CHECKS)


def test_the_description_is_valid_and_complete(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


@pytest.mark.parametrize("path", dict.fromkeys(path for _, path in operations()))
def test_no_address_ignores_a_parameter_that_it_does_not_describe(world: World, path: str) -> None:
    """Each is refused by name, before anything is read or written."""
    client = app_client("films")
    for method, operation in description()["paths"][path].items():
        address = path.format_map(SAMPLES)
        answer = client.generic(
            method.upper(), f"{address}?nonsense=1", "{}", content_type="application/json"
        )
        assert "'nonsense'" in assert_refused(answer, 400)
        described = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        for name in described:
            answer = client.generic(
                method.upper(), f"{address}?{name}=x", "{}", content_type="application/json"
            )
            assert b"There is no parameter" not in answer.content, (path, name)


def test_every_operation_says_what_may_go_wrong() -> None:
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            answers = set(operation["responses"])
            assert answers & {"200", "201", "204"}, (method, path)
            if "requestBody" in operation:
                assert {"400", "401", "403", "413", "415", "503"} <= answers, (method, path)
            if "{" in path.replace("{kind}", ""):
                assert "404" in answers, (method, path)


def test_the_documentation_names_every_operation_and_every_status() -> None:
    page = (settings.BASE_DIR / "docs" / "reference" / "api.md").read_text()
    names = {
        "{kind}": "<kind>s",
        **dict.fromkeys(("{item_id}", "{session_id}", "{dislike_id}", "{wish_id}"), "<id>"),
    }
    names |= {"{": "<", "}": ">"}
    for path, methods in description()["paths"].items():
        documented = path
        for placeholder, name in names.items():
            documented = documented.replace(placeholder, name)
        headings = [line for line in page.splitlines() if line.startswith("#") or "check-auth" in line]
        told = " ".join(line for line in headings if f"{documented}`" in line)
        for method, operation in methods.items():
            assert method.upper() in told, (method, documented)
            errors = set(operation["responses"]) - {"200", "201", "204"}
            assert all(f"| {status} |" in page for status in errors), errors
