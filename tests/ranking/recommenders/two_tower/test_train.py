"""Training a two-tower model from the log to a registered candidate, and what happens without PyTorch."""

import importlib.util
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Item
from core.domain import USE_CASES
from core.errors import LockHeld
from interactions.models import UserInteraction
from ranking.models import ModelVersion, StoredReport
from ranking.recommenders.two_tower.file import load_two_tower
from ranking.registry.locks import training_lock
from ranking.registry.versions import read_verified
from serving.live import get_context
from serving.pipeline import recommend
from tests.factories import make_interaction, make_item, make_items, make_user, new_interaction

pytestmark = pytest.mark.django_db
with_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is in requirements-two-tower.txt"
)
SMALL = {"dimensions": 8, "hidden": 16, "epochs": 3, "batch_size": 64, "uniform_negatives": 16}


@pytest.fixture
def log() -> dict[str, list[Item]]:
    """Forty people of two tastes over forty days, each of one genre; ten films of each that nobody met."""
    rng = np.random.default_rng(5)
    halves = {name: make_items(25, genres=[name]) for name in ("Crime", "Comedy")}
    done = []
    for number in range(40):
        person = make_user(f"p{number}")
        names = ["Crime", "Comedy"] if number % 2 else ["Comedy", "Crime"]
        own, other = (halves[name][:15] for name in names)
        for place, film in enumerate(rng.choice(np.array(own, dtype=object), size=10, replace=False)):
            done.append(new_interaction(person, film, "like", day=float(4 * place + rng.uniform(0, 3))))
        turned_down = other[int(rng.integers(15))]
        done.append(new_interaction(person, turned_down, "dislike", day=float(rng.uniform(0, 36))))
    UserInteraction.objects.bulk_create(done)
    return halves


def train(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    call_command("generate_two_tower_dataset", quiet=True)
    capsys.readouterr()
    call_command("train_two_tower", json=True, quiet=True, **{**SMALL, **options})
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    return summary


@pytest.mark.slow
@with_torch
def test_a_candidate_is_registered_with_all_that_made_it(
    log: dict[str, list[Item]], capsys: pytest.CaptureFixture[str]
) -> None:
    summary = train(capsys, seed=3, learning_rate=0.002)
    version = ModelVersion.objects.get()
    assert summary["version"] == version.label == "two_tower-movie_home-1"
    assert (version.kind, version.status) == ("two_tower", ModelVersion.Status.CANDIDATE)
    assert version.file.endswith(".safetensors")
    assert version.dataset_manifest["kind"] == "two_tower"
    assert version.hyper_parameters.items() >= {**SMALL, "learning_rate": 0.002, "seed": 3}.items()
    assert 1 <= version.hyper_parameters["epochs_trained"] <= 3
    model = load_two_tower(read_verified(version))
    assert model.item_ids.tolist() == sorted(Item.objects.values_list("pk", flat=True))
    assert len(version.metrics["validation"]["recall@100"]) <= 3
    assert {"slope", "intercept"} <= set(version.metrics["calibration"])
    assert get_context("movie_home").models.by_kind == {}


@pytest.mark.slow
@with_torch
def test_it_is_evaluated_beside_als_popularity_and_random_on_the_same_people(
    log: dict[str, list[Item]], capsys: pytest.CaptureFixture[str]
) -> None:
    train(capsys, epochs=12, learning_rate=0.01)
    test = ModelVersion.objects.get().evaluation(StoredReport.TRAINING)
    assert test is not None
    assert test.people is not None
    assert test.people > 20
    assert [one.name for one in test.results] == ["two_tower", "als", "popularity", "random"]
    for one in test.results:
        assert 0 <= one.figures["ndcg"].low <= one.figures["ndcg"].mean <= 1
        # All fifty films fit into a list so deep.
        assert one.figures["recall_100"].mean == 1.0
    tower, *_, chance = test.results
    assert tower.figures["ndcg"].mean > chance.figures["ndcg"].mean
    assert [one.baseline for one in tower.differences] == ["popularity", "als"]
    assert tower.differences[0].interval.mean > 0


@pytest.mark.slow
@with_torch
def test_the_trained_model_serves_and_knows_what_nobody_met(
    log: dict[str, list[Item]], capsys: pytest.CaptureFixture[str]
) -> None:
    train(capsys, epochs=12, learning_rate=0.01)
    call_command("activate_model", kind="two_tower", quiet=True)
    newcomer = make_user("newcomer")
    for film in log["Crime"][:3]:
        make_interaction(newcomer, film, "like")
    served = recommend(user_id=newcomer.pk, use_case=USE_CASES["movie_home"], limit=47)
    assert (served.method_used, served.model_version) == ("two_tower", "two_tower-movie_home-1")
    shown = [slot.item.id for slot in served.slots]
    crime = {film.pk for film in log["Crime"]}
    assert sum(item_id in crime for item_id in shown[:10]) >= 9
    unmet = {film.pk for half in log.values() for film in half[15:]}
    first = [item_id for item_id in shown if item_id in unmet][:10]
    assert sum(item_id in crime for item_id in first) >= 9
    assert all(0 <= slot.score <= 1 for slot in served.slots)


@pytest.mark.slow
@with_torch
def test_one_seed_gives_one_model(log: dict[str, list[Item]], capsys: pytest.CaptureFixture[str]) -> None:
    assert train(capsys, seed=1)["sha256"] == train(capsys, seed=1)["sha256"]
    assert train(capsys, seed=2)["sha256"] != train(capsys, seed=1)["sha256"]


@with_torch
@pytest.mark.parametrize("type_name", ["dislike", ""])
def test_a_log_without_anything_liked_is_refused_in_words(type_name: str) -> None:
    film = make_item()
    if type_name:
        make_interaction(make_user(), film, type_name)
    call_command("generate_two_tower_dataset", quiet=True)
    with pytest.raises(CommandError, match="nothing to learn from yet") as caught:
        call_command("train_two_tower", quiet=True)
    assert caught.value.returncode == 1
    assert not ModelVersion.objects.exists()


@with_torch
def test_a_log_too_short_to_hold_anyone_out_still_trains_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    film = make_item()
    make_interaction(make_user(), film)
    make_interaction(make_user(), film)
    train(capsys)
    version = ModelVersion.objects.get()
    assert "held out" in version.metrics["test"]["why_empty"]
    assert "held out" in version.metrics["calibration"]["why_not"]


@with_torch
def test_without_a_dataset_the_command_says_what_to_run() -> None:
    with pytest.raises(CommandError, match="Run generate_two_tower_dataset first"):
        call_command("train_two_tower", quiet=True)


@with_torch
@pytest.mark.parametrize(
    "options",
    [
        ["--dimensions", "0"],
        ["--temperature", "nan"],
        ["--id-dropout", "1"],
        ["--seed", "-1"],
        ["--epochs", "x"],
    ],
)
def test_options_out_of_range_are_refused(options: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("train_two_tower", *options)


@with_torch
@pytest.mark.django_db(transaction=True)
def test_a_second_run_is_told_to_wait() -> None:
    make_interaction(make_user(), make_item())
    call_command("generate_two_tower_dataset", quiet=True)
    with training_lock("train-two_tower-movie_home"), pytest.raises(CommandError) as caught:
        call_command("train_two_tower", quiet=True)
    assert caught.value.returncode == 3
    assert isinstance(caught.value.__cause__, LockHeld)


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if PyTorch were not installed."""
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "ranking.recommenders.two_tower.fit", raising=False)


def test_without_torch_training_says_what_to_install(no_torch: None) -> None:
    make_interaction(make_user(), make_item())
    call_command("generate_two_tower_dataset", quiet=True)
    with pytest.raises(CommandError, match=r"pip install -r requirements-two-tower\.txt") as caught:
        call_command("train_two_tower", quiet=True)
    assert caught.value.returncode == 1


@pytest.mark.slow
def test_the_product_does_not_load_torch() -> None:
    """Neither serving nor any command but the trainer's: it would cost each worker hundreds of megabytes."""
    script = (
        "import sys, django; django.setup(); "
        "import config.urls, serving.pipeline, ranking.retraining.retrain, ranking.evaluation.evaluate; "
        "from django.core.management import get_commands, load_command_class; "
        "[load_command_class(app, name) for name, app in get_commands().items() if app == 'ranking']; "
        "sys.exit('torch' in sys.modules)"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "1", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env=environment,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
