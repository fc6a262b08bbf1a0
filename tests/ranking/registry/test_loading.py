"""Models from their files: a damaged ranker never reaches LightGBM, which would end the process."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from core.domain import USE_CASES
from ranking.models import ModelVersion
from ranking.recommenders.ranker.file import LAYOUT, load_ranker
from ranking.recommenders.ranker.model import Ranker
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.tensors import FileData
from ranking.registry import loading
from ranking.registry.loading import ModelSet, load_models
from ranking.registry.versions import activate_version, rollback_version
from serving.live import forget_state
from serving.pipeline import recommend
from tests.factories import (
    active_ranker,
    make_active_als,
    make_als_bytes,
    make_items,
    make_version,
    ranker_bytes,
)
from tests.ranking.recommenders.files import rewritten

pytestmark = pytest.mark.django_db


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[FileData]:
    """Everything that is given to the parser of rankers."""
    given: list[FileData] = []
    parse = load_ranker

    def note(data: FileData) -> Ranker:
        given.append(data)
        return parse(data)

    noting = replace(TRAINED["ranker"], load=note)
    monkeypatch.setattr(loading, "TRAINED", {**TRAINED, "ranker": noting})
    return given


def label(models: ModelSet) -> str:
    return models.label(["ranker"])


def damage(version: ModelVersion, how: str) -> None:
    path = Path(settings.MODEL_DIR) / version.file
    data = path.read_bytes()
    middle = len(data) // 2
    match how:
        case "deleted":
            path.unlink()
        case "truncated":
            path.write_bytes(data[:middle])
        case "header only":
            path.write_bytes(data[: data.index(b"\n") + 1])
        case "flipped":
            path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
        case "longer":
            path.write_bytes(data + b"\n")
        case _:
            path.write_bytes(b"")


DAMAGES = ["deleted", "truncated", "header only", "flipped", "longer", "empty"]


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_ranker_is_not_parsed_and_the_one_before_serves(
    person: User, client: Client, parsed: list[FileData], how: str
) -> None:
    items = make_items(8)
    earlier = active_ranker(seed=1)
    active = active_ranker("evidence", seed=2)
    damage(active, how)
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=3)
    assert len(served.slots) == 3 < len(items)
    assert (served.method_used, served.model_version) == ("ranker", earlier.label)
    assert parsed == [ranker_bytes(seed=1)]
    state = client.get("/ready").json()
    assert state["status"] == "degraded"
    assert state["use_cases"]["movie_home"]["model_version"] == earlier.label
    assert active.label in state["use_cases"]["movie_home"]["problem"]


def test_with_no_whole_ranker_the_best_source_orders(person: User, parsed: list[FileData]) -> None:
    make_items(4)
    damage(active_ranker(), "truncated")
    served = recommend(user_id=person.pk, use_case=USE_CASES["movie_home"], limit=3)
    assert (len(served.slots), served.method_used, served.model_version) == (3, "fresh", "")
    assert parsed == []


def test_a_whole_file_that_is_no_ranker_leaves_the_one_before(parsed: list[FileData]) -> None:
    earlier = active_ranker()
    broken = make_version(b"its hash is right, and still it is no ranker", kind="ranker")
    activate_version(version=broken, why="test")
    models = load_models("movie_home")
    assert label(models) == earlier.label
    assert broken.label not in label(models)
    assert "An earlier version serves." in models.problem


def test_a_ranker_cut_in_half_whose_hash_is_right_ends_no_process() -> None:
    earlier = active_ranker()
    trees = LAYOUT.load(ranker_bytes())[1]["trees"]
    cut = rewritten(ranker_bytes(), trees=trees[: len(trees) // 2])
    activate_version(version=make_version(cut, kind="ranker"), why="test")
    models = load_models("movie_home")
    assert label(models) == earlier.label
    assert "The trees cannot be read" in models.problem


def test_a_file_of_fewer_factors_than_were_trained_does_not_serve() -> None:
    earlier = make_active_als([[1, 2, 3]])
    cut = make_version(make_als_bytes([[1, 2, 3]], seed=1))
    cut.hyper_parameters = {"factors": 5}
    cut.save()
    activate_version(version=cut, why="test")
    models = load_models("movie_home")
    assert models.label(["als"]) == earlier.label
    assert "It holds factors 4, and it was trained with 5." in models.problem


def test_what_is_known_is_not_read_again(parsed: list[FileData]) -> None:
    version = active_ranker()
    known = load_models("movie_home")
    damage(version, "deleted")
    again = load_models("movie_home", known)
    assert again == known
    assert again.by_kind["ranker"] is known.by_kind["ranker"]
    assert len(parsed) == 1


def test_each_kind_falls_back_for_itself(client: Client) -> None:
    group = [item.pk for item in make_items(6)]
    als = [make_active_als([group], seed=seed) for seed in (1, 2)]
    rankers = [active_ranker(seed=seed) for seed in (1, 2)]
    damage(als[1], "truncated")
    models = load_models("movie_home")
    assert (models.label(["als"]), label(models)) == (als[0].label, rankers[1].label)
    damage(rankers[1], "flipped")
    models = load_models("movie_home")
    assert (models.label(["als"]), label(models)) == (als[0].label, rankers[0].label)
    assert als[1].label in models.problem
    assert rankers[1].label in models.problem


def test_a_ranker_serves_its_own_use_case_and_only_while_it_is_active() -> None:
    first, second = active_ranker(seed=1), active_ranker(seed=2)
    assert label(load_models("drama_home")) == ""
    rollback_version(kind="ranker", use_case="movie_home", why="test")
    assert label(load_models("movie_home")) == first.label
    ModelVersion.objects.filter(pk=first.pk).update(status=ModelVersion.Status.REJECTED)
    assert label(load_models("movie_home")) == ""
    assert second.label != first.label


def test_many_earlier_versions_of_one_kind_do_not_hide_the_other() -> None:
    group = [item.pk for item in make_items(3)]
    make_active_als([group])
    for _ in range(45):
        active_ranker()
    models = load_models("movie_home")
    assert "als" in models.by_kind
    assert label(models) == "ranker-movie_home-45"


def test_the_problem_goes_when_a_whole_version_is_active(client: Client) -> None:
    make_items(2)
    active_ranker(seed=1)
    damage(active_ranker(seed=2), "flipped")
    forget_state()
    assert client.get("/ready").json()["status"] == "degraded"
    active_ranker(seed=3)
    assert client.get("/ready").json()["status"] == "ready"
