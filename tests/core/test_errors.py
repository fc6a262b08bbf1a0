"""Failures of the house itself: what they are answered with, inside and outside of views."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import (
    DatabaseError,
    DataError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
)
from django.db.transaction import TransactionManagementError
from django.test import Client
from rest_framework.test import APIClient
from werkzeug.test import Client as WsgiClient

from catalog.models import Item
from config.wsgi import application
from core.database import driver_of, is_away
from core.errors import DATABASE_AWAY
from core.middleware import without_charset
from tests.answers import assert_refused
from tests.factories import make_item, make_items, make_user


def second_hand() -> Exception:
    """The refusal to go on in a transaction that a lost connection broke."""
    error = TransactionManagementError("You can't execute queries until the end of the 'atomic' block.")
    error.__context__ = OperationalError("server closed the connection")
    return error


# The last two are the driver's own: closing a server-side cursor of a lost connection raises them.
AWAY = [
    OperationalError("server closed the connection"),
    InterfaceError("connection already closed"),
    second_hand(),
    driver_of(connection).OperationalError("terminating connection\nserver closed the connection"),
    driver_of(connection).InterfaceError("cursor already closed"),
]


def failing(error: Exception) -> Callable[..., Any]:
    def fail(*args: object, **kwargs: object) -> Any:
        raise error

    return fail


def assert_one_line(caplog: pytest.LogCaptureFixture, path: str) -> None:
    """The log has one line of the failure and no traceback."""
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    line = record.getMessage()
    assert "database unavailable" in line
    assert f"path={path}" in line
    assert "\n" not in line
    assert not record.exc_info


@pytest.mark.parametrize("error", AWAY, ids=lambda error: f"{type(error).__module__}.{type(error).__name__}")
class TestDatabaseAway:
    def test_in_a_view_of_the_api(
        self,
        api: APIClient,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
    ) -> None:
        monkeypatch.setattr("catalog.api.active_items", failing(error))
        response = api.get("/api/movies")
        assert assert_refused(response, 503) == DATABASE_AWAY
        assert response.headers["Retry-After"] == "2"
        assert_one_line(caplog, "/api/movies")

    def test_in_a_page(
        self,
        browserless: Client,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
    ) -> None:
        browserless.raise_request_exception = False
        monkeypatch.setattr("web.searching.search_kinds", failing(error))
        response = browserless.get("/search/?q=a")
        assert_one_line(caplog, "/search/")
        assert response.status_code == 503
        assert f"<p>{DATABASE_AWAY}</p>" in response.content.decode()
        assert response.headers["Retry-After"] == "2"
        assert response.headers["Content-Type"].startswith("text/html")

    @pytest.mark.parametrize("path", ["/api/check-auth", "/accounts/login/"])
    def test_in_middleware(
        self,
        db: None,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
        path: str,
    ) -> None:
        monkeypatch.setattr(SessionMiddleware, "process_response", failing(error))
        response = Client(raise_request_exception=False).get(path)
        assert_one_line(caplog, path)
        assert response.status_code == 503
        assert DATABASE_AWAY in response.content.decode()
        assert response.headers["Retry-After"] == "2"
        if path.startswith("/api/"):
            assert_refused(response, 503)

    def test_when_asked_whether_it_is_ready(
        self, db: None, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        monkeypatch.setattr("serving.api.get_state", failing(error))
        assert_refused(Client(raise_request_exception=False).get("/ready"), 503)
        assert Client().get("/health").status_code == 200


def cut() -> None:
    """Ends our session on the server, as an administrator or a restart would."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server to lose")
    connection.ensure_connection()
    own = connection.connection.info
    other = psycopg2.connect(host=own.host, port=own.port, user=own.user, dbname=own.dbname)
    other.autocommit = True
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [own.backend_pid])
    other.close()


def before_the_next_request() -> None:
    """Does what Django does between two requests, and its test client does not."""
    connection.close_if_unusable_or_obsolete()
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_really_cut_is_a_503_and_then_all_is_well() -> None:
    person, item = make_user(), make_item()
    client = APIClient(raise_request_exception=False)
    client.force_login(person)
    cut()
    assert_refused(client.post(f"/api/movies/{item.pk}/like"), 503)
    before_the_next_request()
    assert client.post(f"/api/movies/{item.pk}/like").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_cut_within_a_server_side_cursor_is_a_503(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = make_user()
    make_items(3)
    client = APIClient(raise_request_exception=False)
    client.force_login(person)

    def read_in_parts(kind: str) -> None:
        for _ in Item.objects.filter(kind=kind).iterator(chunk_size=1):
            cut()

    monkeypatch.setattr("catalog.api.active_items", read_in_parts)
    assert_refused(client.get("/api/movies"), 503)
    before_the_next_request()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a server says so by a code")
def test_a_damaged_file_is_no_mistake_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "heed.sqlite3"
    path.write_bytes(b"no database" * 1000)
    damaged = driver_of(connection).connect(path)
    with pytest.raises(driver_of(connection).DatabaseError) as caught:
        damaged.execute("PRAGMA journal_mode=WAL")
    damaged.close()
    told = DatabaseError("file is not a database")
    told.__cause__ = caught.value
    assert is_away(told)
    # Django says so of a row that is gone.
    assert not is_away(DatabaseError("Save with update_fields did not affect any rows."))


def test_a_server_that_only_reads_is_away_and_a_mistake_of_ours_is_not() -> None:
    read_only, mistake = InternalError("read-only"), ProgrammingError("no such column")
    read_only.__cause__ = Exception()
    read_only.__cause__.pgcode = "25006"  # type: ignore[attr-defined]
    mistake.__cause__ = Exception()
    mistake.__cause__.pgcode = "42703"  # type: ignore[attr-defined]
    assert is_away(read_only)
    assert not is_away(mistake)
    assert not is_away(InternalError("out of shape"))
    assert not is_away(None)


class TestOurOwnMistake:
    def test_is_a_sentence_that_tells_nothing(
        self, api: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("catalog.api.active_items", failing(RuntimeError("a secret")))
        response = api.get("/api/movies")
        assert "secret" not in assert_refused(response, 500)
        assert "a secret" in caplog.text

    def test_on_a_page_too(self, browserless: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        browserless.raise_request_exception = False
        monkeypatch.setattr("web.searching.search_kinds", failing(RuntimeError("a secret")))
        response = browserless.get("/search/?q=a")
        assert response.status_code == 500
        assert "secret" not in response.content.decode()

    def test_a_value_the_database_refuses_is_a_400_and_logged(
        self, api: APIClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("catalog.api.active_items", failing(DataError("out of range")))
        with caplog.at_level(logging.ERROR, "core.api"):
            assert_refused(api.get("/api/movies"), 400)
        assert "value refused by the database" in caplog.text


class TestOutsideTheViews:
    def test_a_page_that_does_not_exist_is_a_page(self, client: Client, db: None) -> None:
        response = client.get("/nope")
        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/html")

    @pytest.mark.parametrize("debug", [False, True])
    def test_under_api_it_is_json_in_the_demo_too(
        self, client: Client, db: None, settings: Any, debug: bool
    ) -> None:
        settings.DEBUG = debug
        assert_refused(client.get("/api/nope"), 404)

    def test_another_host_is_refused_in_json(self, client: Client) -> None:
        assert_refused(client.get("/api/movies", headers={"Host": "evil.example"}), 400)

    @pytest.mark.parametrize(
        "cookie", ['sessionid="\\000aaaaaaaaaaaa"', 'sessionid="aaaaaaaa\\000"; a="\\000"']
    )
    @pytest.mark.parametrize("path", ["/api/check-auth", "/search/?q=x"])
    def test_a_cookie_with_a_nul_is_no_login(self, db: None, cookie: str, path: str) -> None:
        response = Client(raise_request_exception=False, headers={"Cookie": cookie}).get(path)
        assert response.status_code == 200

    @pytest.mark.parametrize("accept", ["text/html", "application/xml", "a/b/c", ",,,", "text/html;q=x"])
    def test_another_form_than_json_is_not_to_be_had(self, api: APIClient, accept: str) -> None:
        assert_refused(api.get("/api/movies", headers={"Accept": accept}), 406)


CHARSETS = [
    "application/json; charset=rot13",
    "application/json;CHARSET=zlib",
    "application/json; charset*=utf-8''%00",
    'application/json; charset="utf-16"; x=y',
    "; charset=idna",
]


@pytest.mark.parametrize("content_type", CHARSETS)
@pytest.mark.django_db(transaction=True)
def test_a_charset_in_a_header_changes_nothing(content_type: str) -> None:
    client = WsgiClient(without_charset(application))
    response = client.get("http://localhost/api/movies?q=%41", content_type=content_type, data=b"{}")
    assert response.status_code == 200


def test_what_else_a_content_type_says_is_kept() -> None:
    seen = []

    def inner(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.append(environ["CONTENT_TYPE"])
        return []

    for content_type in ("multipart/form-data; boundary=x; charset=utf-8", "text/plain", ""):
        without_charset(inner)({"CONTENT_TYPE": content_type}, lambda *args: lambda data: None)
    without_charset(inner)({}, lambda *args: lambda data: None)
    assert seen == ["multipart/form-data; boundary=x", "text/plain", "", ""]


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/api/schema", "/health", "/ready", "/metrics", "/logo", "/accounts/login/"]
)
def test_no_method_makes_a_500(db: None, method: str, path: str) -> None:
    client = Client(raise_request_exception=False)
    assert client.generic(method, path, b"{}", content_type="application/json").status_code < 500


@pytest.mark.parametrize("path", ["/", "/taste/", "/api/check-auth", "/api/movies", "/nope", "/api/nope"])
def test_no_proxy_may_keep_what_is_made_for_one_person(browserless: Client, path: str) -> None:
    assert browserless.get(path).headers["Cache-Control"] == "private, no-cache"
