"""Both clients do what an app does, against a live server; what is generated of them is up to date."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from heed_client import Heed, HeedError
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.services import issue_service_token
from catalog.models import Item
from interactions.models import UserInteraction
from recommendations.models import RecommendationSession
from tests.docs.pages import ROOT
from tests.factories import make_user
from tests.threads import threads_db  # noqa: F401  a fixture

CLIENTS = ROOT / "clients"


@pytest.fixture
def live(threads_db: None, settings: LazySettings) -> Iterator[tuple[str, str]]:  # noqa: F811
    """The address of a server, and the token of an app."""
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.CATALOG_REFRESH_SECONDS = 0.0
    token = issue_service_token(user=make_user("the-app"), may_act_for_others=True)
    server = LiveServer("localhost")
    yield server.url, token
    server.stop()


def test_what_is_generated_is_of_the_description() -> None:
    command = [sys.executable, str(CLIENTS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_client_in_python(live: tuple[str, str]) -> None:
    address, token = live
    app = Heed(address + "/", token)
    titles = ["Night Ferry", "Salt Road", "Low Orbit"]
    put = app.put_items(
        [
            {
                "kind": "movie",
                "external_id": f"py/{number}",
                "title": title,
                "genres": ["Drama" if number < 2 else "Horror"],
            }
            for number, title in enumerate(titles)
        ]
    )
    assert (put["created"], put["errors"]) == (3, [])
    assert app.put_person("jürgen")["created"]
    recorded = app.record(
        [
            {"user": "jürgen", "kind": "movie", "external_id": "py/2", "type": "click"},
            {"user": "new", "kind": "movie", "external_id": "py/9", "type": "click"},
        ],
        create_users=True,
    )
    assert (recorded["recorded"], [one["row"] for one in recorded["errors"]]) == (1, [1])
    person = app.as_person("jürgen")
    pages = list(person.pages("movies", filter="genre:Drama", limit=1))
    shown = [slot["item"]["title"] for page in pages for slot in page["recommendations"]]
    assert sorted(shown) == ["Night Ferry", "Salt Road"]
    served = person.recommend("movies", scenario="home")
    first, list_id = served["recommendations"][0]["item"], served["recommendation_session_id"]
    person.report_seen(list_id, 1)
    no = person.dislike(first["id"], reason="wrong_genre", comment="Too slow", list_id=list_id)
    assert no["context_source"] == "session"
    assert len(person.recommend("movies")["recommendations"]) == 2
    assert person.dislikes()["dislikes"][0]["feedback_text"] == "Too slow"
    assert no["dislike_id"] is not None
    person.undo_dislike(no["dislike_id"])
    assert person.act("movies", first["id"], "watched", list_id=list_id, rating=8.0)["rating"] == 8.0
    person.undo_act("movies", first["id"], "watched")
    app.patch_item("movies", "py/1", is_active=False)
    rows = list(app.export("items", kind="movie"))
    assert [(row["external_id"], row["is_active"]) for row in rows] == [
        ("py/0", True), ("py/1", False), ("py/2", True),
    ]  # fmt: skip
    assert {row["user"] for row in app.export("interactions")} == {"jürgen"}
    with pytest.raises(HeedError, match="taste") as refused:
        person.recommend("movies", filter="taste:good")
    assert refused.value.status == 400
    with pytest.raises(HeedError) as taken:
        app.delete_item("movies", "py/2")
    assert taken.value.status == 409
    app.delete_item("movies", "py/2", with_history=True)
    app.delete_person("jürgen")
    assert not User.objects.filter(username="jürgen").exists()
    assert not UserInteraction.objects.exists()
    with pytest.raises(HeedError) as gone:
        person.recommend("movies")
    assert gone.value.status == 403


@pytest.mark.slow
def test_the_client_in_typescript(live: tuple[str, str], tmp_path: Path) -> None:
    """Compiled under --strict with the program that uses it, and run."""
    for source in (CLIENTS / "typescript" / "src").iterdir():
        shutil.copy(source, tmp_path)
    shutil.copy(ROOT / "tests" / "clients" / "live.ts", tmp_path)
    shutil.copy(CLIENTS / "typescript" / "package.json", tmp_path)
    options = json.loads((CLIENTS / "typescript" / "tsconfig.json").read_text())
    options["compilerOptions"] |= {"rootDir": ".", "skipLibCheck": True}
    (tmp_path / "tsconfig.json").write_text(json.dumps({**options, "include": ["*.ts"]}))
    compiler = ROOT / "node_modules" / ".bin" / "tsc"
    made = subprocess.run([compiler, "-p", "."], cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout
    address, token = live
    environment = {**os.environ, "HOST": address, "TOKEN": token}
    done = subprocess.run(
        ["node", "dist/live.js"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen.pop("put")["created"] == 3
    assert seen.pop("refused").startswith("400 filter has 'taste'")
    assert sorted(map(tuple, seen.pop("pages"))) == [(), ("Night Ferry",), ("Salt Road",)]
    assert seen == {
        "errors": 1, "source": "session", "without": 2, "exported": ["ts/0", "ts/1", "ts/2"], "dislikes": 0,
    }  # fmt: skip
    assert not Item.objects.filter(external_id="ts/1").exists()
    assert not RecommendationSession.objects.exists()
