"""`POST /api/interactions` of many people in one batch, by the token of an app."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import IdempotencyKey, User
from accounts.services import issue_service_token, set_roles
from core.domain import ROLES
from feedback.models import Dislike
from interactions.batch import MAX_BATCH
from interactions.models import UserInteraction
from interactions.selectors import active_interactions
from tests.answers import assert_refused
from tests.factories import app_client, make_item, make_items, make_user
from tests.recommendations.builders import make_session
from tests.threads import together

ADDRESS = "/api/interactions"
MOMENT = "2026-01-01T00:00:00Z"


@pytest.fixture
def app(db: None) -> APIClient:
    return app_client()


def post(client: APIClient, *rows: Any, key: str | None = None, **fields: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(ADDRESS, {"interactions": list(rows), **fields}, format="json", headers=headers)


def row(user: str, item: Any, type_name: str = "like", **fields: Any) -> dict[str, Any]:
    return {"user": user, "kind": item.kind, "external_id": item.external_id, "type": type_name, **fields}


def on_record() -> set[tuple[str, int, str]]:
    return set(active_interactions().values_list("user__username", "item_id", "type"))


def test_many_people_are_recorded_by_the_ids_of_the_app(app: APIClient) -> None:
    ann, bob = make_user("ann"), make_user("bob")
    film, drama = make_item(), make_item(kind="drama")
    shown = make_session(bob, [film])
    answer = post(
        app,
        row("ann", film, occurred_at=MOMENT),
        row("bob", drama, "watched", rating=8),
        {"user": "bob", "item_id": film.pk, "type": "like", "recommendation_session_id": str(shown.pk)},
        row("ann", film, occurred_at=MOMENT),
    )
    assert (answer.status_code, answer.json()) == (
        201,
        {
            "success": True,
            "recorded": 3,
            "unchanged": 1,
            "created_users": 0,
            "interactions": [],
            "errors": [],
        },
    )
    assert on_record() == {("ann", film.pk, "like"), ("bob", drama.pk, "watched"), ("bob", film.pk, "like")}
    assert UserInteraction.objects.get(user=bob, type="like").recommendation_rank == 1
    assert not UserInteraction.objects.filter(user=ann).exclude(recommendation_session=None).exists()


def test_each_row_is_what_the_person_alone_would_have_left(app: APIClient) -> None:
    """The same acts, in one batch and by each person, leave the same rows."""
    items = make_items(3)
    acts: list[tuple[Any, str, dict[str, Any]]] = [
        (items[0], "like", {}),
        (items[0], "dislike", {}),
        (items[0], "view", {"occurred_at": MOMENT}),
        (items[0], "view", {"occurred_at": "2026-01-01T00:01:00Z"}),
        (items[1], "watched", {"rating": 9, "occurred_at": "2026-01-02T00:00:00Z"}),
        (items[1], "watched", {"rating": 2, "occurred_at": MOMENT}),
        (items[2], "watchlist_add", {}),
        (items[2], "watchlist_remove", {}),
    ]
    alone = APIClient()
    alone.force_login(make_user("alone"))
    for name in ("one", "two"):
        make_user(name)
    for item, type_name, fields in acts:
        assert alone.post(
            ADDRESS, {"item_id": item.pk, "type": type_name, **fields}, format="json"
        ).status_code in (200, 201)
    assert (
        post(app, *(row(name, *act[:2], **act[2]) for act in acts for name in ("one", "two"))).json()[
            "errors"
        ]
        == []
    )

    def left(name: str) -> list[tuple[Any, ...]]:
        rows = UserInteraction.objects.filter(user__username=name).order_by("item_id", "type", "pk")
        return [(one.item_id, one.type, one.weight, one.rating, one.withdrawn_at is None) for one in rows]

    assert left("one") == left("two") == left("alone")
    assert Dislike.objects.count() == 3


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        (5, "must be an object"),
        ([], "must be an object"),
        ({"weight": 9}, "no field 'weight'"),
        ({"user": None}, "user is missing"),
        ({"user": 7}, "user must be text"),
        ({"user": "staff-member"}, "user names nobody"),
        ({"user": "gone"}, "user names nobody"),
        ({"user": "films-site"}, "user names nobody"),
        ({"user": "a b"}, "user may hold"),
        ({"user": "x" * 151}, "user has 151"),
        ({"external_id": "unheard-of"}, "no such item"),
        ({"external_id": 5}, "external_id must be text"),
        ({"external_id": "x" * 201}, "external_id has 201"),
        ({"kind": "unicorn"}, "kind must be one of"),
        ({"kind": None}, "named by item_id, or by kind"),
        ({"item_id": 1}, "named by item_id, or by kind"),
        ({"kind": None, "external_id": None, "item_id": "1"}, "item_id must be a whole number"),
        ({"kind": None, "external_id": None, "item_id": 2**63}, "item_id must be from"),
        ({"kind": None, "external_id": None, "item_id": 999_999_999}, "no such item"),
        ({"type": "apply"}, "type must be one of"),
        ({"type": ["like"]}, "type must be one of"),
        ({"type": None}, "type is missing"),
        ({"rating": 5}, "rating belongs to"),
        ({"rating": "NaN"}, "rating must be a number"),
        ({"occurred_at": "2199-01-01T00:00:00Z"}, "is in the future"),
        ({"occurred_at": 5}, "must be a date"),
        ({"recommendation_session_id": "x"}, "must be a UUID"),
        ({"recommendation_session_id": 5}, "must be a UUID"),
        ({"recommendation_session_id": str(uuid4())}, "no such recommendation session"),
    ],
)
@pytest.mark.parametrize("create", [False, True])
def test_a_bad_row_is_reported_and_the_others_are_stored(
    app: APIClient, bad: Any, cause: str, *, create: bool
) -> None:
    make_user("ann"), make_user("staff-member", is_staff=True), make_user("gone", is_active=False)
    item = make_item()
    spoilt = {**row("ann", item), **bad} if isinstance(bad, dict) else bad
    before = User.objects.count()
    answer = post(app, row("ann", item), spoilt, row("ann", item, "click"), create_users=create)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["recorded"], body["created_users"]) == (2, 0)
    ((place, sentence),) = [(one["row"], one["error"]) for one in body["errors"]]
    assert place == 1
    assert cause in sentence
    assert sentence.endswith(".")
    assert User.objects.count() == before
    assert UserInteraction.objects.count() == 2
    assert cause in assert_refused(post(app, spoilt, key="k", create_users=create), 400)
    assert not IdempotencyKey.objects.exists()


def test_people_are_created_where_that_is_said(app: APIClient) -> None:
    item = make_item()
    rows = [row(f"new-{number}", item) for number in range(3)] + [row("new-0", item, "click")]
    assert_refused(post(app, *rows), 400)
    assert not User.objects.filter(username__startswith="new").exists()
    answer = post(app, *rows, create_users=True).json()
    assert (answer["recorded"], answer["created_users"]) == (4, 3)
    assert not any(user.has_usable_password() for user in User.objects.filter(username__startswith="new"))
    assert post(app, *rows, create_users=True).json()["created_users"] == 0


def test_nobody_is_created_for_a_row_that_is_refused(app: APIClient) -> None:
    item, startup = make_item(), make_item(kind="startup")
    make_user("ann")
    answer = post(
        app,
        row("ann", item),
        row("new-1", item, recommendation_session_id=str(uuid4())),
        row("new-2", startup, "apply"),
        create_users=True,
    ).json()
    assert (answer["recorded"], answer["created_users"]) == (1, 0)
    assert [one["row"] for one in answer["errors"]] == [1, 2]
    assert "role" in answer["errors"][1]["error"]
    set_roles(user=make_user("dev"), roles=ROLES)
    assert post(app, row("dev", startup, "apply")).status_code == 201


def test_another_persons_list_proves_nothing(app: APIClient) -> None:
    make_user("ann")
    item = make_item()
    theirs = make_session(make_user("bob"), [item])
    answer = post(app, row("ann", item, recommendation_session_id=str(theirs.pk)))
    assert "no such recommendation session" in assert_refused(answer, 400)
    assert not UserInteraction.objects.exists()


def test_what_is_hidden_is_taken_as_of_then_and_from_who_met_it(app: APIClient) -> None:
    ann, bob, item = make_user("ann"), make_user("bob"), make_item(is_active=False)
    make_user("cid")
    make_session(ann, [item])
    answer = post(app, row("ann", item), row("bob", item), row("cid", item, occurred_at=MOMENT)).json()
    assert answer["recorded"] == 2
    assert [(one["row"], one["error"]) for one in answer["errors"]] == [
        (1, "there is no such item any more.")
    ]
    assert not UserInteraction.objects.filter(user=bob).exists()
    assert post(app, row("cid", item, "click")).json()["recorded"] == 1


class TestWhoMay:
    def clients(self) -> list[APIClient]:
        person, staff = make_user("ann"), make_user("boss", is_staff=True, is_superuser=True)
        plain, chief = APIClient(), APIClient()
        plain.credentials(HTTP_AUTHORIZATION=f"Token {issue_service_token(user=person)}")
        chief.force_login(staff)
        token = issue_service_token(user=make_user("other-site"), may_act_for_others=True)
        named = APIClient()
        named.credentials(HTTP_AUTHORIZATION=f"Token {token}", HTTP_X_USER_NAME="ann")
        return [plain, chief, named]

    def test_others_are_refused_and_nothing_is_stored(self, app: APIClient) -> None:
        item = make_item()
        for client in self.clients():
            assert_refused(post(client, row("ann", item)), 403)
            assert_refused(post(client, row("new", item), create_users=True), 403)
            assert_refused(
                client.post(ADDRESS, {"create_users": True, **row("new", item)}, format="json"), 403
            )
        assert not UserInteraction.objects.exists()
        assert not User.objects.filter(username="new").exists()
        assert_refused(post(APIClient(), row("ann", item)), 401)

    def test_one_row_may_come_alone(self, app: APIClient) -> None:
        item = make_item()
        answer = app.post(ADDRESS, {**row("new", item), "create_users": True}, format="json")
        assert answer.json()["created_users"] == 1
        assert app.post(ADDRESS, row("new", item), format="json").json()["unchanged"] == 1
        assert on_record() == {("new", item.pk, "like")}


@pytest.mark.parametrize(
    "body",
    [
        {"interactions": [], "create_users": True},
        {"interactions": None, "create_users": True},
        {"interactions": {"user": "ann"}, "create_users": True},
        {"interactions": [{"user": "ann"}], "create_users": "yes"},
        {"interactions": [{"user": "ann"}], "create_users": None},
        {"interactions": [{"user": "ann"}], "extra": 1},
        {"interactions": [{"user": "ann"}] * (MAX_BATCH + 1)},
        {"interactions": [None, {"user": "ann"}]},
        {"create_users": True},
    ],
    ids=lambda body: str(body)[:50],
)
def test_a_body_that_cannot_be_meant(app: APIClient, body: Any) -> None:
    make_user("ann")
    assert_refused(app.post(ADDRESS, body, format="json"), 400)
    assert not UserInteraction.objects.exists()


def test_a_key_makes_it_once(app: APIClient) -> None:
    item = make_item()
    first = post(app, row("new", item), row("", item), key="k", create_users=True)
    active_interactions().update(withdrawn_at=timezone.now())
    again = post(app, row("new", item), row("", item), key="k", create_users=True)
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert not active_interactions().exists()
    assert_refused(post(app, row("new", item), key="k"), 422)


def test_queries_do_not_grow_with_rows_or_people(app: APIClient) -> None:
    items = make_items(40)
    moment = timezone.now() - timedelta(days=1)

    def count(people: int) -> int:
        rows = [
            row(
                f"p{people}-{number}",
                items[number],
                "watched",
                rating=number % 10,
                occurred_at=moment.isoformat(),
            )
            for number in range(people)
        ]
        with CaptureQueriesContext(connection) as queries:
            assert post(app, *rows, create_users=True).json()["recorded"] == people
        return len(queries)

    # The first request of a day writes down that the token was used.
    count(1)
    assert count(4) == count(40) <= 14


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_from_many_threads_at_once_is_recorded_once(threads_db: None) -> None:
    app, items = app_client(), make_items(5)
    rows = [row(f"p{number}", item) for number in range(5) for item in items]

    def send(number: int) -> int:
        ordered = rows if number % 2 else rows[::-1]
        return int(post(app, *ordered, create_users=True).status_code)

    assert set(together(6, send)) <= {200, 201}
    assert active_interactions().count() == 25
