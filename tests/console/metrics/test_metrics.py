"""/metrics: what it tells, to whom, and that the dashboard draws what there is."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.conf import settings as project
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from accounts.models import User
from console.metrics import database
from console.metrics.view import DATABASE
from console.models import ScheduledJob
from tests.console.runs.test_keeping import make_run
from tests.factories import make_active_als, make_items

pytestmark = pytest.mark.django_db
DASHBOARD = project.BASE_DIR / "deploy" / "grafana.json"
NAME = re.compile(r"\bheed_\w+")
LABELS = re.compile(r"by \(([^)]*)\)|\{\{(\w+)\}\}")


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    DATABASE.forget()
    yield
    DATABASE.forget()


def told(client: Client | None = None, **headers: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """The samples by their name and labels."""
    answer = (client or Client()).get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.content
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(name: str, **labels: str) -> float:
    return told().get(name, {}).get(tuple(sorted(labels.items())), 0.0)


def test_requests_are_counted_by_the_pattern_of_their_address(person: User) -> None:
    [film] = make_items(1)
    labels = {"route": "/api/<kinds:kind>/<id:item_id>", "method": "GET", "status": "200"}
    before = value("heed_requests_total", **labels)
    client = APIClient()
    client.force_login(person)
    client.get(f"/api/movies/{film.pk}")
    assert value("heed_requests_total", **labels) == before + 1
    assert value("heed_request_seconds_count", route=labels["route"]) >= 1


def test_what_a_stranger_writes_makes_no_series_of_its_own() -> None:
    told()
    series = len(told()["heed_requests_total"])
    for number in range(5):
        Client().get(f"/no/such/place/{number}?secret={number}")
        Client().generic(f"MADEUP{number}", "/health")
    lines = Client().get("/metrics").content.decode()
    assert len(told()["heed_requests_total"]) <= series + 3
    assert "secret" not in lines
    assert "MADEUP" not in lines


def test_a_list_tells_its_stages_what_ordered_it_and_what_brought_its_slots(api: APIClient) -> None:
    films = make_items(4)
    before = told()

    def grown(name: str, **labels: str) -> float:
        key = tuple(sorted(labels.items()))
        return after[name].get(key, 0.0) - before.get(name, {}).get(key, 0.0)

    assert api.get("/api/recommendations/personalized/movies").status_code == 200
    after = told()
    assert grown("heed_fallback_lists_total", use_case="movie_home") == 1
    assert sum(after["heed_slots_total"].values()) - sum(before.get("heed_slots_total", {}).values()) == 4
    for stage in ("person", "retrieve", "rank", "personalize", "arrange", "respond", "record"):
        assert grown("heed_list_stage_seconds_count", stage=stage) == 1
    before = after
    make_active_als([[film.pk for film in films]])
    for film in films[:2]:
        api.post(f"/api/movies/{film.pk}/like", {}, format="json")
    api.get("/api/recommendations/personalized/movies")
    after = told()
    assert grown("heed_fallback_lists_total", use_case="movie_home") == 0
    assert sum(after["heed_lists_total"].values()) - sum(before["heed_lists_total"].values()) == 1


def test_the_database_tells_of_models_dislikes_runs_and_jobs(api: APIClient) -> None:
    film, *_ = make_items(3)
    make_active_als([[film.pk]])
    make_run(status="failed")
    late = timezone.now() - timedelta(minutes=9)
    ScheduledJob.objects.create(name="prune", at="* * * * *", next_at=late)
    session = api.get("/api/recommendations/personalized/movies").json()["recommendation_session_id"]
    api.post(f"/api/recommendations/session/{session}/seen", {"rank": 2}, format="json")
    found = told()
    assert found["heed_model_age_seconds"].keys() == {(("kind", "als"), ("use_case", "movie_home"))}
    assert found["heed_slots_seen_of_a_day"][()] == 2
    assert found["heed_dislike_rate"][()] == 0
    assert found["heed_runs_of_a_day"][("command", "retrain"), ("status", "failed")] == 1
    assert 500 < found["heed_job_late_seconds"][(("job", "prune"),)] < 600
    assert found["heed_webhooks_waiting"][()] == 0


def test_the_database_is_asked_once_in_a_while(django_assert_num_queries: object) -> None:
    told()
    with django_assert_num_queries(0):  # type: ignore[operator]
        told()


def test_without_the_database_it_tells_what_the_process_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert value("heed_database_up") == 1

    def away(now: object) -> int:
        raise OperationalError("the connection is gone")

    monkeypatch.setattr(database, "settle_lost_runs", away)
    DATABASE.forget()
    found = told()
    assert found["heed_database_up"][()] == 0
    assert "heed_model_age_seconds" not in found
    assert found["heed_requests_total"]


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("203.0.113.9", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 403),
        ("203.0.113.9", {"Authorization": "Bearer a-token-of-some-length"}, 200),
        ("127.0.0.1", {"Authorization": "Bearer another-token"}, 403),
        ("203.0.113.9", {"Authorization": "Bearer "}, 403),
        ("203.0.113.9", {"Authorization": "Bearer ü"}, 403),
    ],
)
def test_strangers_read_nothing(
    address: str, headers: dict[str, str], status: int, settings: LazySettings
) -> None:
    settings.METRICS_TOKEN = "a-token-of-some-length"
    answer = Client(REMOTE_ADDR=address).get("/metrics", headers=headers)
    assert answer.status_code == status
    assert (b"heed_" in answer.content) == (status == 200)


def test_without_a_token_none_opens_and_staff_need_one_too(settings: LazySettings, staff: User) -> None:
    stranger = Client(REMOTE_ADDR="203.0.113.9")
    stranger.force_login(staff)
    assert stranger.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403
    assert stranger.get("/metrics").status_code == 403
    assert Client().post("/metrics").status_code in (403, 405)


def test_each_query_of_the_dashboard_names_what_there_is(api: APIClient) -> None:
    make_items(3)
    make_active_als([[1]], use_case="drama_home")
    make_run()
    ScheduledJob.objects.create(name="prune", at="* * * * *", next_at=timezone.now())
    session = api.get("/api/recommendations/personalized/movies").json()["recommendation_session_id"]
    api.post(f"/api/recommendations/session/{session}/seen", {"rank": 2}, format="json")
    api.get("/api/check-auth")
    known = told()
    panels = [one for one in json.loads(DASHBOARD.read_text())["panels"] if one["type"] != "row"]
    queries = [(one["title"], target) for one in panels for target in one["targets"]]
    assert len(queries) > 15
    wrong = []
    for title, target in queries:
        names = NAME.findall(target["expr"])
        assert names, title
        wrong += [f"{title}: there is no {name}" for name in names if name not in known]
        labels = {label for name in names if name in known for key in known[name] for label, _ in key}
        asked = {
            word.strip()
            for group in LABELS.findall(target["expr"] + target["legendFormat"])
            for word in "".join(group).split(",")
        }
        wrong += [f"{title}: no label {label}" for label in asked - labels - {""}]
    assert wrong == []


def test_the_dashboard_has_every_measure(api: APIClient) -> None:
    drawn = set(NAME.findall(DASHBOARD.read_text()))
    made = {
        name
        for name in told()
        if name.startswith("heed_") and not name.endswith(("_created", "_count", "_sum"))
    }
    assert {name.removesuffix("_bucket") for name in made} <= {name.removesuffix("_bucket") for name in drawn}


@pytest.mark.slow
@pytest.mark.any_database
def test_workers_of_gunicorn_count_together(tmp_path: Path) -> None:
    """Each process has files of its own, and whoever is asked adds all of them up."""
    count = (
        f"import os; os.environ['PROMETHEUS_MULTIPROC_DIR'] = {str(tmp_path)!r}\n"
        "import django; django.setup()\n"
        "from core.measures import LISTS, IS_SHARED\n"
        "assert IS_SHARED\n"
        "LISTS.labels('movie_home', 'als').inc()\n"
        "from console.metrics.view import _told\n"
        "from console.metrics import view\n"
        "view.DATABASE.collect = lambda: []\n"
        "print([one for one in _told().decode().splitlines() if one.startswith('heed_lists_total')][0])\n"
    )
    environment = {**os.environ, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
    lines = [
        subprocess.run(
            [sys.executable, "-c", count],
            cwd=project.BASE_DIR,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["1.0", "2.0"]
