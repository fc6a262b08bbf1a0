"""Whatever is sent to an address that writes: a 4xx with a sentence, never a 500, and nothing kept."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts.models import IdempotencyKey, User
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession
from tests.answers import assert_refused
from tests.factories import make_item
from tests.recommendations.builders import list_body, make_session

LONG = "x" * 100_000
HUGE = 10**400
ANY = [True, 5, 1.5, [], {}, ["x"]]
NO_ID = [True, False, "1", "x", "", 1.0, 1.5, 0, -1, 2**63, 10**30, HUGE, [], {}, [1], LONG]
NO_UUID = [True, 5, 1.5, [], {}, "x", "", "\0", LONG, "0" * 31, "g" * 32, "\uff11" * 32]
NO_RATING = [True, "5", "NaN", "Infinity", "", -1, -1e-9, 11, 10**30, HUGE, 1e308, [], {}, LONG]
NO_SCORE = [None, *NO_RATING, 3.0000001]
NO_RANK: list[Any] = [None, True, "1", 1.0, 1.5, 0, -1, 2, 501, 10**30, [], {}]
NO_NAME = [None, *ANY, "", " ", "\0", "a\0b", "x" * 65, LONG]
NO_CHOICE = [None, *ANY, "", "\0", "nonsense", LONG]
NO_TIME = [*ANY, "", "x", "\0", "2999-01-01T00:00:00Z", LONG]

# Address and field (a path into the body), and what may not stand there.
FIELDS: list[tuple[str, str, list[Any]]] = [
    ("action", "recommendation_session_id", NO_UUID),
    ("action", "rating", NO_RATING),
    ("one", "item_id", [None, *NO_ID]),
    ("one", "type", NO_CHOICE),
    ("one", "rating", NO_RATING),
    ("one", "occurred_at", NO_TIME),
    ("one", "recommendation_session_id", NO_UUID),
    ("bulk", "interactions", [None, True, 5, "x", "", {}, [], [None], [[]], ["x"], [{}], {"item_id": 1}]),
    ("bulk", "interactions.0", [None, True, 5, "x", [], {}]),
    ("bulk", "interactions.0.item_id", [None, *NO_ID]),
    ("bulk", "interactions.0.type", NO_CHOICE),
    ("bulk", "interactions.0.rating", NO_RATING),
    ("bulk", "interactions.0.occurred_at", NO_TIME),
    ("bulk", "interactions.0.recommendation_session_id", NO_UUID),
    ("session", "recommendation_session_id", [None, *NO_UUID]),
    ("session", "use_case", NO_CHOICE),
    ("session", "method", NO_NAME),
    ("session", "model_version", [None, *ANY, "\0", "x" * 201, LONG]),
    ("session", "recommendations", [None, True, 5, "x", {}, [], [None], [[]], ["x"], [{}]]),
    ("session", "recommendations.0", [None, True, 5, "x", [], {}]),
    ("session", "recommendations.0.item_id", [None, *NO_ID]),
    ("session", "recommendations.0.rank", NO_RANK),
    ("session", "recommendations.0.score", NO_SCORE),
    ("session", "recommendations.0.method", NO_NAME),
    ("seen", "rank", NO_RANK),
]
FIELD_IDS = [f"{name}-{field}" for name, field, _ in FIELDS]
REQUIRED = [
    ("one", "item_id"),
    ("one", "type"),
    ("bulk", "interactions"),
    ("bulk", "interactions.0.item_id"),
    ("bulk", "interactions.0.type"),
    ("session", "recommendation_session_id"),
    ("session", "use_case"),
    ("session", "method"),
    ("session", "recommendations"),
    ("session", "recommendations.0.item_id"),
    ("session", "recommendations.0.rank"),
    ("session", "recommendations.0.score"),
    ("session", "recommendations.0.method"),
    ("seen", "rank"),
]
NAMES = ["action", "one", "bulk", "session", "seen"]


class Writes:
    """For each address that writes: a body that would be taken, and whether anything was kept."""

    def __init__(self, client: APIClient, person: User) -> None:
        self.client = client
        item = make_item()
        shown = make_session(person, [item])
        context = {"recommendation_session_id": str(shown.pk)}
        one = {"item_id": item.pk, "type": "watched", "rating": 5, "occurred_at": "2026-01-01T00:00:00Z"}
        self.addresses = {
            "action": f"/api/movies/{item.pk}/watched",
            "one": "/api/interactions",
            "bulk": "/api/interactions",
            "session": "/api/recommendations/session",
            "seen": f"/api/recommendations/session/{shown.pk}/seen",
        }
        self.bodies: dict[str, Any] = {
            "action": {"rating": 5} | context,
            "one": one | context,
            "bulk": {"interactions": [one | context]},
            "session": list_body([item]),
            "seen": {"rank": 1},
        }
        self.before = self.kept()

    def kept(self) -> tuple[object, ...]:
        """All that these addresses can write."""
        sessions = RecommendationSession.objects.order_by("pk").values_list("pk", "seen_rank")
        return UserInteraction.objects.count(), IdempotencyKey.objects.count(), *sessions

    def changed(self, name: str, field: str) -> tuple[Any, Any, Any]:
        """A copy of a body, the part of it that holds `field`, and the key of the field in there."""
        body = deepcopy(self.bodies[name])
        *path, last = (int(step) if step.isdigit() else step for step in field.split("."))
        part = body
        for step in path:
            part = part[step]
        return body, part, last

    def nested(self, name: str, depth: int) -> bytes:
        """A body with an unknown field of that many arrays in each other."""
        return (json.dumps(self.bodies[name])[:-1] + ', "extra": ' + "[" * depth + "]" * depth + "}").encode()

    def send(self, name: str, raw: bytes, content_type: str = "application/json") -> Any:
        headers = {"Idempotency-Key": "k"} if name in ("one", "bulk") else {}
        return self.client.post(self.addresses[name], raw, content_type=content_type, headers=headers)

    def assert_all_refused(self, answers: Iterator[Any], *statuses: int) -> None:
        for answer in answers:
            assert_refused(answer, *statuses)
            assert len(answer.content) < 1000
        assert self.kept() == self.before


@pytest.fixture
def writes(api: APIClient, person: User) -> Writes:
    return Writes(api, person)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_others_spoil_would_be_taken(writes: Writes, name: str) -> None:
    answer = writes.send(name, json.dumps(writes.bodies[name]).encode())
    assert answer.status_code in (200, 201)
    assert writes.kept() != writes.before


@pytest.mark.parametrize(("name", "field", "values"), FIELDS, ids=FIELD_IDS)
def test_a_value_that_may_not_stand_there(
    writes: Writes, name: str, field: str, values: list[object]
) -> None:
    def answers() -> Iterator[Any]:
        for value in values:
            body, part, last = writes.changed(name, field)
            part[last] = value
            yield writes.send(name, json.dumps(body).encode())

    writes.assert_all_refused(answers(), 400)


@pytest.mark.parametrize(("name", "field"), REQUIRED)
def test_a_required_field_left_out(writes: Writes, name: str, field: str) -> None:
    body, part, last = writes.changed(name, field)
    del part[last]
    writes.assert_all_refused(iter([writes.send(name, json.dumps(body).encode())]), 400)


@pytest.mark.parametrize(("name", "field"), [row[:2] for row in FIELDS], ids=FIELD_IDS)
def test_half_a_surrogate_pair_anywhere(
    writes: Writes, name: str, field: str, subtests: pytest.Subtests
) -> None:
    for half in ("\\ud800", "\\udc00", "a\\udfffb", "\\udc00\\ud800"):
        with subtests.test(half=half):
            _refuse_half(writes, name, field, half)


def _refuse_half(writes: Writes, name: str, field: str, half: str) -> None:
    body, part, last = writes.changed(name, field)
    part[last] = "HALF"
    as_value = json.dumps(body).replace("HALF", half).encode()
    body, part, last = writes.changed(name, field)
    if isinstance(part, dict):
        part["HALF"] = part.pop(last)
    as_key = json.dumps(body).replace("HALF", half).encode()
    answers = [writes.send(name, as_value)]
    if as_key != as_value and isinstance(part, dict):
        answers.append(writes.send(name, as_key))
    writes.assert_all_refused(iter(answers), 400)


# Each is refused and leaves everything as it was, so that one installation does for all.
NO_OBJECTS = [
    b"[]",
    b"null",
    b"true",
    b"1",
    b'"x"',
    b"[1]",
    b'[{"item_id": 1, "type": "like"}]',
    b"{",
    b"}",
    b"{}}",
    b"{'a': 1}",
    b"\xff\xfe",
    b'{"a": "\xff"}',
    b'{"a": "\xed\xa0\x80"}',
    "\ufeff{}".encode(),
    '{"a": 1}'.encode("utf-16"),
    b"\0",
    b'{"a": "\0"}',
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": -Infinity}',
    b'{"a": 1e999}',
    b'{"a": -1e999}',
    b'{"a": 1, "a": 1}',
    b'{"a": ' + b"1" * 5000 + b"}",
    b'{"a": [' * 100_000,
    b'{"a": ' + b"[" * 33 + b"]" * 33 + b"}",
    b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"a": ' * 900 + b"1" + b"}" * 900,
    b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
]
OTHER_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/xml",
    "application/json5",
    "json",
    "/",
    "\xff",
]


@pytest.mark.parametrize("name", NAMES)
class TestBody:
    def test_that_is_no_json_object(self, writes: Writes, name: str, subtests: pytest.Subtests) -> None:
        for raw in NO_OBJECTS:
            with subtests.test(raw=f"{raw[:24]!r} {len(raw)}"):
                writes.assert_all_refused(iter([writes.send(name, raw)]), 400)

    @pytest.mark.parametrize("depth", [1, 10])
    def test_nested_where_nobody_looks(self, writes: Writes, name: str, depth: int) -> None:
        """An unknown field is ignored."""
        assert writes.send(name, writes.nested(name, depth)).status_code in (200, 201)

    def test_nested_too_deep(self, writes: Writes, name: str, subtests: pytest.Subtests) -> None:
        """One as deep as Python's own limits must not break what handles it."""
        for depth in (32, 33, 100, 300, 500, 700, 900, 990):
            with subtests.test(depth=depth):
                writes.assert_all_refused(iter([writes.send(name, writes.nested(name, depth))]), 400)

    def test_larger_than_allowed(self, writes: Writes, name: str) -> None:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = json.dumps(writes.bodies[name]).encode()
        at_the_limit = body + b" " * (limit - len(body))
        writes.assert_all_refused(iter([writes.send(name, at_the_limit + b" ")]), 413)
        assert writes.send(name, at_the_limit).status_code in (200, 201)

    def test_of_another_content_type(self, writes: Writes, name: str, subtests: pytest.Subtests) -> None:
        raw = json.dumps(writes.bodies[name]).encode()
        for content_type in OTHER_TYPES:
            with subtests.test(content_type=content_type):
                writes.assert_all_refused(iter([writes.send(name, raw, content_type)]), 415)

    @pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
    def test_empty(self, writes: Writes, name: str, content_type: str) -> None:
        answer = writes.send(name, b"", content_type)
        if name == "action":
            assert answer.status_code == 201
        else:
            writes.assert_all_refused(iter([answer]), 400)


ADDRESSES_THAT_DO_NOT_EXIST = [
    "/api/",
    "/api/nope",
    "/api/%00",
    "/api/movies/%00",
    "/api/movies%00",
    "/api/movies/",
    "/api/movies/0",
    "/api/movies/-1",
    "/api/movies/+1",
    "/api/movies/1.5",
    "/api/movies/x",
    "/api/movies/%D9%A3",
    "/api/movies/" + "9" * 18,
    "/api/movies/" + "9" * 19,
    "/api/movies/" + "9" * 5000,
    "/api/movies/1/like%00",
    "/api/movies/1/%0A",
    "/api/movies/1/like/",
    "/api/movies/1/" + "x" * 5000,
    "/api/unicorns",
    "/api/unicorns/1",
    "/api/Movies/1",
    "/api/%ED%A0%80",
    "/api/%ff",
    "/api/a%0Ab",
    "/api/recommend/" + "9" * 19,
    "/api/recommend/" + "9" * 18,
    "/api/recommendations/personalized/unicorns",
    "/api/recommendations/session/x/seen",
    "/api/movies?format=xml",
]


def test_an_address_that_does_not_exist_is_answered_in_json(
    api: APIClient, subtests: pytest.Subtests
) -> None:
    for path in ADDRESSES_THAT_DO_NOT_EXIST:
        with subtests.test(path=path[:40]):
            assert_refused(api.get(path), 404, 405)
            assert_refused(api.post(path, {}, format="json"), 404, 405)


BAD_QUERIES = [
    (
        "/api/movies",
        "page",
        ["0", "-1", "x", "1.5", "10001", "9" * 30, "9" * 5000, "%00", "NaN", "1e999"],
    ),
    ("/api/movies", "page_size", ["0", "101", "-1", "x", "%00", "true"]),
    ("/api/movies", "q", ["%00", "a%00b", "x" * 201, "%F0%90" + "x" * 300]),
    ("/api/movies", "genre", ["%00", "x" * 201]),
    ("/api/movies/{item}", "recommendation_session_id", ["x", "%00", "1", "0" * 31, "[]", "%ED%A0%80"]),
    (
        "/api/recommendations/personalized/movies",
        "limit",
        ["0", "-1", "x", "101", "9" * 30, "%00", "1.5"],
    ),
    (
        "/api/recommendations/personalized/movies",
        "use_case",
        ["x", "%00", "drama_home", "DRAMA_HOME", "x" * 5000],
    ),
    ("/api/recommend/{person}", "limit", ["0", "x", "%00"]),
    ("/api/recommend/{person}", "use_case", ["x", "%00", "%ff"]),
]


@pytest.mark.parametrize(
    ("path", "name", "values"), BAD_QUERIES, ids=[f"{path}-{name}" for path, name, _ in BAD_QUERIES]
)
def test_a_query_that_cannot_be_meant(
    api: APIClient, person: User, path: str, name: str, values: list[str]
) -> None:
    address = path.format(item=make_item().pk, person=person.pk)
    for value in values:
        sentence = assert_refused(api.get(f"{address}?{name}={value}"), 400)
        assert name in sentence
    assert not UserInteraction.objects.exists()
    assert not RecommendationSession.objects.exists()


@pytest.mark.parametrize("query", ["", "&&&", "q=%F0%9F%8E%AC", "q=%zz", "q="])
def test_a_query_that_is_odd_and_harmless(api: APIClient, query: str) -> None:
    assert api.get(f"/api/movies?{query}").status_code == 200


@pytest.mark.parametrize("query", ["q=%ff", "q=a&q=b", "q=&q=&q="])
def test_a_parameter_of_which_a_part_would_be_lost_is_refused_by_name(api: APIClient, query: str) -> None:
    assert "'q'" in assert_refused(api.get(f"/api/movies?{query}"), 400)


@pytest.mark.parametrize("query", ["%00=1", "a=1&" * 999, "=", "%", "%zz", "q[]=", "Q=x", "limit=5&q=x"])
def test_a_parameter_that_nobody_reads_is_refused_by_name(api: APIClient, query: str) -> None:
    assert "There is no parameter" in assert_refused(api.get(f"/api/movies?{query}"), 400)


def test_more_parameters_than_anybody_needs(api: APIClient) -> None:
    assert_refused(api.get("/api/movies?" + "a=1&" * 1100), 400)
