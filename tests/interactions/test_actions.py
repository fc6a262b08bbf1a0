"""The actions on one item: `POST` and `DELETE /api/<kind>s/<id>/<action>`."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import set_roles
from core.domain import KINDS, ROLES, TYPES
from interactions.models import UserInteraction
from interactions.selectors import active_interactions, get_rating, get_states
from interactions.services import record_interaction
from tests.answers import assert_refused
from tests.factories import make_item, make_items, make_user
from tests.recommendations.builders import make_session
from tests.threads import together

# A dislike has an address of its own: tests/feedback/test_api.py.
KIND_AND_ACTION = [
    (kind.name, action) for kind in KINDS.values() for action in sorted(kind.actions - {"dislike"})
]
NOT_TAKEN = [
    (kind.name, action)
    for kind in KINDS.values()
    for action in sorted(frozenset().union(*(other.actions for other in KINDS.values())) - kind.actions)
]
RECOMMENDATION_FIELDS = (
    "recommendation_session_id",
    "recommendation_rank",
    "recommendation_score",
    "recommendation_method",
    "recommendation_source",
)


def address(item: Any, action: str) -> str:
    return f"/api/{KINDS[item.kind].plural}/{item.pk}/{action}"


def post(client: APIClient, item: Any, action: str, **body: object) -> Any:
    return client.post(address(item, action), body, format="json")


@pytest.mark.parametrize(("kind", "action"), KIND_AND_ACTION)
class TestEveryAction:
    @pytest.fixture(autouse=True)
    def _in_every_role(self, person: User, other_person: User) -> None:
        for user in (person, other_person):
            set_roles(user=user, roles=ROLES)

    def test_is_recorded_once_however_often_it_is_sent(
        self, api: APIClient, person: User, kind: str, action: str
    ) -> None:
        item = make_item(kind=kind)
        first, second = post(api, item, action), post(api, item, action)
        assert (first.status_code, second.status_code) == (201, 200)
        row = UserInteraction.objects.get()
        assert (row.user, row.item) == (person, item)
        assert first.json() == {
            "success": True,
            "interaction_id": row.pk,
            "item_id": item.pk,
            "type": "watchlist_add" if action == "watchlist" else action,
            "interaction_type": "watchlist_add" if action == "watchlist" else action,
            "created": True,
            "occurred_at": row.occurred_at.isoformat(),
            "rating": None,
            "recommendation_session_id": None,
            "recommendation_rank": None,
            "recommendation_score": None,
            "recommendation_method": "",
            "recommendation_source": "",
        }
        assert second.json() == first.json() | {"created": False}

    def test_can_be_taken_back_and_done_again(
        self, api: APIClient, person: User, kind: str, action: str
    ) -> None:
        item = make_item(kind=kind)
        done = post(api, item, action).json()
        undone = api.delete(address(item, action))
        assert undone.status_code == 200
        assert undone.json() == done | {"created": False}
        assert get_states(user_id=person.pk, item_ids=[item.pk]) == {}
        assert_refused(api.delete(address(item, action)), 404)
        again = post(api, item, action)
        assert again.status_code == 201
        assert again.json()["interaction_id"] != done["interaction_id"]
        assert get_states(user_id=person.pk, item_ids=[item.pk]) == {item.pk: {done["type"]}}

    def test_does_not_touch_what_others_did(
        self, api: APIClient, person: User, other_person: User, kind: str, action: str
    ) -> None:
        item = make_item(kind=kind)
        stranger = APIClient()
        stranger.force_login(other_person)
        theirs = post(stranger, item, action).json()
        assert_refused(api.delete(address(item, action)), 404)
        mine = post(api, item, action)
        assert mine.status_code == 201
        assert mine.json()["interaction_id"] != theirs["interaction_id"]
        assert api.delete(address(item, action)).status_code == 200
        assert get_states(user_id=other_person.pk, item_ids=[item.pk]) == {item.pk: {theirs["type"]}}

    def test_needs_an_item_of_its_kind_that_is_shown(self, api: APIClient, kind: str, action: str) -> None:
        other = next(name for name in KINDS if name != kind)
        elsewhere, hidden = make_item(kind=other), make_item(kind=kind, is_active=False)
        plural = KINDS[kind].plural
        answers = [
            api.post(f"/api/{plural}/{item_id}/{action}")
            for item_id in (elsewhere.pk, hidden.pk, 0, 999_999_999, 10**18 - 1)
        ]
        for answer in answers:
            assert_refused(answer, 404)
        assert len({answer.content for answer in answers}) == 1
        assert not UserInteraction.objects.exists()

    def test_cannot_be_taken_back_under_another_kind(self, api: APIClient, kind: str, action: str) -> None:
        item = make_item(kind=kind)
        post(api, item, action)
        for other in KINDS.values():
            if other.name != kind:
                assert_refused(api.delete(f"/api/{other.plural}/{item.pk}/{action}"), 404)
        assert active_interactions().count() == 1


@pytest.mark.parametrize(("kind", "action"), [*NOT_TAKEN, ("movie", "view"), ("movie", "watchlist_add")])
def test_an_action_that_the_kind_does_not_take_is_refused(api: APIClient, kind: str, action: str) -> None:
    item = make_item(kind=kind)
    assert_refused(post(api, item, action), 404)
    assert_refused(api.delete(address(item, action)), 404)
    assert not UserInteraction.objects.exists()


def test_what_was_liked_can_be_taken_back_when_the_item_is_hidden(api: APIClient, person: User) -> None:
    item = make_item()
    post(api, item, "like")
    item.is_active = False
    item.save()
    assert api.delete(address(item, "like")).status_code == 200


class TestRating:
    @pytest.mark.parametrize(
        ("rating", "weight"), [(0, -3.0), (1, -2.4), (5, 0.0), (7.5, 1.5), (10, 3.0), (None, 1.5)]
    )
    def test_sets_the_training_weight(self, api: APIClient, rating: float | None, weight: float) -> None:
        answer = post(api, make_item(), "watched", rating=rating)
        assert answer.status_code == 201
        assert answer.json()["rating"] == rating
        assert UserInteraction.objects.get().weight == pytest.approx(weight)

    @pytest.mark.parametrize(
        "rating", [-0.001, 10.001, 11, -1, 10**30, 10**400], ids=lambda value: str(value)[:30]
    )
    def test_out_of_range_is_refused(self, api: APIClient, rating: float) -> None:
        assert "rating" in assert_refused(post(api, make_item(), "watched", rating=rating), 400)
        assert not UserInteraction.objects.exists()

    @pytest.mark.parametrize("action", ["like", "favorite", "watchlist"])
    def test_belongs_to_watched_alone(self, api: APIClient, action: str) -> None:
        assert "rating" in assert_refused(post(api, make_item(), action, rating=5), 400)
        assert not UserInteraction.objects.exists()

    def test_a_new_one_replaces_the_old_one_and_keeps_its_row(self, api: APIClient, person: User) -> None:
        item = make_item()
        first = post(api, item, "watched", rating=4)
        second = post(api, item, "watched", rating=9)
        same = post(api, item, "watched", rating=9)
        unrated = post(api, item, "watched")
        assert [answer.status_code for answer in (first, second, same, unrated)] == [201, 201, 200, 200]
        assert (
            second.json()["interaction_id"]
            == same.json()["interaction_id"]
            == unrated.json()["interaction_id"]
        )
        assert get_rating(user_id=person.pk, item_id=item.pk) == 9
        old = UserInteraction.objects.get(pk=first.json()["interaction_id"])
        assert (old.rating, old.withdrawn_at is None) == (4, False)

    def test_one_that_arrives_late_does_not_replace_a_newer_one(self, person: User) -> None:
        item, now = make_item(), timezone.now()
        for hours_ago, rating in [(5, 3.0), (1, 9.0), (3, 5.0)]:
            moment = now - timedelta(hours=hours_ago)
            recorded = record_interaction(
                user_id=person.pk, item_id=item.pk, type_name="watched", rating=rating, occurred_at=moment
            )
            assert recorded.created is True
        assert get_rating(user_id=person.pk, item_id=item.pk) == 9
        assert UserInteraction.objects.count() == 3


class TestWatchlist:
    def test_leaving_it_is_an_event_of_its_own(self, api: APIClient, person: User) -> None:
        item = make_item()
        added = post(api, item, "watchlist").json()
        api.delete(address(item, "watchlist"))
        removed = UserInteraction.objects.get(type="watchlist_remove")
        assert removed.withdrawn_at is None
        assert removed.weight == TYPES["watchlist_remove"].training == 0
        assert UserInteraction.objects.get(pk=added["interaction_id"]).withdrawn_at == removed.occurred_at

    def test_an_item_can_come_back(self, api: APIClient, person: User) -> None:
        item = make_item()
        for _ in range(2):
            assert post(api, item, "watchlist").status_code == 201
            assert api.delete(address(item, "watchlist")).status_code == 200
        assert post(api, item, "watchlist").status_code == 201
        assert active_interactions().filter(type="watchlist_add").count() == 1
        assert UserInteraction.objects.filter(type="watchlist_remove").count() == 2

    def test_leaving_long_ago_does_not_undo_joining_since(self, person: User) -> None:
        item, now = make_item(), timezone.now()
        record_interaction(user_id=person.pk, item_id=item.pk, type_name="watchlist_add")
        record_interaction(
            user_id=person.pk,
            item_id=item.pk,
            type_name="watchlist_remove",
            occurred_at=now - timedelta(days=2),
        )
        assert active_interactions().filter(type="watchlist_add").exists()


class TestWhereItWasMet:
    def test_is_read_from_the_servers_record_and_never_from_the_body(
        self, api: APIClient, person: User
    ) -> None:
        items = make_items(3)
        session = make_session(person, items)
        forged = {
            "recommendation_session": str(uuid4()),
            "recommendation_rank": 1,
            "recommendation_score": 0.99,
            "recommendation_method": "forged",
            "recommendation_source": "forged",
            "rank": 1,
            "score": 0.99,
            "method": "forged",
            "source": "forged",
            "weight": 1000,
            "user_id": 1,
            "user": 1,
            "item_id": items[0].pk,
            "type": "apply",
            "occurred_at": "2001-01-01T00:00:00Z",
            "interaction_id": 1,
        }
        context = {"recommendation_session_id": str(session.pk)}
        answer = post(api, items[2], "like", **forged, **context)
        assert answer.status_code == 201
        kept = {name: answer.json()[name] for name in RECOMMENDATION_FIELDS}
        assert kept == {
            "recommendation_session_id": str(session.pk),
            "recommendation_rank": 3,
            "recommendation_score": pytest.approx(0.7),
            "recommendation_method": "als",
            "recommendation_source": "recommendation",
        }
        row = UserInteraction.objects.get()
        assert (row.user, row.item, row.type, row.weight) == (person, items[2], "like", 2.0)
        assert row.occurred_at > timezone.now() - timedelta(minutes=1)
        assert row.recommendation_rank == 3

    def test_without_a_session_nothing_forged_is_kept(self, api: APIClient) -> None:
        answer = post(api, make_item(), "like", recommendation_rank=1, recommendation_method="forged").json()
        assert [answer[name] for name in RECOMMENDATION_FIELDS] == [None, None, None, "", ""]

    @pytest.mark.parametrize("spelling", ["upper", "no hyphens", "braces", "urn"])
    def test_the_session_may_be_spelled_as_uuids_are(
        self, api: APIClient, person: User, spelling: str
    ) -> None:
        item = make_item()
        pk = make_session(person, [item]).pk
        text = {"upper": str(pk).upper(), "no hyphens": pk.hex, "braces": f"{{{pk}}}", "urn": pk.urn}[
            spelling
        ]
        assert post(api, item, "like", recommendation_session_id=text).json()["recommendation_rank"] == 1

    def test_another_persons_session_is_refused_and_nothing_kept(
        self, api: APIClient, other_person: User
    ) -> None:
        item = make_item()
        session = make_session(other_person, [item])
        answer = post(api, item, "like", recommendation_session_id=str(session.pk))
        assert_refused(answer, 404)
        assert not UserInteraction.objects.exists()
        session.refresh_from_db()
        assert session.seen_rank == 0


def test_twenty_likes_at_once_leave_one_row(threads_db: None) -> None:
    person, item = make_user(), make_item()

    def like(_: int) -> tuple[int, int]:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(person)
        answer = post(client, item, "like")
        return answer.status_code, answer.json()["interaction_id"]

    answers = together(20, like)
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({pk for _, pk in answers}) == 1
    assert UserInteraction.objects.count() == 1


def test_rating_at_once_leaves_one_rating_standing(threads_db: None) -> None:
    person, item = make_user(), make_item()
    together(
        10,
        lambda index: record_interaction(
            user_id=person.pk, item_id=item.pk, type_name="watched", rating=float(index)
        ),
    )
    assert active_interactions().count() == 1


def test_liking_and_taking_back_at_once_ends_in_one_of_both(threads_db: None) -> None:
    person, item = make_user(), make_item()

    def one(index: int) -> int:
        client = APIClient(raise_request_exception=False)
        client.force_authenticate(person)
        send = client.post if index % 2 else client.delete
        return int(send(address(item, "like")).status_code)

    assert set(together(20, one)) <= {200, 201, 404}
    assert active_interactions().count() <= 1
