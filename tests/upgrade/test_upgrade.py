"""A database made by an older version migrates, keeps its tables, and serves. make.py made the archives."""

import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from feedback.models import Dislike
from recommendations.models import RecommendationSession

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
PASSWORD = "older-pass"
MODELS = "als-movie_home-1+two_tower-movie_home-1+ranker-movie_home-1"
LISTS = "/api/recommendations/personalized/movies"


@pytest.fixture
def older(
    settings: Settings, tmp_path: Path, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The database and the model files of the older version, as it left them."""
    with tarfile.open(HERE / f"{connection.vendor}.tar.xz") as archive:
        # Python 3.11.2, that of Debian 12, knows no filter yet; the file is ours.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        archive.extractall(tmp_path)  # noqa: S202  our own file
    settings.MODEL_DIR = tmp_path / "models"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    with django_db_blocker.unblock(), restored(tmp_path / "dump.sql"):
        ContentType.objects.clear_cache()
        yield
    ContentType.objects.clear_cache()


@contextmanager
def restored(dump: Path) -> Iterator[None]:
    """Points the default connection at a fresh database filled from `dump`, and drops it afterwards."""
    usual, name = connections["default"], connections.settings["default"]["NAME"]
    on_server = usual.vendor == "postgresql"
    fresh = f"{name}_older" if on_server else str(dump.with_suffix(".sqlite3"))
    if on_server:
        on_the_server(f'DROP DATABASE IF EXISTS "{fresh}" WITH (FORCE)', f'CREATE DATABASE "{fresh}"')
    connections.settings["default"]["NAME"] = fresh
    connections["default"] = connections.create_connection("default")
    try:
        load(dump.read_text(), fresh)
        yield
    finally:
        connections["default"].close()
        connections.settings["default"]["NAME"] = name
        connections["default"] = usual
        if on_server:
            on_the_server(f'DROP DATABASE "{fresh}" WITH (FORCE)')


def on_the_server(*statements: str) -> None:
    with connections["default"]._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def load(dump: str, name: str) -> None:
    """Runs a dump. That of PostgreSQL empties the search path of its connection, which is closed."""
    if connection.vendor == "sqlite":
        with sqlite3.connect(name) as database:
            database.executescript(dump)
        return
    with connection.cursor() as cursor:
        cursor.execute(dump)
    connection.close()


def log_in(username: str) -> Client:
    """A person who gave their password to the older version."""
    client = Client()
    response = client.post("/accounts/login/", {"username": username, "password": PASSWORD})
    assert response.status_code == 302
    return client


def last_session(username: str) -> RecommendationSession:
    return RecommendationSession.objects.filter(user__username=username).latest("created_at", "pk")


def ask_for_a_list(client: Client) -> dict[str, Any]:
    response = client.get(LISTS, {"limit": 10})
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def test_no_table_is_renamed(older: None) -> None:
    before = set(connection.introspection.table_names())
    call_command("migrate", verbosity=0)
    after = set(connection.introspection.table_names())
    assert before <= after
    assert {model._meta.db_table for model in apps.get_models()} <= after


def test_people_find_their_lists_and_what_they_turned_down(older: None) -> None:
    call_command("migrate", verbosity=0)
    client, earlier = log_in("ann"), last_session("ann")
    turned_down = set(Dislike.objects.filter(user__username="ann").values_list("item_id", flat=True))

    served = ask_for_a_list(client)
    listed = [slot["item"]["id"] for slot in served["recommendations"]]

    assert len(listed) == 10
    assert len(turned_down) == 4
    assert turned_down.isdisjoint(listed)
    assert last_session("ann").experiment_arm == earlier.experiment_arm != ""
    assert client.get(f"/items/{listed[0]}/").status_code == 200

    body = {
        "movie_id": listed[0],
        "reason": "poor_quality",
        "recommendation_set_id": served["recommendation_session_id"],
    }
    assert client.post("/api/dislike", body, content_type="application/json").status_code == 201
    assert listed[0] not in [slot["item"]["id"] for slot in ask_for_a_list(client)["recommendations"]]
    assert client.get("/feedback/").status_code == 200


def test_its_models_serve_or_it_is_said_that_they_must_be_trained_anew(older: None) -> None:
    call_command("migrate", verbosity=0)
    state = Client().get("/ready").json()["use_cases"]["movie_home"]
    assert state["items"] == 40
    assert state["model_version"] == MODELS or "anew" in state["problem"]
