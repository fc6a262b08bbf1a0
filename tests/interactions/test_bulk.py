"""`POST /api/interactions`: one or many, all or none, and once per key."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import IdempotencyKey, User
from accounts.services import set_roles
from core.domain import KINDS, ROLES, TYPES
from interactions.api import MAX_BULK
from interactions.models import UserInteraction
from interactions.selectors import active_interactions
from tests.answers import assert_refused
from tests.factories import make_item, make_items, make_user
from tests.recommendations.builders import make_session
from tests.threads import together

ADDRESS = "/api/interactions"
ACTION_OF_TYPE = {"watchlist_add": "watchlist", "watchlist_remove": "watchlist"}
TAKEN = {
    kind.name: {
        name for name in TYPES if name in ("view", "click") or ACTION_OF_TYPE.get(name, name) in kind.actions
    }
    for kind in KINDS.values()
}


def post(client: APIClient, body: Any, key: str | None = None) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(ADDRESS, body, format="json", headers=headers)


def row(item: Any, type_name: str = "like", **fields: object) -> dict[str, Any]:
    return {"item_id": item.pk, "type": type_name, **fields}


def test_many_are_recorded_in_the_order_sent(api: APIClient, person: User) -> None:
    items = make_items(3)
    session = make_session(person, items)
    rows = [
        row(items[0], "view", occurred_at="2026-01-02T03:04:05+02:00"),
        row(items[1], "watched", rating=8),
        row(items[2], "like", recommendation_session_id=str(session.pk)),
        row(items[2], "like"),
    ]
    answer = post(api, {"interactions": rows})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["success"], body["recorded"]) == (True, 3)
    said = [(one["item_id"], one["type"], one["created"]) for one in body["interactions"]]
    assert said == [
        (items[0].pk, "view", True),
        (items[1].pk, "watched", True),
        (items[2].pk, "like", True),
        (items[2].pk, "like", False),
    ]
    assert body["interactions"][0]["occurred_at"] == "2026-01-02T01:04:05+00:00"
    assert body["interactions"][1]["rating"] == 8
    assert body["interactions"][2]["recommendation_rank"] == 3
    assert UserInteraction.objects.filter(user=person).count() == UserInteraction.objects.count() == 3


def test_one_may_be_sent_alone(api: APIClient) -> None:
    item = make_item()
    answer = post(api, row(item))
    assert answer.status_code == 201
    assert answer.json()["recorded"] == 1
    again = post(api, row(item))
    assert (again.status_code, again.json()["recorded"]) == (200, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda person, other: {"item_id": 999_999_999},
        lambda person, other: {"item_id": make_item(is_active=False).pk},
        lambda person, other: {"type": "apply"},
        lambda person, other: {"type": "nonsense"},
        lambda person, other: {"rating": 5},
        lambda person, other: {"occurred_at": "2999-01-01T00:00:00Z"},
        lambda person, other: {"recommendation_session_id": str(make_session(other, make_items(1)).pk)},
    ],
    ids=["unknown item", "hidden item", "type not taken", "no type", "rating", "future", "foreign session"],
)
@pytest.mark.parametrize("key", [None, "k"])
def test_one_bad_among_many_and_none_is_recorded(
    api: APIClient,
    person: User,
    other_person: User,
    spoil: Callable[[User, User], dict[str, Any]],
    key: str | None,
) -> None:
    rows = [row(item) for item in make_items(5)]
    rows[3] |= spoil(person, other_person)
    assert_refused(post(api, {"interactions": rows}, key), 400, 404)
    assert not UserInteraction.objects.exists()
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("type_name", TYPES)
def test_a_kind_takes_the_types_of_its_actions(
    api: APIClient, person: User, kind: str, type_name: str
) -> None:
    set_roles(user=person, roles=ROLES)
    answer = post(api, row(make_item(kind=kind), type_name))
    if type_name in TAKEN[kind]:
        assert answer.status_code == 201
        assert UserInteraction.objects.get().weight == pytest.approx(answer_weight(type_name))
    else:
        assert "type" in assert_refused(answer, 400)
        assert not UserInteraction.objects.exists()


def answer_weight(type_name: str) -> float:
    """The training weight in the table of the design; watched without a rating counts as if 7."""
    return 1.5 if type_name == "watched" else TYPES[type_name].training


def test_an_item_of_a_kind_that_is_no_longer_registered_is_unknown(api: APIClient) -> None:
    assert_refused(post(api, row(make_item(kind="unicorn"))), 404)


def test_as_many_as_allowed_and_not_one_more(api: APIClient) -> None:
    items = make_items(10)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        row(items[index % 10], "click", occurred_at=(moment + timedelta(hours=index)).isoformat())
        for index in range(MAX_BULK)
    ]
    answer = post(api, {"interactions": rows})
    assert answer.status_code == 201
    assert answer.json()["recorded"] == UserInteraction.objects.count() == MAX_BULK == 1000
    assert_refused(post(api, {"interactions": [*rows, row(items[0])]}), 400)
    assert_refused(post(api, {"interactions": []}), 400)
    assert UserInteraction.objects.count() == MAX_BULK


class TestWhen:
    @pytest.mark.parametrize(
        "text",
        [
            "1970-01-01T00:00:00Z",
            "2000-02-29T12:00:00+14:00",
            "2000-02-29T12:00:00-12:00",
            "2000-02-29 12:00",
            "2000-02-29",
        ],
    )
    def test_the_past_is_taken(self, api: APIClient, text: str) -> None:
        answer = post(api, row(make_item(), occurred_at=text))
        assert answer.status_code == 201

    @pytest.mark.parametrize(
        "text",
        [
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
            "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59-12:00",
            "2999-01-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2023-01-01T25:00:00Z",
            "2023-01-01T00:00:00+99:99",
            "now",
            "",
            "\x00",
            1_700_000_000,
            1.5,
            True,
            [],
            {},
        ],
    )
    def test_what_is_no_time_in_the_past_is_refused(self, api: APIClient, text: object) -> None:
        assert "occurred_at" in assert_refused(post(api, row(make_item(), occurred_at=text)), 400)
        assert not UserInteraction.objects.exists()

    @pytest.mark.parametrize(("minutes", "is_taken"), [(4, True), (6, False)])
    def test_clocks_may_differ_a_little(self, api: APIClient, minutes: int, is_taken: bool) -> None:
        moment = timezone.now() + timedelta(minutes=minutes)
        answer = post(api, row(make_item(), occurred_at=moment.isoformat()))
        assert answer.status_code == (201 if is_taken else 400)

    def test_the_same_event_delivered_twice_is_one(self, api: APIClient) -> None:
        body = row(make_item(), "click", occurred_at="2026-01-02T03:04:05Z")
        first, second = post(api, body), post(api, body)
        assert (first.status_code, second.status_code) == (201, 200)
        assert UserInteraction.objects.count() == 1

    def test_a_like_taken_back_does_not_come_back_when_delivered_again(self, api: APIClient) -> None:
        item = make_item()
        body = row(item, occurred_at="2026-01-02T03:04:05Z")
        post(api, body)
        api.delete(f"/api/movies/{item.pk}/like")
        assert post(api, body).status_code == 200
        assert not active_interactions().exists()


class TestIdempotencyKey:
    def test_the_first_answer_is_given_again(self, api: APIClient, person: User) -> None:
        item = make_item()
        session = make_session(person, [item])
        body = {"interactions": [row(item, "click", recommendation_session_id=str(session.pk))]}
        first, second = post(api, body, "a key"), post(api, body, "a key")
        assert (first.status_code, first.json()) == (201, second.json())
        assert second.status_code == 201
        assert UserInteraction.objects.count() == 1
        assert post(api, body, "another").json() != first.json()
        assert UserInteraction.objects.count() == 2

    def test_another_body_is_refused(self, api: APIClient) -> None:
        items = make_items(2)
        post(api, row(items[0], "click"), "a key")
        assert_refused(post(api, row(items[1], "click"), "a key"), 422)
        assert_refused(post(api, {"interactions": [row(items[0], "click")]}, "a key"), 422)
        assert UserInteraction.objects.count() == 1

    def test_it_belongs_to_one_person(self, api: APIClient, other_person: User) -> None:
        items = make_items(2)
        stranger = APIClient()
        stranger.force_login(other_person)
        assert post(api, row(items[0]), "a key").status_code == 201
        answer = post(stranger, row(items[1]), "a key")
        assert answer.status_code == 201
        assert answer.json()["interactions"][0]["item_id"] == items[1].pk

    def test_a_refused_request_does_not_use_it_up(self, api: APIClient) -> None:
        body = row(make_item(is_active=False))
        assert_refused(post(api, body, "a key"), 404)
        assert post(api, row(make_item()), "a key").status_code == 201

    @pytest.mark.parametrize("key", ["x" * 200, "Ä", "' OR 1=1 --", "%00", "{}"])
    def test_any_printable_text_will_do(self, api: APIClient, key: str) -> None:
        item = make_item()
        assert [post(api, row(item, "click"), key).status_code for _ in range(2)] == [201, 201]
        assert UserInteraction.objects.count() == 1

    @pytest.mark.parametrize("key", ["x" * 201, "x" * 8000, "a\x00b", "a\tb", "\x85", "\xad"])
    def test_other_text_is_refused(self, api: APIClient, key: str) -> None:
        assert_refused(post(api, row(make_item()), key), 400)
        assert not UserInteraction.objects.exists()

    def test_twenty_at_once_are_one(self, threads_db: None) -> None:
        person, item = make_user(), make_item()

        def one(_: int) -> tuple[int, bytes]:
            client = APIClient(raise_request_exception=False)
            client.force_authenticate(person)
            answer = post(client, row(item, "click"), "a key")
            return answer.status_code, answer.json()

        answers = together(20, one)
        assert all(answer == answers[0] for answer in answers)
        assert answers[0][0] == 201
        assert UserInteraction.objects.count() == IdempotencyKey.objects.count() == 1


def test_nobody_writes_for_another(api: APIClient, person: User, other_person: User) -> None:
    body = row(make_item(), user_id=other_person.pk, user=other_person.pk, username="bob", weight=99)
    assert post(api, {**body, "X-User-ID": other_person.pk}).status_code == 201
    assert [(one.user, one.weight) for one in UserInteraction.objects.all()] == [(person, 2.0)]
