"""An app keeps its catalog: `/api/items` and `/api/items/<kind>s/<external_id>`."""

from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Item
from interactions.models import UserInteraction
from tests.answers import assert_refused
from tests.factories import allow, app_client, make_interaction, make_item, make_user

ONE = "/api/items/movies/f1"
FILM: dict[str, Any] = {
    "title": "Night Ferry",
    "year": 2019,
    "genres": ["Drama", "Crime"],
    "actors": ["Ada Okafor"],
    "attributes": {"runtime": 104},
}


@pytest.fixture
def app(db: None) -> APIClient:
    return app_client()


def upsert(client: APIClient, *rows: Any) -> Any:
    return client.post("/api/items", {"items": list(rows)}, format="json")


def film(external_id: str = "f1", **fields: Any) -> dict[str, Any]:
    return {"kind": "movie", "external_id": external_id, **fields}


class TestMany:
    def test_are_created_then_changed_and_the_same_again_changes_nothing(self, app: APIClient) -> None:
        first = upsert(app, film(**FILM), film("f2", title="Low Orbit"))
        assert first.status_code == 201
        assert first.json() == {"success": True, "created": 2, "updated": 0, "unchanged": 0, "errors": []}
        second = upsert(app, film(year=2020), film("f2", title="Low Orbit"))
        assert second.status_code == 200
        assert second.json() == {"success": True, "created": 0, "updated": 1, "unchanged": 1, "errors": []}
        kept = app.get(ONE).json()
        assert (kept["title"], kept["year"], kept["genres"]) == ("Night Ferry", 2020, ["Drama", "Crime"])

    @pytest.mark.parametrize(
        ("bad", "cause"),
        [
            (5, "must be an object"),
            ({"external_id": "x", "title": "T"}, "kind must be one of"),
            (film("", title="T"), "external_id is empty"),
            (film(7, title="T"), "external_id must be text"),  # type: ignore[arg-type]
            (film("x" * 201, title="T"), "external_id has 201"),
            (film("new"), "title is missing"),
            (film("x", title=None), "title is empty"),
            (film("x", title="T" * 301), "title has 301"),
            (film("x", title="T", year="1999"), "year must be a whole number"),
            (film("x", title="T", genres="Drama"), "genres must be a list"),
            (film("x", title="T", genres=[1]), "genres must be text"),
            (film("x", title="T", attributes="{}"), "attributes must be an object"),
            (film("x", title="T", attributes={"a": {"b": 1}}), "attributes holds 'a'"),
            (film("x", title="T", url="javascript:1"), "url must"),
            (film("x", title="T", is_active="yes"), "is_active must be true or false"),
            (film("x", title="T", color="red"), "there is no field 'color'"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_a_bad_row_is_reported_and_the_others_are_taken(
        self, app: APIClient, bad: Any, cause: str
    ) -> None:
        answer = upsert(app, film(title="One"), bad, film("f3", title="Three")).json()
        assert answer["created"] == Item.objects.count() == 2
        ((row, error),) = [(one["row"], one["error"]) for one in answer["errors"]]
        assert row == 1
        assert error.startswith(cause)
        sentence = assert_refused(upsert(app, bad), 400)
        assert cause in sentence

    @pytest.mark.parametrize("body", [[], {}, {"items": []}, {"items": 5}, {"items": [{}], "x": 1}, None])
    def test_a_body_of_another_form_is_refused(self, app: APIClient, body: Any) -> None:
        assert_refused(app.post("/api/items", body, format="json"), 400)
        assert_refused(upsert(app, *[film(title="T")] * 1001), 400)
        assert not Item.objects.exists()

    def test_queries_do_not_grow_with_the_items(self, app: APIClient) -> None:
        def queries(how_many: int, prefix: str) -> int:
            rows = [film(f"{prefix}{place}", **FILM) for place in range(how_many)]
            with CaptureQueriesContext(connection) as caught:
                assert upsert(app, *rows).status_code == 201
            return len(caught)

        queries(1, "makes the facets")
        assert queries(2, "a") == queries(30, "b")


class TestOne:
    def test_is_put_whole(self, app: APIClient) -> None:
        first = app.put(ONE, FILM, format="json")
        assert (first.status_code, first.json()["created"]) == (201, True)
        item = first.json()["item"]
        assert (item["external_id"], item["attributes"], item["is_active"]) == ("f1", {"runtime": 104}, True)
        second = app.put(ONE, {"title": "Day Ferry"}, format="json")
        assert (second.status_code, second.json()["created"]) == (200, False)
        item = second.json()["item"]
        assert (item["title"], item["year"], item["facets"], item["attributes"]) == (
            "Day Ferry",
            None,
            {},
            {},
        )

    def test_is_patched_and_hidden(self, app: APIClient) -> None:
        app.put(ONE, FILM, format="json")
        answer = app.patch(ONE, {"genres": ["War"], "is_active": False}, format="json").json()
        assert (answer["item"]["genres"], answer["item"]["year"]) == (["War"], 2019)
        assert answer["item"]["is_active"] is False
        assert app.get("/api/movies").json()["count"] == 0
        app.patch(ONE, {"is_active": True}, format="json")
        assert app.get("/api/movies").json()["count"] == 1

    def test_that_is_not_there_is_not_patched_read_or_deleted(self, app: APIClient) -> None:
        assert_refused(app.patch(ONE, FILM, format="json"), 404)
        assert_refused(app.get(ONE), 404)
        assert_refused(app.delete(ONE), 404)
        assert not Item.objects.exists()

    def test_is_deleted(self, app: APIClient) -> None:
        make_item(kind="drama")
        app.put(ONE, FILM, format="json")
        assert app.delete(ONE).status_code == 204
        assert Item.objects.count() == 1

    def test_with_a_history_is_deleted_only_where_that_is_said(self, app: APIClient, person: User) -> None:
        item, other = make_item(), make_item()
        make_interaction(person, item)
        make_interaction(person, other)
        address = f"/api/items/movies/{item.external_id}"
        assert "history=delete" in assert_refused(app.delete(address), 409)
        assert_refused(app.delete(f"{address}?history=x"), 400)
        assert_refused(app.delete(f"{address}?cascade=1"), 400)
        assert UserInteraction.objects.count() == 2
        assert app.delete(f"{address}?history=delete").status_code == 204
        assert UserInteraction.objects.get().item == other

    @pytest.mark.parametrize("name", ["a/b", "ä ö", "100%", "?x=1", ".", "x" * 200])
    def test_of_any_name(self, app: APIClient, name: str) -> None:
        address = f"/api/items/movies/{quote(name, safe='')}"
        assert app.put(address, {"title": "T"}, format="json").status_code == 201
        assert Item.objects.get().external_id == name

    @pytest.mark.parametrize("fields", [[], 5, {"kind": "drama"}, {"id": 5}, {"title": ""}, {"year": 1}])
    def test_of_bad_fields_is_refused(self, app: APIClient, fields: Any) -> None:
        app.put(ONE, FILM, format="json")
        before = app.get(ONE).json()
        assert_refused(app.patch(ONE, fields, format="json"), 400)
        assert_refused(app.put(ONE, fields, format="json"), 400)
        assert app.get(ONE).json() == before


class TestWho:
    def test_a_person_may_not(self, api: APIClient) -> None:
        for send in (api.put, api.patch, api.delete):
            assert_refused(send(ONE, FILM, format="json"), 403)
        assert_refused(api.get(ONE), 403)
        assert_refused(upsert(api, film(title="T")), 403)
        assert not Item.objects.exists()

    def test_nor_may_a_token_without_the_permission_or_one_that_names_somebody(self, person: User) -> None:
        plain = APIClient()
        plain.credentials(HTTP_AUTHORIZATION=f"Token {issue_service_token(user=person)}")
        assert_refused(plain.put(ONE, FILM, format="json"), 403)
        acting = app_client()
        assert_refused(acting.put(ONE, FILM, format="json", headers={"X-User-Name": "ann"}), 403)

    def test_staff_may_with_the_permission(self, db: None) -> None:
        member = make_user("eve", is_staff=True)
        client = APIClient()
        client.force_login(member)
        assert_refused(client.put(ONE, FILM, format="json"), 403)
        allow(member, "change_item")
        client.force_login(User.objects.get(pk=member.pk))
        assert client.put(ONE, FILM, format="json").status_code == 201
        assert_refused(client.delete(ONE), 403)
