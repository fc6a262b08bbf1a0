"""Page tokens: who gets one, what it opens and what it does not, and when it ends."""

import logging
import time
from typing import Any
from unittest.mock import patch

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import ServiceToken, User
from accounts.page_tokens import issue_page_token
from accounts.services import issue_service_token
from feedback.models import Dislike
from interactions.models import UserInteraction
from interactions.selectors import active_interactions
from recommendations.models import RecommendationSession
from tests.accounts.test_authentication import with_token
from tests.answers import SAMPLES, assert_refused, description, operations
from tests.factories import allow, make_active_als, make_interaction, make_item, make_items, make_user
from tests.recommendations.builders import make_session

ADDRESS = "/api/page-token"
LIST = "/api/recommendations/personalized/movies"
OPEN_TO_PAGES = {
    ("get", "/api/recommendations/personalized/{kind}"),
    ("post", "/api/recommendations/personalized/{kind}"),
    ("get", "/api/because-you-watched"),
    ("get", "/api/{kind}/{item_id}/similar"),
    ("post", "/api/recommendations/session/{session_id}/seen"),
    ("post", "/api/{kind}/{item_id}/dislike"),
    ("delete", "/api/{kind}/{item_id}/dislike"),
    ("post", "/api/{kind}/{item_id}/{action}"),
    ("delete", "/api/{kind}/{item_id}/{action}"),
}
NONSENSE = [
    "Page-Token",
    "Page-Token a b",
    "page-token x",
    "Page-Token \xff\xfe",
    "Page-Token " + "x:" * 4000,
    "Page-Token .eJw:1:x",
    "Page-Token ::",
    "Page-Token 0:0:0",
]
OPERATIONS = set(operations())


def by_page(token: str, **headers: str) -> APIClient:
    headers["Authorization"] = f"Page-Token {token}"
    return APIClient(headers=headers, raise_request_exception=False)


@pytest.fixture
def acting_token(db: None) -> str:
    return issue_service_token(user=make_user("site"), may_act_for_others=True)


@pytest.fixture
def issuer(acting_token: str) -> ServiceToken:
    return ServiceToken.objects.get()


@pytest.fixture
def page(person: User, issuer: ServiceToken) -> APIClient:
    """A page of another site that `person` looks at."""
    return by_page(issue_page_token(person=person, service_token=issuer))


class TestIssuing:
    def test_a_site_gets_one_for_its_person_and_both_are_logged(
        self, acting_token: str, person: User, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, "accounts.authentication"):
            response = with_token(acting_token, person.pk).post(ADDRESS)
        assert response.status_code == 201
        assert response.headers["Cache-Control"] == "no-store"
        body = response.json()
        assert (body["success"], body["expires_in"]) == (True, 3600)
        assert f"user_id={person.pk}" in caplog.text
        make_items(3)
        assert by_page(body["page_token"]).get(LIST).status_code == 200
        assert RecommendationSession.objects.get().user == person

    def test_nobody_else_does(self, acting_token: str, api: APIClient, page: APIClient, person: User) -> None:
        plain = issue_service_token(user=person)
        assert_refused(with_token(acting_token).post(ADDRESS), 403)
        assert_refused(with_token(plain).post(ADDRESS), 403)
        assert_refused(with_token(plain, person.pk).post(ADDRESS), 403)
        assert_refused(api.post(ADDRESS), 403)
        assert_refused(api.post(ADDRESS, headers={"X-User-ID": str(person.pk)}), 403)
        assert_refused(APIClient().post(ADDRESS), 401)
        assert_refused(page.post(ADDRESS), 401)

    def test_there_is_none_for_staff(self, acting_token: str) -> None:
        for somebody in (make_user(is_staff=True), make_user(is_superuser=True), make_user(is_active=False)):
            assert_refused(with_token(acting_token, somebody.pk).post(ADDRESS), 403)


class TestWhatItOpens:
    def test_the_description_says_so_of_no_other_address(self) -> None:
        told = {
            (method, path)
            for method, path in OPERATIONS
            if {"pageToken": []} in description()["paths"][path][method].get("security", [])
        }
        assert told == OPEN_TO_PAGES

    @pytest.mark.parametrize(("method", "path"), sorted(OPEN_TO_PAGES))
    def test_the_addresses_of_the_script(self, page: APIClient, method: str, path: str) -> None:
        assert page.generic(method.upper(), path.format_map(SAMPLES)).status_code not in (401, 403)

    @pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS - OPEN_TO_PAGES))
    def test_everywhere_else_it_is_a_stranger(
        self, page: APIClient, person: User, method: str, path: str
    ) -> None:
        samples = {**SAMPLES, "user_id": str(person.pk), "item_id": str(make_item().pk)}
        allow(person, "recommend_for_others", "view_dislike", "view_others_profile", "change_others_profile")
        address = path.format_map(samples)
        answer, stranger = page.generic(method.upper(), address), APIClient().generic(method.upper(), address)
        assert (answer.status_code, answer.content) == (stranger.status_code, stranger.content)
        assert not UserInteraction.objects.exists()

    def test_it_is_no_service_token_and_a_service_token_is_none(
        self, page: APIClient, acting_token: str, person: User, issuer: ServiceToken
    ) -> None:
        token = issue_page_token(person=person, service_token=issuer)
        assert_refused(with_token(token).get(LIST), 401)
        assert_refused(with_token(token, person.pk).get(LIST), 401)
        assert_refused(by_page(acting_token).get(LIST), 401)

    @pytest.mark.parametrize(("method", "path"), sorted(OPEN_TO_PAGES))
    def test_it_names_nobody_else(
        self, person: User, other_person: User, issuer: ServiceToken, method: str, path: str
    ) -> None:
        token = issue_page_token(person=person, service_token=issuer)
        for name in (str(other_person.pk), str(person.pk), ""):
            client = by_page(token, **{"X-User-ID": name})
            assert_refused(client.generic(method.upper(), path.format_map(SAMPLES)), 403)

    def test_the_browser_of_somebody_else_who_is_logged_in_does_not_count(
        self, api: APIClient, other_person: User, issuer: ServiceToken
    ) -> None:
        token = issue_page_token(person=other_person, service_token=issuer)
        make_items(3)
        assert api.get(LIST, headers={"Authorization": f"Page-Token {token}"}).status_code == 200
        assert RecommendationSession.objects.get().user == other_person
        assert_refused(api.get(LIST, headers={"Authorization": "Page-Token wrong"}), 401)

    def test_a_list_costs_four_queries(self, page: APIClient, person: User, settings: Settings) -> None:
        settings.MODEL_CHECK_SECONDS = 3600.0
        items = make_items(12, genres=["Drama"])
        make_active_als([[item.pk for item in items]])
        make_interaction(person, items[0])
        assert page.get(LIST).status_code == 200
        with CaptureQueriesContext(connection) as queries:
            assert page.get(LIST).json()["recommendations"]
        assert len(queries) == 4, [query["sql"] for query in queries]


class TestItEnds:
    @pytest.fixture
    def token(self, person: User, issuer: ServiceToken) -> str:
        token = issue_page_token(person=person, service_token=issuer)
        assert by_page(token).get(LIST).status_code == 200
        return token

    def test_after_its_time(self, person: User, issuer: ServiceToken, settings: Settings) -> None:
        settings.PAGE_TOKEN_SECONDS = 100
        for age, status in ((90, 200), (110, 401)):
            then = signing.b62_encode(int(time.time()) - age)
            with patch.object(signing.TimestampSigner, "timestamp", return_value=then):
                token = issue_page_token(person=person, service_token=issuer)
            assert by_page(token).get(LIST).status_code == status

    def test_with_the_service_token(self, token: str, issuer: ServiceToken) -> None:
        # Another of the same site does not keep it alive.
        issue_service_token(user=issuer.user, may_act_for_others=True)
        issuer.delete()
        assert_refused(by_page(token).get(LIST), 401)

    def test_with_the_service_tokens_permission(self, token: str, issuer: ServiceToken) -> None:
        ServiceToken.objects.update(may_act_for_others=False)
        assert_refused(by_page(token).get(LIST), 401)

    def test_with_the_owner_of_the_service_token(self, token: str, issuer: ServiceToken) -> None:
        User.objects.filter(pk=issuer.user_id).update(is_active=False)
        assert_refused(by_page(token).get(LIST), 401)

    @pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": True}, {"is_superuser": True}])
    def test_with_what_the_person_was(self, token: str, person: User, change: dict[str, bool]) -> None:
        User.objects.filter(pk=person.pk).update(**change)
        assert_refused(by_page(token).get(LIST), 401)

    def test_with_the_person(self, token: str, person: User) -> None:
        RecommendationSession.objects.all().delete()
        person.delete()
        assert_refused(by_page(token).get(LIST), 401)


class TestForgery:
    def test_one_that_was_changed_is_none(
        self, person: User, other_person: User, issuer: ServiceToken
    ) -> None:
        mine = issue_page_token(person=person, service_token=issuer).split(":")
        theirs = issue_page_token(person=other_person, service_token=issuer).split(":")
        mixed = [theirs[0], *mine[1:]]
        later = [mine[0], signing.b62_encode(int(time.time()) + 10**6), mine[2]]
        for parts in (mixed, later, mine[:2], [*mine, ""], [mine[0], mine[1], mine[2][:-1]]):
            assert_refused(by_page(":".join(parts)).get(LIST), 401)

    def test_what_we_signed_for_something_else_is_none(self, person: User, issuer: ServiceToken) -> None:
        content = {"person": person.pk, "issued_to": issuer.digest}
        for token in (signing.dumps(content), signing.dumps(content, key="another", salt="heed.page-token")):
            assert_refused(by_page(token).get(LIST), 401)

    @pytest.mark.parametrize("header", NONSENSE)
    def test_nonsense_is_refused(self, db: None, header: str) -> None:
        client = APIClient(headers={"Authorization": header}, raise_request_exception=False)
        assert_refused(client.get(LIST), 401)


class TestKeysOfActions:
    """An action from a page on a poor connection may arrive twice."""

    def post(self, client: APIClient, address: str, key: str, **body: Any) -> Any:
        return client.post(address, body, format="json", headers={"Idempotency-Key": key})

    def test_a_like_that_arrives_again_after_it_was_taken_back_stays_taken_back(
        self, page: APIClient, person: User
    ) -> None:
        item = make_item()
        session_id = str(make_session(person, [item]).pk)
        like = f"/api/movies/{item.pk}/like"
        first = self.post(page, like, "k", recommendation_session_id=session_id)
        assert (first.status_code, first.json()["recommendation_rank"]) == (201, 1)
        assert page.delete(like).status_code == 200
        again = self.post(page, like, "k", recommendation_session_id=session_id)
        assert (again.status_code, again.json()) == (201, first.json())
        assert not active_interactions().exists()
        assert self.post(page, like, "another").json()["created"] is True

    def test_so_with_a_dislike(self, page: APIClient) -> None:
        dislike = f"/api/movies/{make_item().pk}/dislike"
        first = self.post(page, dislike, "k", reason="other")
        assert page.delete(dislike).status_code == 204
        again = self.post(page, dislike, "k", reason="other")
        assert (again.status_code, again.json()) == (201, first.json())
        assert not Dislike.objects.filter(interaction__withdrawn_at=None).exists()

    @pytest.mark.parametrize("action", ["like", "dislike"])
    def test_a_key_is_for_one_body_and_one_address(self, page: APIClient, action: str) -> None:
        one, other = make_items(2)
        address = f"/api/movies/{one.pk}/{action}"
        assert self.post(page, address, "k").status_code == 201
        assert_refused(self.post(page, address, "k", more=1), 422)
        assert self.post(page, f"/api/movies/{other.pk}/{action}", "k").status_code == 201
        assert_refused(self.post(page, address, "x" * 201), 400)
