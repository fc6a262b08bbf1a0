"""`POST /api/recommendations/session/<id>/seen`: the deepest rank that a person saw."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from recommendations.models import RecommendationSession
from recommendations.services import report_seen
from tests.answers import assert_refused
from tests.factories import make_items, make_user
from tests.recommendations.builders import make_session
from tests.threads import together


def report(client: APIClient, session_id: UUID, rank: object) -> Any:
    return client.post(f"/api/recommendations/session/{session_id}/seen", {"rank": rank}, format="json")


@pytest.fixture
def session(person: User) -> RecommendationSession:
    return make_session(person, make_items(5))


def test_the_deepest_rank_is_kept(api: APIClient, session: RecommendationSession) -> None:
    for rank, deepest in [(2, 2), (4, 4), (1, 4), (4, 4), (5, 5)]:
        response = report(api, session.pk, rank)
        assert response.status_code == 200
        assert response.json() == {"success": True, "seen_rank": deepest}
        session.refresh_from_db()
        assert session.seen_rank == deepest


def test_nothing_else_of_the_list_changes(api: APIClient, session: RecommendationSession) -> None:
    before = RecommendationSession.objects.values().get()
    report(api, session.pk, 3)
    assert RecommendationSession.objects.values().get() == before | {"seen_rank": 3}


@pytest.mark.parametrize("rank", [6, 500, 501, 10**30, 0, -1, 1.5, 1.0, "1", True, None, [], {}])
def test_a_rank_that_the_list_did_not_have_is_refused(
    api: APIClient, session: RecommendationSession, rank: object
) -> None:
    report(api, session.pk, 2)
    assert_refused(report(api, session.pk, rank), 400)
    session.refresh_from_db()
    assert session.seen_rank == 2


def test_anothers_list_and_one_that_does_not_exist_are_answered_alike(
    api: APIClient, other_person: User
) -> None:
    foreign = make_session(other_person, make_items(5))
    answers = [report(api, session_id, rank) for session_id in (foreign.pk, uuid4()) for rank in (1, 400)]
    for answer in answers:
        assert_refused(answer, 404)
    assert len({answer.content for answer in answers}) == 1
    foreign.refresh_from_db()
    assert foreign.seen_rank == 0


def test_an_empty_list_has_no_rank(api: APIClient, person: User) -> None:
    assert_refused(report(api, make_session(person, []).pk, 1), 400)


@pytest.mark.parametrize("session_id", ["x", "0", "00000000-0000-0000-0000-00000000000g", "%00", "1" * 400])
def test_what_is_no_uuid_has_no_address(api: APIClient, session_id: str) -> None:
    assert_refused(
        api.post(f"/api/recommendations/session/{session_id}/seen", {"rank": 1}, format="json"), 404
    )


def test_it_may_be_reported_late(api: APIClient, person: User) -> None:
    old = make_session(person, make_items(2), age=timedelta(days=400))
    assert report(api, old.pk, 2).status_code == 200


def test_reports_at_once_keep_the_maximum(threads_db: None) -> None:
    person = make_user()
    session = make_session(person, make_items(20))
    together(20, lambda index: report_seen(user_id=person.pk, session_id=session.pk, rank=20 - index))
    session.refresh_from_db()
    assert session.seen_rank == 20
