"""The registry: whole files, one active version, a way back, and reasons in words."""

import json
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from core.errors import Conflict, NotFound
from ranking.models import ModelVersion
from ranking.registry.loading import load_models
from ranking.registry.versions import (
    ModelFileError,
    activate_version,
    find_version,
    newest_candidate,
    read_verified,
    register_version,
    rollback_version,
)
from tests.factories import active_ranker, make_active_als, make_version, tower_bytes

pytestmark = pytest.mark.django_db
Status = ModelVersion.Status


def status_of(*versions: ModelVersion) -> list[str]:
    for version in versions:
        version.refresh_from_db()
    return [version.status for version in versions]


def test_a_registered_file_is_whole_and_its_row_knows_its_hash() -> None:
    version = make_version(b"model")
    assert read_verified(version) == b"model"
    assert (version.version, version.status, version.label) == (1, Status.CANDIDATE, "als-movie_home-1")
    assert [path.name for path in Path(settings.MODEL_DIR).iterdir()] == [version.file]
    assert make_version(b"other").version == 2
    assert make_version(b"other", use_case="drama_home").version == 1


def test_a_model_file_can_be_read_by_other_users_of_the_machine() -> None:
    path = Path(settings.MODEL_DIR) / make_version(b"model").file
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_neither_file_nor_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        make_version(b"model")
    assert list(Path(settings.MODEL_DIR).iterdir()) == []
    assert not ModelVersion.objects.exists()


def test_activation_archives_the_one_before_and_says_why() -> None:
    first, second = make_version(b"1"), make_version(b"2")
    activate_version(version=first, why="first")
    activate_version(version=second, why="better")
    assert status_of(first, second) == [Status.ARCHIVED, Status.ACTIVE]
    assert first.why == f"replaced by {second.label}"
    assert second.why == "better"
    activate_version(version=second, why="again")
    second.refresh_from_db()
    assert second.why == "better"


def test_a_new_candidate_names_the_active_version_as_its_parent() -> None:
    first = activate_version(version=make_version(b"1"), why="test")
    assert make_version(b"2").parent == first


@pytest.mark.parametrize("damage", [b"", b"changed"])
def test_a_damaged_file_is_not_activated(damage: bytes) -> None:
    first, second = make_version(b"1"), make_version(b"2")
    activate_version(version=first, why="test")
    (Path(settings.MODEL_DIR) / second.file).write_bytes(damage)
    with pytest.raises(ModelFileError, match=second.label):
        activate_version(version=second, why="test")
    assert status_of(first, second) == [Status.ACTIVE, Status.CANDIDATE]


def test_rollback_goes_back_one_at_a_time() -> None:
    versions = [activate_version(version=make_version(bytes([n])), why="test") for n in range(3)]
    assert rollback_version(kind="als", use_case="movie_home", why="worse").pk == versions[1].pk
    assert status_of(*versions) == [Status.ARCHIVED, Status.ACTIVE, Status.REJECTED]
    assert versions[2].why == f"rolled back to {versions[1].label}: worse"
    assert rollback_version(kind="als", use_case="movie_home", why="worse").pk == versions[0].pk
    with pytest.raises(Conflict, match="stays active"):
        rollback_version(kind="als", use_case="movie_home", why="worse")
    assert status_of(*versions) == [Status.ACTIVE, Status.REJECTED, Status.REJECTED]


def test_rollback_passes_over_a_damaged_file() -> None:
    versions = [activate_version(version=make_version(bytes([n])), why="test") for n in range(3)]
    (Path(settings.MODEL_DIR) / versions[1].file).unlink()
    assert rollback_version(kind="als", use_case="movie_home", why="worse").pk == versions[0].pk


def test_a_ranker_with_none_before_it_is_taken_out_so_that_als_serves_alone() -> None:
    make_active_als([[1, 2]])
    ranker = active_ranker()
    assert "ranker" in load_models("movie_home").by_kind
    assert rollback_version(kind="ranker", use_case="movie_home", why="worse") == ranker
    ranker.refresh_from_db()
    assert (ranker.status, ranker.why) == (
        Status.REJECTED,
        "taken out, the models that retrieve order the lists: worse",
    )
    models = load_models("movie_home")
    assert list(models.by_kind) == ["als"]
    with pytest.raises(Conflict, match="nothing to roll back"):
        rollback_version(kind="ranker", use_case="movie_home", why="worse")


def test_a_ranker_with_one_before_it_gives_way_to_that_one() -> None:
    first, second = active_ranker(), active_ranker(sign=-1)
    assert rollback_version(kind="ranker", use_case="movie_home", why="worse") == first
    assert status_of(first, second) == [Status.ACTIVE, Status.REJECTED]


def test_the_command_says_that_no_ranker_serves_any_more(capsys: pytest.CaptureFixture[str]) -> None:
    active_ranker()
    call_command("rollback_model", kind="ranker", json=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["active"] is None
    assert "the models that retrieve order the lists" in answer["why"]


def test_all_kinds_have_one_format() -> None:
    tower = make_version(tower_bytes([[1], [2]]), kind="two_tower")
    files = {active_ranker().file, make_active_als([[1, 2]]).file, tower.file}
    assert {Path(file).suffix for file in files} == {".safetensors"}


def test_without_an_active_version_there_is_nothing_to_roll_back() -> None:
    with pytest.raises(Conflict, match="nothing to roll back"):
        rollback_version(kind="als", use_case="movie_home", why="test")


@pytest.mark.parametrize(
    "label",
    [
        "",
        "als",
        "als-movie_home",
        "als-movie_home-0",
        "als-movie_home-²",
        "als-movie_home-99999999999",
        "x-y-1",
    ],
)
def test_an_unknown_label_is_not_found(label: str) -> None:
    make_version(b"1")
    with pytest.raises(NotFound):
        find_version(label=label)


def test_the_newest_candidate_is_the_one_trained_last() -> None:
    with pytest.raises(NotFound, match="Train one first"):
        newest_candidate(kind="als", use_case="movie_home")
    make_version(b"1")
    last = make_version(b"2")
    assert newest_candidate(kind="als", use_case="movie_home") == last


def test_the_commands_activate_and_roll_back(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = make_version(b"1"), make_version(b"2")
    call_command("activate_model", first.label)
    call_command("activate_model")
    assert status_of(first, second) == [Status.ARCHIVED, Status.ACTIVE]
    call_command("rollback_model", why="worse lists")
    assert status_of(first, second) == [Status.ACTIVE, Status.REJECTED]
    assert "als-movie_home-1" in capsys.readouterr().out
    with pytest.raises(CommandError, match="There is no model version"):
        call_command("activate_model", "als-movie_home-77")
    with pytest.raises(CommandError, match="stays active"):
        call_command("rollback_model")


def test_metrics_that_are_not_numbers_cannot_reach_the_row() -> None:
    # PostgreSQL refuses NaN in JSON; the trainer writes null for a figure that does not exist.
    version = register_version(
        kind="als",
        use_case="movie_home",
        data=b"1",
        dataset_manifest={},
        hyper_parameters={},
        metrics={"test": {"als": {"ndcg@10": {"mean": None}}}},
        why="test",
    )
    version.refresh_from_db()
    assert version.metrics["test"]["als"]["ndcg@10"]["mean"] is None
