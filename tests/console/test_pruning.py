"""`manage.py prune`: what goes, what stays, and that nobody waits for it."""

import os
import shutil
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axes.models import AccessLog
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from accounts.models import IdempotencyKey, RateCount, User
from catalog.models import Item
from console.models import Run
from console.pruning import chunks, prune
from console.pruning.summary import Pruned
from core.domain import USE_CASES
from interactions.models import UserInteraction
from interactions.responses import responses_by_day
from interactions.selectors import history_rows
from ranking.datasets.session_log import read_sessions, sessions_until
from ranking.models import ModelVersion
from ranking.registry.versions import activate_version, read_verified
from recommendations.models import RecommendationSession
from tests.console.runs.test_keeping import make_run
from tests.factories import make_als_bytes, make_item, make_user, make_version
from tests.imports.helpers import run

pytestmark = pytest.mark.django_db
NOW = timezone.now()
MOVIES = USE_CASES["movie_home"]


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def make_list(user: User, *items: Item, days: float, seen: int = 0, **fields: Any) -> RecommendationSession:
    shown = [
        {
            "item_id": item.pk,
            "rank": rank,
            "score": 0.5,
            "base_score": 0.5,
            "method": "als",
            "source": "als",
            "source_rank": rank,
            "source_score": 0.5,
            "propensity": 1.0,
        }
        for rank, item in enumerate(items, 1)
    ]
    return RecommendationSession.objects.create(
        user=user,
        **{
            "use_case": "movie_home",
            "method": "als",
            "recommendations_shown": shown,
            "features": b"1234",
            "seen_rank": seen,
            "created_at": days_ago(days),
            **fields,
        },
    )


def like(user: User, item: Item, session: RecommendationSession) -> None:
    UserInteraction.objects.create(
        user=user,
        item=item,
        type="like",
        weight=2.0,
        occurred_at=session.created_at,
        recommendation_session=session,
        recommendation_rank=1,
    )


def learned(until: datetime, **fields: Any) -> ModelVersion:
    version = make_version(b"a model", **fields)
    version.dataset_manifest = {"window_end": until.isoformat()}
    version.status = ModelVersion.Status.ACTIVE
    version.save()
    return version


def pruned(**options: Any) -> Pruned:
    return prune(now=NOW, **options)


@pytest.fixture
def film(db: None) -> Item:
    return make_item("Heat", genres=["Crime"])


def left() -> set[Any]:
    return set(RecommendationSession.objects.values_list("pk", flat=True))


class TestLists:
    def test_what_nobody_saw_or_acted_on_goes_after_a_while(self, person: User, film: Item) -> None:
        make_list(person, film, days=40)
        fresh = make_list(person, film, days=5)
        seen = make_list(person, film, days=40, seen=1)
        acted = make_list(person, film, days=40)
        like(person, film, acted)
        assert pruned().unseen_lists == 1
        assert left() == {fresh.pk, seen.pk, acted.pk}

    def test_a_list_that_may_still_be_acted_on_stays_whatever_is_set(
        self, person: User, film: Item, settings: LazySettings
    ) -> None:
        settings.PRUNE_UNSEEN_SESSION_DAYS = settings.PRUNE_SESSION_DAYS = 1
        learned(NOW)
        make_list(person, film, days=29)
        make_list(person, film, days=29, seen=1)
        assert pruned().unseen_lists == pruned().lists == 0

    def test_seen_lists_stay_until_every_active_model_learned_from_them(
        self, person: User, film: Item
    ) -> None:
        make_list(person, film, days=400, seen=1)
        assert pruned().lists == 0
        learned(days_ago(1))
        ranker = learned(days_ago(500), kind="ranker")
        assert pruned().lists == 0
        ranker.dataset_manifest = {"window_end": days_ago(2).isoformat()}
        ranker.save()
        assert pruned().lists == 1
        assert not left()

    def test_lists_of_experiments_stay(self, person: User, film: Item) -> None:
        learned(NOW)
        kept = make_list(person, film, days=400, seen=1, experiment_arm="trial/one")
        unseen = make_list(person, film, days=400, experiment_arm="trial/one")
        pruned()
        assert left() == {kept.pk, unseen.pk}

    def test_a_list_that_was_acted_on_stays_without_its_slots(self, person: User, film: Item) -> None:
        learned(NOW)
        for use_case in ("developer_startup", "movie_home"):
            like(make_user(), film, make_list(person, film, days=400, seen=1, use_case=use_case))
        before = list(history_rows(user_id=person.pk, use_case=MOVIES))
        summary = pruned()
        assert (summary.lists, summary.emptied_lists) == (0, 1)
        emptied = RecommendationSession.objects.get(use_case="movie_home")
        assert (emptied.method, emptied.recommendations_shown, emptied.features) == ("pruned", [], None)
        assert list(history_rows(user_id=person.pk, use_case=MOVIES)) == before
        assert pruned().emptied_lists == 0

    def test_what_is_left_of_a_list_teaches_nothing(self, person: User, film: Item) -> None:
        learned(NOW)
        session = make_list(person, film, days=400, seen=1)
        like(person, film, session)
        assert {one.engaged for one in responses_by_day(MOVIES, NOW)} == {0, 1}
        pruned()
        assert list(responses_by_day(MOVIES, NOW)) == []
        assert list(read_sessions(sessions_until(MOVIES, NOW))) == []

    def test_nothing_ever_goes_where_the_settings_say_zero(
        self, person: User, film: Item, settings: LazySettings
    ) -> None:
        for name in ("SESSION", "UNSEEN_SESSION", "KEY", "LOGIN", "RUN", "DATASET", "MODEL_FILE", "REPORT"):
            setattr(settings, f"PRUNE_{name}_DAYS", 0)
        learned(NOW)
        make_list(person, film, days=4000)
        make_list(person, film, days=4000, seen=1)
        make_run(asked_at=days_ago(4000), status=Run.Status.DONE)
        assert not any(value for name, value in vars_of(pruned()).items() if name != "dry_run")


def vars_of(summary: Pruned) -> dict[str, Any]:
    return {name: getattr(summary, name) for name in Pruned.__slots__}


def test_a_dry_run_counts_the_same_and_removes_nothing(person: User, film: Item, tmp_path: Path) -> None:
    learned(NOW)
    make_list(person, film, days=400)
    make_list(person, film, days=400, seen=1)
    like(person, film, make_list(person, film, days=400, seen=1))
    make_run(asked_at=days_ago(400), status=Run.Status.DONE)
    Session.objects.create(session_key="old", expire_date=days_ago(1))
    promised, rows = vars_of(pruned(dry_run=True)), left()
    assert promised.pop("dry_run")
    assert len(rows) == 3
    done = vars_of(pruned())
    assert not done.pop("dry_run")
    assert done == promised
    assert sum(done.values()) == 5


def test_old_rows_go_and_young_ones_stay(person: User) -> None:
    for days in (1, 100):
        key = IdempotencyKey.objects.create(
            user=person, route="r", key=f"{days}", body_digest="", response_status=200, response_body="{}"
        )
        IdempotencyKey.objects.filter(pk=key.pk).update(created_at=days_ago(days))
        record = AccessLog.objects.create(username="ann")
        AccessLog.objects.filter(pk=record.pk).update(attempt_time=days_ago(days))
        make_run(asked_at=days_ago(days), status=Run.Status.DONE, use_case=f"{days}")
        Session.objects.create(session_key=f"{days}", expire_date=NOW + timedelta(days=50 - days))
        RateCount.objects.create(key=f"{days}", count=1, until=(NOW + timedelta(days=50 - days)).timestamp())
    summary = pruned()
    tables = (summary.idempotency_keys, summary.login_records, summary.runs)
    assert (*tables, summary.browser_sessions, summary.limit_counts) == (1, 1, 1, 1, 1)
    assert IdempotencyKey.objects.get().key == Run.objects.get().use_case == "1"


def test_a_run_that_is_on_stays_however_old() -> None:
    make_run(asked_at=days_ago(1000))
    assert pruned().runs == 0


class TestFiles:
    def test_model_files_that_never_served_go_and_their_versions_say_so(self, settings: LazySettings) -> None:
        served = activate_version(version=make_version(make_als_bytes([[1]])), why="first")
        activate_version(version=make_version(make_als_bytes([[2]])), why="second")
        rejected, twin = make_version(b"three"), make_version(make_als_bytes([[1]]))
        ModelVersion.objects.filter(pk__in=[rejected.pk, twin.pk]).update(
            status="rejected", why="It is worse."
        )
        candidate, newest = make_version(b"four"), make_version(b"five")
        ModelVersion.objects.update(created_at=days_ago(300))
        assert pruned().model_files == 2
        rejected.refresh_from_db()
        assert rejected.why.startswith("It is worse. Its file was removed on ")
        for version in (served, twin, newest):
            assert read_verified(version)
        assert {path.name for path in Path(settings.MODEL_DIR).iterdir()}.isdisjoint(
            {rejected.file, candidate.file}
        )

    def test_of_datasets_the_newest_and_the_used_stay(self, settings: LazySettings) -> None:
        folder = Path(settings.DATASET_DIR) / "als" / "movie_home"
        for number in range(8):
            (folder / f"made-{number}").mkdir(parents=True)
            os.utime(folder / f"made-{number}", (0, 0))
        version = learned(NOW)
        version.dataset_manifest |= {"name": "made-1"}
        version.save()
        assert pruned().datasets == 2
        kept = {f"made-{number}" for number in (1, 3, 4, 5, 6, 7)}
        assert {path.name for path in folder.iterdir()} == kept

    def test_old_reports_go_and_links_are_not_followed(self, settings: LazySettings, tmp_path: Path) -> None:
        folder, elsewhere = Path(settings.REPORT_DIR) / "movie_home", tmp_path / "precious"
        elsewhere.mkdir()
        (elsewhere / "file").write_text("stays")
        os.utime(elsewhere, (0, 0))
        for number in range(6):
            (folder / f"made-{number}").mkdir(parents=True)
            os.utime(folder / f"made-{number}", (0, 0))
        (folder / "2010").symlink_to(elsewhere)
        assert pruned().reports == 2
        assert (elsewhere / "file").exists()
        assert len(list(folder.iterdir())) == 5

    def test_what_cannot_be_removed_is_not_counted_and_ends_nothing(
        self, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder, remove = Path(settings.REPORT_DIR) / "movie_home", shutil.rmtree
        for number in range(8):
            (folder / f"made-{number}").mkdir(parents=True)
            os.utime(folder / f"made-{number}", (0, 0))

        def refuse_one(path: Path) -> None:
            if path.name == "made-0":
                raise OSError(30, "Read-only file system")
            remove(path)

        monkeypatch.setattr("console.pruning.files.shutil.rmtree", refuse_one)
        assert pruned().reports == 2
        assert (folder / "made-0").exists()


def test_the_command_prints_its_summary_and_is_on_record(person: User, film: Item) -> None:
    make_list(person, film, days=400)
    assert run("prune", "--dry-run")["unseen_lists"] == 1
    assert run("prune")["unseen_lists"] == 1
    assert list(Run.objects.values_list("kind", "status")) == [("upkeep", "done")] * 2


@pytest.mark.usefixtures("threads_db")
def test_others_write_while_it_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two chunks there is time: a writer never waits for more than one chunk."""
    monkeypatch.setattr(chunks, "CHUNK", 50)
    person, film, until = make_user("ann"), make_item("Heat"), time.monotonic() + 60
    for _ in range(300):
        make_list(person, film, days=400)
    waits: list[float] = []
    is_over = threading.Event()

    def write() -> None:
        try:
            while not is_over.is_set() and time.monotonic() < until:
                began = time.monotonic()
                RateCount.objects.create(key=f"{len(waits)}", count=1, until=(NOW + timedelta(1)).timestamp())
                waits.append(time.monotonic() - began)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert prune(now=NOW).unseen_lists == 300
    is_over.set()
    writer.join()
    assert len(waits) > 6
    assert max(waits) < 2.0
