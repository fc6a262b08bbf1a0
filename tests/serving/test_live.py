"""The serving state of a worker: new models are taken up without restart, damaged files never serve."""

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from ranking.models import ModelVersion
from ranking.recommenders.als.recommender import Als
from ranking.registry.versions import activate_version, rollback_version
from serving import live
from serving.live import StateHolder, forget_state, get_context
from serving.pipeline import recommend
from tests.factories import make_active_als, make_interaction, make_items
from tests.threads import threads_db  # noqa: F401  a fixture

pytestmark = pytest.mark.django_db


def serving() -> str:
    return get_context("movie_home").models.label()


def file_of(version: ModelVersion) -> Path:
    return Path(settings.MODEL_DIR) / version.file


@pytest.fixture
def group(db: None) -> list[int]:
    return [item.pk for item in make_items(6)]


@pytest.fixture
def versions(group: list[int]) -> tuple[ModelVersion, ModelVersion]:
    """An archived version and the active one."""
    return make_active_als([group], seed=1), make_active_als([group], seed=2)


def test_an_activated_model_serves_at_the_next_request(group: list[int]) -> None:
    assert serving() == ""
    first = make_active_als([group], seed=1)
    assert serving() == first.label
    second = make_active_als([group], seed=2)
    assert serving() == second.label
    rollback_version(kind="als", use_case="movie_home", why="test")
    assert serving() == first.label


@pytest.fixture
def open_connection() -> Iterator[None]:
    """Requests that begin and end here leave the connection of the test open, as those of its client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("open_connection")
def test_a_request_looks_once_and_sees_one_state(
    group: list[int], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    serving()
    request_started.send(sender=None)
    first = make_active_als([group], seed=1)
    assert serving() == first.label
    second = make_active_als([group], seed=2)
    with django_assert_num_queries(0):
        assert serving() == first.label
    request_finished.send(sender=None)
    assert serving() == second.label


def test_a_model_is_looked_for_only_as_often_as_the_setting_says(
    group: list[int], settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    serving()
    settings.MODEL_CHECK_SECONDS = 3600.0
    make_active_als([group])
    with django_assert_num_queries(0):
        assert serving() == ""


@pytest.mark.parametrize("damage", ["deleted", "truncated", "flipped", "empty", "not a model"])
def test_a_damaged_file_leaves_the_version_before_serving(
    versions: tuple[ModelVersion, ModelVersion], damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    earlier, active = versions
    path = file_of(active)
    data = path.read_bytes()
    match damage:
        case "deleted":
            path.unlink()
        case "truncated":
            path.write_bytes(data[: len(data) // 2])
        case "flipped":
            path.write_bytes(data[:300] + bytes([data[300] ^ 1]) + data[301:])
        case "empty":
            path.write_bytes(b"")
        case _:
            path.write_bytes(b"not a model")
    forget_state()  # as a worker that starts now
    with caplog.at_level(logging.ERROR):
        assert serving() == earlier.label
    assert active.label in get_context("movie_home").models.problem
    assert active.label in caplog.text


def test_a_whole_file_with_an_unusable_model_leaves_the_version_before_serving(
    versions: tuple[ModelVersion, ModelVersion],
) -> None:
    from tests.factories import make_version

    _, active = versions
    broken = make_version(b"its hash is right, and still it is no model")
    activate_version(version=broken, why="test")
    assert serving() == active.label
    assert "An earlier version serves" in get_context("movie_home").models.problem


def test_a_worker_that_has_the_model_does_not_care_for_its_file(
    versions: tuple[ModelVersion, ModelVersion],
) -> None:
    _, active = versions
    assert serving() == active.label
    file_of(active).unlink()
    assert serving() == active.label


def test_with_no_whole_file_popularity_serves(
    versions: tuple[ModelVersion, ModelVersion], group: list[int], person: User
) -> None:
    for version in versions:
        file_of(version).unlink()
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=3)
    assert len(served.slots) == 3
    assert served.method_used == "fresh"


def test_a_candidate_or_rejected_version_never_serves(group: list[int]) -> None:
    first = make_active_als([group], seed=1)
    second = make_active_als([group], seed=2)
    rollback_version(kind="als", use_case="movie_home", why="test")
    second.refresh_from_db()
    assert second.status == ModelVersion.Status.REJECTED
    file_of(first).unlink()
    forget_state()
    assert serving() == ""


def test_use_cases_have_models_of_their_own(group: list[int]) -> None:
    make_active_als([group], use_case="drama_home")
    assert serving() == ""


def test_the_catalog_is_read_again_where_it_is_served_from(
    group: list[int], settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    state = StateHolder("movie_home")
    assert len(state.get().usual.catalog.item_ids) == 6
    make_items(2)
    settings.CATALOG_REFRESH_SECONDS = -1.0
    settings.MODEL_CHECK_SECONDS = 3600.0
    assert len(state.get().usual.catalog.item_ids) == 6
    state.refresh()
    assert len(state.get().usual.catalog.item_ids) == 8
    state.refresh()
    with django_assert_num_queries(3):
        # Nobody was served since: only models, an experiment and rules are looked for.
        state.refresh()


def test_changes_are_taken_up_at_once_and_what_no_date_tells_when_the_check_is_due(
    group: list[int], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_REST", 0.0)
    settings.CATALOG_REFRESH_SECONDS = 3600.0
    state = StateHolder("movie_home")
    state.get()

    def looked() -> list[int]:
        state.get()
        state.refresh()
        held: list[int] = state.get().usual.catalog.item_ids.tolist()
        return held

    Item.objects.filter(pk=group[0]).update(is_active=False)
    assert looked() == group[1:]
    before = state.get()
    assert looked() == group[1:]
    assert state.get() is before
    Item.objects.get(pk=group[1]).delete()
    assert looked() == group[1:]
    settings.CATALOG_REFRESH_SECONDS = -1.0
    assert looked() == group[2:]


def test_a_worker_rests_after_it_took_changes_up(group: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_REST", 1e9)
    state = StateHolder("movie_home")
    state.get()
    for hidden in group[:2]:
        Item.objects.filter(pk=hidden).update(is_active=False)
        state.get()
        state.refresh()
    assert state.get().usual.catalog.item_ids.tolist() == group[1:]


def test_a_model_activated_meanwhile_is_taken_up_by_the_look_and_not_by_a_request(
    group: list[int], settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    state = StateHolder("movie_home")
    state.get()
    version = make_active_als([group])
    with django_assert_num_queries(0):
        assert state.get().usual.models.label() == ""
    state.refresh()
    with django_assert_num_queries(0):
        assert state.get().usual.models.label() == version.label


def test_a_forked_process_takes_up_what_changed_before_its_first_answer(
    group: list[int], settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.MODEL_CHECK_SECONDS = 3600.0
    state = StateHolder("movie_home")
    state.get()
    # What a refresh of the process before left to do is no reason to wait.
    Item.objects.filter(pk=group[0]).update(is_active=False)
    state.refresh()
    version = make_active_als([group])
    Item.objects.filter(pk=group[1]).update(is_active=False)
    state.inherit()
    for _ in range(2):
        assert state.get().usual.catalog.item_ids.tolist() == group[2:]
        assert state.get().usual.models.label() == version.label
        with django_assert_num_queries(0):
            state.get()


def test_what_was_never_served_is_not_read(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        StateHolder("movie_home").refresh()


def test_a_look_that_fails_leaves_the_state_as_it_is(
    group: list[int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = live.get_state("movie_home")
    monkeypatch.setattr(live, "load_models", lambda *_: 1 / 0)
    live._refresher.refresh("movie_home")
    assert "could not be read again" in caplog.text
    monkeypatch.undo()
    assert live.get_state("movie_home") is before


def test_a_worker_takes_up_a_model_without_restart(threads_db: None, settings: Settings) -> None:  # noqa: F811
    settings.MODEL_CHECK_SECONDS = 0.01
    group = [item.pk for item in make_items(6)]
    assert serving() == ""
    version = make_active_als([group])
    deadline = time.monotonic() + 30
    while serving() != version.label:
        assert time.monotonic() < deadline
    forget_state()


def test_items_unknown_to_the_catalog_are_never_recommended_by_the_model(
    group: list[int], person: User
) -> None:
    make_active_als([[*group, 10**12]])
    make_interaction(person, make_items(1)[0])
    serves = get_context("movie_home")
    als = serves.recommenders["als"]
    assert isinstance(als, Als)
    assert als.allowed.tolist() == [True] * 6 + [False]


def test_where_the_database_is_away_workers_begin_without_a_state(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    def away(use_case: str) -> None:
        asked.append(use_case)
        raise OperationalError("connection refused")

    monkeypatch.setattr(live, "read_rows", away)
    monkeypatch.setattr("serving.live.connections.close_all", lambda: None)
    live.load_states()
    assert len(asked) == 1
    assert "each reads them with its first request" in caplog.text
