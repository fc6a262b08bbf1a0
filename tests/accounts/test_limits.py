"""Limits: who meets them, that all workers share them, and that ordinary people cost nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.limits import counting
from accounts.limits.counting import COUNTS, Counts
from accounts.limits.rules import DEFAULTS, Rule, rules
from accounts.limits.stores import DatabaseStore, RedisStore
from accounts.models import RateCount, User
from catalog.models import Item
from tests.answers import assert_refused
from tests.factories import app_client, make_items, make_user

pytestmark = pytest.mark.django_db
RULE = Rule("search", 100, 60)


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> Iterator[None]:
    settings.RATE_LIMIT_FACTOR = 1.0
    settings.RATE_LIMITS = []
    COUNTS.forget()
    yield
    COUNTS.forget()


class TestCounts:
    @pytest.mark.parametrize("workers", [1, 4, 6])
    def test_all_workers_together_let_at_most_a_tenth_too_much_through(self, workers: int) -> None:
        pool = [Counts() for _ in range(workers)]
        let_through = sum(pool[number % workers].take(RULE, "ann") == 0 for number in range(400))
        assert 0.9 * RULE.limit <= let_through <= 1.1 * RULE.limit

    def test_who_asks_seldom_costs_no_query(self) -> None:
        counts = Counts()
        with CaptureQueriesContext(connection) as queries:
            assert [counts.take(RULE, "ann") for _ in range(RULE.chunk)] == [0.0] * RULE.chunk
        assert not queries.captured_queries

    def test_who_asks_often_costs_a_query_for_each_chunk(self) -> None:
        counts = Counts()
        with CaptureQueriesContext(connection) as queries:
            for _ in range(1000):
                counts.take(RULE, "ann")
        assert len(queries) <= RULE.limit / RULE.chunk

    def test_each_is_counted_alone_and_a_batch_counts_all_its_rows(self) -> None:
        counts = Counts()
        assert counts.take(RULE, "ann", 100) == 0
        assert 0 < counts.take(RULE, "ann") <= RULE.seconds
        assert counts.take(RULE, "bob") == 0

    def test_a_count_ends_with_its_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        counts, short = Counts(), Rule("search", 1, 30)
        assert counts.take(short, "ann") == 0
        assert counts.take(short, "ann") > 0
        RateCount.objects.update(until=0.0)
        for count in counts._counts.values():
            count.until = 0.0
        assert counts.take(short, "ann") == 0

    def test_what_a_worker_remembers_has_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(counting, "_MOST_REMEMBERED", 3)
        counts = Counts()
        for number in range(9):
            counts.take(RULE, str(number))
        assert len(counts._counts) == 3

    def test_where_nobody_counts_the_request_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise OperationalError("away")

        monkeypatch.setattr(DatabaseStore, "add", fail)
        assert Counts().take(Rule("login", 1, 60), "ann") == 0

    def test_no_row_names_anybody(self) -> None:
        Counts().take(Rule("login", 1, 60), "address 10.0.0.1")
        assert "10.0.0.1" not in str(RateCount.objects.values_list().get())


class TestRules:
    def test_the_settings_change_a_limit_and_all_of_them(self, settings: Settings) -> None:
        settings.RATE_LIMITS, settings.RATE_LIMIT_FACTOR = ["search=10/5"], 2.0
        assert (rules()["search"].limit, rules()["search"].seconds) == (20, 5)
        assert rules()["lists"].limit == 2 * DEFAULTS["lists"].limit
        settings.RATE_LIMIT_FACTOR = 0.0
        assert rules() == {}

    @pytest.mark.parametrize("text", ["search", "search=10", "no=1/1", "search=a/b", "search=1/0"])
    def test_what_is_no_limit_is_refused(self, settings: Settings, text: str) -> None:
        settings.RATE_LIMITS = [text]
        with pytest.raises(ImproperlyConfigured, match="RATE_LIMITS"):
            rules()

    def test_the_documented_defaults_are_those_of_the_code(self) -> None:
        page = (Path(__file__).parents[2] / "docs" / "reference" / "limits.md").read_text()
        for rule in DEFAULTS.values():
            assert f"| `{rule.name}` | {rule.limit:,} in {rule.seconds // 60} min |" in page


@pytest.mark.parametrize(
    ("limit", "method", "path", "body"),
    [
        ("search", "get", "/api/recommend?title=heat", None),
        ("lists", "get", "/api/recommendations/personalized/movies", None),
        ("events", "post", "/api/interactions", {"item_id": 0, "type": "like"}),
        ("dislikes", "post", "/api/dislike", {"movie_title": "no such title"}),
    ],
)
def test_the_api_answers_429_with_when_to_try_again(
    api: APIClient, settings: Settings, limit: str, method: str, path: str, body: object
) -> None:
    settings.RATE_LIMITS = [f"{limit}=2/60"]
    make_items(2)
    ask = getattr(api, method)
    answers = [ask(path, body, format="json") if body else ask(path) for _ in range(3)]
    assert [one.status_code == 429 for one in answers] == [False, False, True]
    assert "Try again in" in assert_refused(answers[-1], 429)
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
    # Another person at the same address goes on.
    other = APIClient()
    other.force_login(make_user())
    assert getattr(other, method)(path, body, format="json").status_code != 429 if body else True


def test_a_batch_counts_its_rows(api: APIClient, settings: Settings) -> None:
    settings.RATE_LIMITS = ["events=5/60"]
    rows = [{"item_id": item.pk, "type": "like"} for item in make_items(6)]
    assert api.post("/api/interactions", {"interactions": rows[:5]}, format="json").status_code == 201
    assert_refused(api.post("/api/interactions", {"interactions": rows[5:]}, format="json"), 429)


def _no(item: Item) -> dict[str, object]:
    return {"item_id": item.pk, "type": "dislike"}


def test_a_no_is_one_by_whichever_address_it_comes(api: APIClient, settings: Settings) -> None:
    settings.RATE_LIMITS = ["dislikes=6/60"]
    items = make_items(12)
    for path, body in (
        ("/api/interactions", _no(items[0])),
        ("/api/analytics/interaction", {"item_id": items[1].pk, "interaction_type": "dislike"}),
        ("/api/interactions", {"interactions": [_no(items[2]), _no(items[3])]}),
        (f"/api/movies/{items[4].pk}/dislike", {}),
        ("/api/dislike", {"movie_id": items[5].pk, "reason": "wrong_genre"}),
    ):
        assert api.post(path, body, format="json").status_code == 201
    likes = {"item_id": items[6].pk, "type": "like"}
    for body in (_no(items[7]), {"interactions": [likes, _no(items[7])]}):
        assert_refused(api.post("/api/interactions", body, format="json"), 429)
    assert api.post("/api/interactions", likes, format="json").status_code == 201


def test_a_no_by_the_button_of_a_page_is_one_too(browserless: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = ["dislikes=1/60"]
    statuses = [
        browserless.post(f"/items/{item.pk}/act/", {"action": name}).status_code
        for item, name in zip(make_items(3), ("dislike", "dislike", "like"), strict=True)
    ]
    assert statuses == [302, 429, 302]


@pytest.mark.parametrize("body", [[], {"interactions": 5}, {"interactions": []}, {"interactions": [None]}])
def test_a_body_that_is_none_counts_once(api: APIClient, settings: Settings, body: object) -> None:
    settings.RATE_LIMITS = ["events=1/60"]
    answers = [api.post("/api/interactions", body, format="json") for _ in range(2)]
    assert [one.status_code for one in answers] == [400, 429]


def test_what_is_put_on_record_by_looking_is_an_event(
    api: APIClient, browserless: Client, settings: Settings
) -> None:
    settings.RATE_LIMITS = ["events=1/60"]
    items = make_items(2)
    answers = [api.get(f"/api/movies/{item.pk}") for item in items]
    assert [one.status_code for one in answers] == [200, 429]
    COUNTS.forget()
    RateCount.objects.all().delete()
    pages = [browserless.get(f"/items/{item.pk}/") for item in items]
    assert [one.status_code for one in pages] == [200, 429]
    # Of visitors nothing is put on record.
    assert [Client().get(f"/items/{items[0].pk}/").status_code for _ in range(3)] == [200] * 3


def test_an_app_may_do_a_thousand_times_as_much(settings: Settings) -> None:
    settings.RATE_LIMITS = ["search=1/60"]
    client = app_client()
    assert [client.get("/api/recommend?title=a").status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize(
    ("limit", "method", "path"),
    [
        ("search", "get", "/search/?q=heat"),
        ("lists", "get", "/"),
        ("events", "post", "/taste/reset/"),
        ("imports", "get", "/accounts/data/download/"),
        ("sign-up", "post", "/accounts/signup/"),
    ],
)
def test_pages_say_when_to_try_again(
    browserless: Client, settings: Settings, limit: str, method: str, path: str
) -> None:
    settings.RATE_LIMITS = [f"{limit}=1/60"]
    make_items(2)
    first, second = (getattr(browserless, method)(path) for _ in range(2))
    assert first.status_code != 429 == second.status_code
    assert "Try again in" in second.content.decode()
    assert int(second.headers["Retry-After"]) > 0


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_one_password_over_many_names_ends_for_the_address_and_for_nobody_else(
    client: Client, settings: Settings, path: str
) -> None:
    User.objects.create(username="ann", password=make_password("right"), is_staff=True)
    settings.RATE_LIMITS = ["login=5/60"]

    def attempt(name: str, password: str, address: str = "10.0.0.9") -> int:
        client.logout()
        body = {"username": name, "password": password}
        return int(client.post(path, body, REMOTE_ADDR=address).status_code)

    assert [attempt("ann", "right") for _ in range(7)] == [302] * 7
    assert [attempt(f"name-{number}", "Summer2026") for number in range(6)] == [200] * 5 + [429]
    assert attempt("ann", "right") == 429
    assert attempt("ann", "right", address="10.0.0.10") == 302


def test_redis_counts_as_the_database_does(redis_url: str) -> None:
    store = RedisStore(redis_url)
    assert store.add("a", 2, 60)[0] == 2
    count, left = store.add("a", 3, 60)
    assert (count, 0 < left <= 60) == (5, True)
    assert store.add("b", 0, 60)[0] == 0


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    import shutil
    import socket
    import subprocess
    import time

    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("there is no redis-server on this machine")
    path = tmp_path / "redis.sock"
    command = [server, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    # The file is there a moment before the server listens.
    with socket.socket(socket.AF_UNIX) as asking:
        while asking.connect_ex(str(path)):
            time.sleep(0.01)
    yield f"unix://{path}"
    process.terminate()
    process.wait()
