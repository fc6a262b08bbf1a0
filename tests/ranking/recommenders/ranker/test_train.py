"""`train_ranker`: from the lists that were shown to a registered candidate, evaluated on the last of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from core.domain import USE_CASES
from interactions.models import UserInteraction
from ranking.features import FEATURE_SET, FEATURES
from ranking.models import ModelVersion, StoredReport
from ranking.recommenders.ranker.file import load_ranker
from ranking.recommenders.ranker.model import BASE_MARGINS, DEBIASES
from ranking.recommenders.ranker.train import with_lists_beside
from ranking.registry.locks import training_lock
from ranking.registry.versions import read_verified
from recommendations.models import RecommendationSession
from serving.live import get_context
from serving.pipeline import recommend
from tests.factories import EPOCH, make_interaction, make_items, make_user, new_interaction
from tests.ranking.recommenders.ranker.test_debiasing import lists_of
from tests.ranking.retraining.builders import make_list

QUICK = {"rounds": 8, "num_leaves": 4, "min_data_in_leaf": 5, "early_stopping": 4}
WANTED = FEATURES.index("recency_score")

pytestmark = pytest.mark.django_db


@pytest.fixture
def lists() -> list[RecommendationSession]:
    """Sixty lists of six films over sixty days, in which the person opens the most recent of the films."""
    rng = np.random.default_rng(3)
    people = User.objects.bulk_create([User(username=f"reader-{number}") for number in range(12)])
    films = make_items(12)
    made, opened = [], []
    for day in range(60):
        shown = [films[place] for place in rng.permutation(12)[:6]]
        one = make_list(people[day % 12], shown, day)
        features = rng.random((6, len(FEATURES)), dtype=np.float32)
        one.features = features.astype("<f4").tobytes()
        made.append(one)
        opened.append(new_interaction(one.user, shown[int(features[:, WANTED].argmax())], "view", day=day))
    RecommendationSession.objects.bulk_create(made)
    for one, interaction in zip(made, opened, strict=True):
        interaction.recommendation_session = one
    UserInteraction.objects.bulk_create(opened)
    return made


def train(capsys: pytest.CaptureFixture[str], **options: object) -> dict[str, object]:
    call_command("generate_ranker_dataset", quiet=True)
    capsys.readouterr()
    call_command("train_ranker", json=True, quiet=True, **{**QUICK, **options})
    summary: dict[str, object] = json.loads(capsys.readouterr().out)
    return summary


def test_a_candidate_is_registered_with_all_that_made_it(
    lists: list[RecommendationSession], capsys: pytest.CaptureFixture[str]
) -> None:
    summary = train(capsys, seed=3)
    version = ModelVersion.objects.get()
    assert summary["version"] == version.label == "ranker-movie_home-1"
    assert version.status == ModelVersion.Status.CANDIDATE
    assert version.file.endswith(".safetensors")
    shown = {slot["item_id"] for each in lists for slot in each.recommendations_shown}
    items = summary["items"]
    assert isinstance(items, int)
    assert 0 < items <= len(shown) < sum(len(each.recommendations_shown) for each in lists)
    assert version.dataset_manifest["counts"]["sessions"] == 60
    assert version.hyper_parameters["seed"] == 3
    assert version.hyper_parameters["feature_set"] == FEATURE_SET
    assert 1 <= version.hyper_parameters["trees"] <= QUICK["rounds"]
    gain = version.metrics["gain"]
    assert max(gain, key=gain.__getitem__) == "recency_score"
    ranker = load_ranker(read_verified(version))
    low, high = np.full((2, len(FEATURES)), 0.5, dtype=np.float32)
    low[WANTED], high[WANTED] = 0.1, 0.9
    scores = ranker.probabilities(np.stack([low, high]))
    assert 0 <= scores[0] < scores[1] <= 1
    assert get_context("movie_home").ranker is None


def test_it_is_evaluated_on_the_last_lists_beside_what_was_shown(
    lists: list[RecommendationSession], capsys: pytest.CaptureFixture[str]
) -> None:
    train(capsys)
    test = ModelVersion.objects.get().evaluation(StoredReport.TRAINING)
    assert test is not None
    ndcg = {one.name: one.figures["list_ndcg"].mean for one in test.results}
    assert ndcg["ranker"] > ndcg["as_shown"]


def test_what_was_trained_serves(
    lists: list[RecommendationSession], capsys: pytest.CaptureFixture[str]
) -> None:
    train(capsys)
    call_command("activate_model", kind="ranker", quiet=True)
    served = recommend(user_id=make_user().pk, use_case=USE_CASES["movie_home"], limit=5)
    assert "ranker-movie_home-1" in served.model_version
    assert len(served.slots) == 5


@pytest.mark.slow
def test_one_seed_gives_one_model(
    lists: list[RecommendationSession], capsys: pytest.CaptureFixture[str]
) -> None:
    hashes = [train(capsys, seed=seed, feature_fraction=0.3)["sha256"] for seed in (1, 1, 2)]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("base_margin", BASE_MARGINS)
@pytest.mark.parametrize("debias", DEBIASES)
def test_every_way_to_correct_and_to_be_taught_is_taken(
    lists: list[RecommendationSession], capsys: pytest.CaptureFixture[str], debias: str, base_margin: str
) -> None:
    train(capsys, debias=debias, base_margin=base_margin)
    version = ModelVersion.objects.get()
    assert (version.hyper_parameters["debias"], version.hyper_parameters["base_margin"]) == (
        debias,
        base_margin,
    )
    assert load_ranker(read_verified(version)).base_margin == base_margin


def test_tuning_searches(lists: list[RecommendationSession], capsys: pytest.CaptureFixture[str]) -> None:
    # No tree can part so few rows, so whatever the search tries is better.
    train(capsys, tune=4, min_data_in_leaf=100_000)
    assert ModelVersion.objects.get().hyper_parameters["min_data_in_leaf"] < 100_000


def test_without_a_dataset_the_command_says_what_to_run() -> None:
    with pytest.raises(CommandError, match="Run generate_ranker_dataset first"):
        call_command("train_ranker", quiet=True)


def test_lists_in_which_nothing_was_preferred_are_refused_in_words() -> None:
    make_list(make_user(), make_items(3), 1).save()
    call_command("generate_ranker_dataset", quiet=True)
    with pytest.raises(CommandError, match="nothing to learn from yet") as caught:
        call_command("train_ranker", quiet=True)
    assert caught.value.returncode == 1
    assert not ModelVersion.objects.exists()


def test_too_few_lists_to_hold_any_out_still_train_and_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    items = make_items(3)
    shown = make_list(make_user(), items, 1)
    shown.save()
    interaction = make_interaction(shown.user, items[0], day=1.01)
    interaction.recommendation_session = shown
    interaction.save()
    assert shown.created_at > EPOCH
    train(capsys)
    metrics = ModelVersion.objects.get().metrics
    assert "too few lists" in metrics["test"]["why_empty"]
    assert "why_not" in metrics["calibration"]


@pytest.mark.django_db(transaction=True)
def test_a_second_run_exits_with_3() -> None:
    make_list(make_user(), make_items(2), 1).save()
    call_command("generate_ranker_dataset", quiet=True)
    with training_lock("train-ranker-movie_home"), pytest.raises(CommandError) as caught:
        call_command("train_ranker", quiet=True)
    assert caught.value.returncode == 3


@pytest.mark.parametrize(
    "options",
    [
        ["--num-leaves", "1"],
        ["--learning-rate", "0"],
        ["--rounds", "0"],
        ["--feature-fraction", "nan"],
        ["--lambda-l2", "-1"],
        ["--ips-clip", "0.5"],
        ["--debias", "no"],
        ["--teacher", "no"],
        ["--tune", "x"],
        ["--seed", "-1"],
    ],
)
def test_options_out_of_range_are_refused(options: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("train_ranker", *options)


@pytest.mark.parametrize(("made_up", "expected"), [(100, 0.2), (4, 1.0), (1, 1.0)])
def test_lists_beside_weigh_less_the_more_they_outweigh_what_was_shown(made_up: int, expected: float) -> None:
    shown, beside = lists_of([[1, 2]] * 4), lists_of([[1, 2, 1, 1]] * made_up)
    both = with_lists_beside(shown, replace(beside, weights=0.5 * beside.weights))
    assert both.sizes.tolist() == [4] * made_up + [2] * 4
    of_beside, of_shown = np.split(both.weights, [4 * made_up])
    assert of_shown.tolist() == shown.weights.tolist()
    # 8 of what was shown, 200, 8 or 2 of what was not.
    assert of_beside == pytest.approx(np.full(4 * made_up, 0.5 * expected))
