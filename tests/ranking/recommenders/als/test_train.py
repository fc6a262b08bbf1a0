"""Training from the log to a registered candidate, evaluated by what came later."""

import json

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core.domain import USE_CASES
from interactions.models import UserInteraction
from ranking.models import ModelVersion, StoredReport
from ranking.recommenders.als.file import load_als
from ranking.recommenders.als.train import TRAINER
from ranking.registry.versions import read_verified
from serving.live import get_context
from serving.pipeline import recommend
from tests.factories import make_interaction, make_items, make_user, new_interaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def log() -> dict[str, list[int]]:
    """Forty people of two tastes over forty days; each likes only films of one half."""
    rng = np.random.default_rng(5)
    films = make_items(40)
    halves = {"left": films[:20], "right": films[20:]}
    done = []
    for number in range(40):
        person = make_user(f"p{number}")
        half = halves["left" if number % 2 else "right"]
        for place, film in enumerate(rng.choice(np.array(half, dtype=object), size=12, replace=False)):
            done.append(new_interaction(person, film, "like", day=float(3 * place + rng.uniform(0, 3))))
        other = halves["right" if number % 2 else "left"][int(rng.integers(20))]
        done.append(new_interaction(person, other, "dislike", day=float(rng.uniform(0, 36))))
    UserInteraction.objects.bulk_create(done)
    return {name: [film.pk for film in half] for name, half in halves.items()}


def train(capsys: pytest.CaptureFixture[str], **options: object) -> dict[str, object]:
    call_command("generate_als_dataset", quiet=True)
    capsys.readouterr()
    call_command("train_als", json=True, quiet=True, **options)
    summary: dict[str, object] = json.loads(capsys.readouterr().out)
    return summary


def test_a_candidate_is_registered_with_all_that_made_it(
    log: dict[str, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    summary = train(capsys, seed=3)
    version = ModelVersion.objects.get()
    assert summary["version"] == version.label == "als-movie_home-1"
    assert version.status == ModelVersion.Status.CANDIDATE
    assert version.dataset_manifest["counts"]["rows"] == 40 * 13
    assert version.hyper_parameters["seed"] == 3
    assert version.hyper_parameters["regularization"] > 0
    model = load_als(read_verified(version))
    assert model.item_ids.tolist() == sorted(log["left"] + log["right"])
    assert get_context("movie_home").models.by_kind == {}


def test_it_is_evaluated_beside_popularity_and_random_and_beats_them_where_there_is_a_pattern(
    log: dict[str, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    train(capsys)
    test = ModelVersion.objects.get().evaluation(StoredReport.TRAINING)
    assert test is not None
    assert test.people is not None
    assert test.people > 20
    assert [one.name for one in test.results] == ["als", "popularity", "random"]
    for one in test.results:
        assert one.figures.keys() >= {"ndcg", "recall", "hit_rate"}
        for name in one.figures.keys() - {"coverage"}:
            interval = one.figures[name]
            assert 0 <= interval.low <= interval.mean <= interval.high <= 1
        assert 0 < one.figures["coverage"].mean <= 1
    als, popularity, _ = test.results
    assert als.figures["ndcg"].mean > popularity.figures["ndcg"].mean
    difference = als.difference("ndcg")
    assert difference is not None
    assert difference.baseline == "popularity"
    assert difference.interval.low > 0


def test_the_trained_model_serves_and_finds_the_taste(
    log: dict[str, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    train(capsys)
    call_command("activate_model", quiet=True)
    newcomer = make_user("newcomer")
    for item_id in log["left"][:2]:
        from catalog.models import Item

        make_interaction(newcomer, Item.objects.get(pk=item_id), "like")
    served = recommend(user_id=newcomer.pk, use_case=USE_CASES["movie_home"], limit=10)
    assert served.method_used == "als"
    assert {slot.item.id for slot in served.slots} <= set(log["left"])
    scores = [slot.score for slot in served.slots]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.slow
def test_one_seed_gives_one_model(log: dict[str, list[int]], capsys: pytest.CaptureFixture[str]) -> None:
    hashes = [train(capsys, seed=1)["sha256"] for _ in range(2)]
    assert hashes[0] == hashes[1]
    assert train(capsys, seed=2)["sha256"] != hashes[0]


def test_options_reach_the_model(log: dict[str, list[int]], capsys: pytest.CaptureFixture[str]) -> None:
    train(capsys, factors=6, regularization=2.5, alpha=3.0, iterations=4, negatives="drop")
    version = ModelVersion.objects.get()
    wanted = {"factors": 6, "regularization": 2.5, "alpha": 3.0, "iterations": 4, "negatives": "drop"}
    assert version.hyper_parameters.items() >= wanted.items()
    model = load_als(read_verified(version))
    assert model.item_factors.shape == (40, 6)
    assert (model.regularization, model.alpha, model.negative_scale) == (2.5, 3.0, 0.0)


def test_what_followed_from_the_data_follows_from_the_next(
    log: dict[str, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    train(capsys, factors=6)
    used = ModelVersion.objects.get().hyper_parameters
    assert used["alpha"] >= 1.0
    successor = TRAINER.parameters(used)
    assert (successor.factors, successor.alpha, successor.regularization) == (6, None, None)


@pytest.mark.slow
def test_tuning_searches_and_keeps_what_is_best(
    log: dict[str, list[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    train(capsys, regularization=1e6, tune=4)
    assert ModelVersion.objects.get().hyper_parameters["regularization"] < 1e6


def test_a_log_without_anything_liked_is_refused_in_words() -> None:
    make_interaction(make_user(), make_items(1)[0], "dislike")
    call_command("generate_als_dataset", quiet=True)
    with pytest.raises(CommandError, match="nothing to learn from yet") as caught:
        call_command("train_als", quiet=True)
    assert caught.value.returncode == 1
    assert not ModelVersion.objects.exists()


def test_a_log_too_short_to_hold_anyone_out_still_trains_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    films = make_items(3)
    for number in range(3):
        person = make_user()
        for film in films[: number + 1]:
            make_interaction(person, film)
    train(capsys)
    version = ModelVersion.objects.get()
    assert "nobody can be held out" in version.metrics["test"]["why_empty"]
    assert "why_not" in version.metrics["calibration"]


def test_without_a_dataset_the_command_says_what_to_run() -> None:
    with pytest.raises(CommandError, match="Run generate_als_dataset first"):
        call_command("train_als", quiet=True)


@pytest.mark.parametrize(
    "options",
    [["--factors", "0"], ["--alpha", "nan"], ["--regularization", "-1"], ["--seed", "-1"], ["--tune", "x"]],
)
def test_options_out_of_range_are_refused(options: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("train_als", *options)
