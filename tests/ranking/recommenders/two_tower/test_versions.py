"""Two-tower versions among the others: compared, evaluated by the gate, and trained anew by `retrain`."""

import importlib.util
import io
import json
import logging
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from core.progress import Progress
from feedback.services import save_dislike
from ranking.context import ScoringContext
from ranking.datasets.event_log import generate_als_dataset
from ranking.datasets.manifest import datasets_folder
from ranking.evaluation.contenders import contender_scores
from ranking.models import ExampleUse, ModelVersion, StoredReport
from ranking.recommenders.als.file import load_als
from ranking.recommenders.ranker.train import RankerTrainer
from ranking.recommenders.training import TrainingError, known_parameters
from ranking.recommenders.two_tower import train as trainer
from ranking.recommenders.two_tower.data import TwoTowerParameters
from ranking.recommenders.two_tower.file import load_two_tower
from ranking.registry.lineage import active_hyper_parameters
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.registry.versions import activate_version, read_verified
from ranking.retraining import retrain as retraining
from ranking.retraining.publishing import RetrainSummary
from tests.factories import (
    EPOCH,
    allow,
    make_als_bytes,
    make_interaction,
    make_item,
    make_user,
    make_version,
    ranker_bytes,
    tower_bytes,
)
from tests.ranking.builders import bare_context
from tests.ranking.statistics.builders import make_events

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)
CUT = EPOCH + timedelta(days=10)
END = EPOCH + timedelta(days=20)
Status = ModelVersion.Status
with_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="PyTorch is in requirements-two-tower.txt"
)


@pytest.fixture
def items() -> list[Item]:
    """Two tastes of four items; from day 15 on everybody dislikes one, and likes the fourth of theirs."""
    items = [make_item(genres=[["Crime"], ["Comedy"]][number % 2]) for number in range(8)]
    for number in range(24):
        person, mine, others = make_user(), items[number % 2 :: 2], items[1 - number % 2 :: 2]
        later = number % 4
        for place, item in enumerate(mine):
            make_interaction(person, item, day=15.0 + number / 10 if place == later else 1.0 + place)
        make_interaction(person, others[later], "dislike", day=14.95 + number / 10)
    return items


def groups(items: list[Item], *, mixed: bool = False) -> list[list[int]]:
    """The two tastes, or with `mixed` two halves that have nothing to do with them."""
    parts = (items[:4], items[4:]) if mixed else (items[::2], items[1::2])
    return [[item.pk for item in part] for part in parts]


def noted(version: ModelVersion, *, day: float = 10, **parameters: Any) -> ModelVersion:
    version.dataset_manifest = {"window_end": (EPOCH + timedelta(days=day)).isoformat()}
    version.hyper_parameters = parameters
    version.save()
    return version


def tower(items: list[Item], *, mixed: bool = False, **options: Any) -> ModelVersion:
    return noted(make_version(tower_bytes(groups(items, mixed=mixed)), kind="two_tower"), **options)


def als(items: list[Item], seed: int = 0) -> ModelVersion:
    version = make_version(make_als_bytes(groups(items), seed=seed))
    return noted(version, factors=4, iterations=5, negatives="keep")


def ranker() -> ModelVersion:
    return noted(make_version(ranker_bytes("model_score"), kind="ranker"))


def activate(version: ModelVersion) -> ModelVersion:
    return activate_version(version=version, why="made by a test")


class TestEvaluation:
    @pytest.fixture(autouse=True)
    def _dataset(self, items: list[Item]) -> None:
        generate_als_dataset(use_case=MOVIES, progress=QUIET, now=END)

    @staticmethod
    def run(*arguments: str) -> list[dict[str, Any]]:
        out = io.StringIO()
        call_command("evaluate_models", "--json", "--quiet", *arguments, stdout=out)
        results: list[dict[str, Any]] = json.loads(out.getvalue())["evaluation"]["results"]
        return results

    def names(self, *arguments: str) -> list[str]:
        named = [one["name"] for one in self.run(*arguments)]
        return [name for name in named if "_home-" in name and "boosts" not in name]

    def test_a_tower_is_evaluated_alone_and_the_better_one_is_found(self, items: list[Item]) -> None:
        good, bad = tower(items), tower(items, mixed=True)
        first, second, *others = self.run(good.label, bad.label)
        assert (first["name"], second["name"]) == (good.label, bad.label)
        assert first["figures"]["ndcg"]["mean"] > second["figures"]["ndcg"]["mean"]
        assert second["gate"]["passed"] is False
        assert "popularity" in {one["name"] for one in others}
        good.refresh_from_db()
        found = good.result()
        assert found is not None
        assert found.name == good.label

    def test_a_version_of_each_kind_can_be_named_together(self, items: list[Item]) -> None:
        labels = [version.label for version in (als(items), tower(items), ranker())]
        assert self.names("+".join(reversed(labels))) == ["+".join(labels)]

    def test_a_ranker_stands_on_what_is_active_where_no_als_is_named(self, items: list[Item]) -> None:
        active, first, other, one = activate(als(items)), activate(tower(items)), tower(items), ranker()
        assert self.names(one.label, f"{other.label}+{one.label}", f"{active.label}+{one.label}") == [
            f"{active.label}+{first.label}+{one.label}",
            f"{active.label}+{other.label}+{one.label}",
            f"{active.label}+{one.label}",
        ]

    def test_without_names_a_candidate_stands_in_the_place_of_the_active_one(self, items: list[Item]) -> None:
        active, first, candidate = activate(als(items)), activate(tower(items)), tower(items, mixed=True)
        assert self.names() == [f"{active.label}+{first.label}", f"{active.label}+{candidate.label}"]

    def test_two_of_the_kind_are_refused(self, items: list[Item]) -> None:
        first, second = tower(items), tower(items)
        with pytest.raises(Exception, match="two versions of one kind"):
            self.run(f"{first.label}+{second.label}")

    def test_the_admin_shows_its_figures(self, items: list[Item], client: Client, staff: User) -> None:
        allow(staff, "view_modelversion")
        version = tower(items)
        interval = {"mean": 0.25, "low": 0.2, "high": 0.3}
        version.metrics = {
            "test": {
                "people": 7,
                "two_tower": {"ndcg@10": interval, "recall@10": interval, "coverage": 0.5},
                "popularity": {"ndcg@10": interval, "coverage": 0.1},
                "two_tower_minus_popularity_ndcg@10": {"mean": 0.015, "low": -0.01, "high": 0.04},
            }
        }
        version.save()
        listed = client.get("/admin/ranking/modelversion/?kind=two_tower").content.decode()
        assert "0.250 [0.200, 0.300]" in listed
        assert "+0.015 [-0.010, +0.040] above popularity" in listed
        page = client.get(f"/admin/ranking/modelversion/{version.pk}/change/").content.decode()
        assert f"{version.label} (candidate)" in page


def test_an_item_is_evaluated_by_whatever_models_know_it() -> None:
    """Item 2 goes with item 1 by ALS, item 5 by the tower alone, and 6 is in no catalog."""
    catalog = bare_context([1, 2, 3, 4, 5]).catalog
    models = ModelSet(
        {
            "als": LoadedModel(1, "als", load_als(make_als_bytes([[1, 2], [3, 4]]))),
            "two_tower": LoadedModel(2, "tower", load_two_tower(tower_bytes([[1, 5], [2, 3, 4]]))),
        }
    )
    item_ids, history = np.array([2, 3, 4, 5, 6]), make_events([(7, 1, 2.0, 0.0, True)])
    both, alone = (
        contender_scores(item_ids, history, ScoringContext.of(MOVIES, catalog, one), 1.0, retrieve=True)
        for one in (models, models.only("two_tower"))
    )
    for seen in (both, alone):
        assert np.isnan(seen.scores[4])
        assert np.isnan(seen.probabilities[4])
        assert seen.scores[3] == np.nanmax(seen.scores)
        assert seen.retrieved[0] == 5
    assert both.scores[0] > both.scores[1]
    assert alone.scores[0] == alone.scores[1]


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(RankerTrainer, "fit", lambda self, material: None)
    settings.GATE_MIN_PEOPLE = 5
    settings.GATE_MARGIN = -0.5


def retrain() -> RetrainSummary:
    return retraining.retrain(use_case=MOVIES, if_needed=False, seed=0, progress=QUIET, now=END)


SMALL: dict[str, Any] = {
    "dimensions": 8,
    "hidden": 16,
    "epochs": 8,
    "batch_size": 16,
    "uniform_negatives": 8,
    "learning_rate": 0.01,
}


def kinds_of(summary: RetrainSummary) -> list[str]:
    """The kinds of which a run made versions."""
    return [outcome.version.split("-")[0] for outcome in summary.outcomes]


@pytest.mark.usefixtures("_quick")
class TestRetrain:
    @pytest.mark.slow
    def test_where_no_tower_serves_none_is_trained(self, items: list[Item]) -> None:
        activate(als(items))
        tower(items)
        summary = retrain()
        assert "two_tower" not in kinds_of(summary)
        assert "als" in kinds_of(summary)
        assert not datasets_folder("two_tower", "movie_home").exists()

    @pytest.mark.slow
    @with_torch
    def test_its_successor_is_trained_before_the_cut_evaluated_after_it_and_published(
        self, items: list[Item]
    ) -> None:
        activate(als(items))
        before = activate(tower(items, mixed=True, **SMALL))
        moment = EPOCH + timedelta(days=11)
        save_dislike(user_id=make_user().pk, item=items[0], reason="not_interested", occurred_at=moment)
        summary = retrain()
        version = ModelVersion.objects.filter(kind="two_tower").order_by("-version")[0]
        (outcome,) = [one for one in summary.outcomes if one.version.startswith("two_tower")]
        assert (outcome.version, outcome.status) == (version.label, version.status)
        assert version.why.startswith("Alone: NDCG@10")
        assert "Among all that serves:" in version.why
        assert version.status == Status.ACTIVE
        before.refresh_from_db()
        assert (before.status, version.parent) == (Status.ARCHIVED, before)
        manifest = version.dataset_manifest
        assert manifest["kind"] == "two_tower"
        cut = datetime.fromisoformat(manifest["window_end"])
        assert EPOCH + timedelta(days=10) < cut < END
        als_version = ModelVersion.objects.filter(kind="als").order_by("-version")[0]
        assert als_version.dataset_manifest["window_end"] == manifest["window_end"]
        assert version.hyper_parameters.items() >= SMALL.items()
        assert load_two_tower(read_verified(version)).item_ids.tolist() == sorted(item.pk for item in items)
        alone, in_place = version.evaluation(), version.evaluation(StoredReport.IN_PLACE)
        assert alone is not None
        assert [one.name for one in alone.results][:3] == ["candidate", "active", "popularity"]
        assert in_place is not None
        assert in_place.results[0].gate is not None
        assert in_place.results[0].gate.passed
        used = ExampleUse.objects.filter(version=version).values_list("example_id", flat=True)
        assert list(used) == manifest["negative_examples"] != []

    @pytest.mark.slow
    @with_torch
    def test_a_worse_one_is_rejected_with_the_reason(self, items: list[Item], settings: Settings) -> None:
        settings.GATE_MARGIN = 0.99
        before = activate(tower(items, **SMALL))
        retrain()
        version = ModelVersion.objects.filter(kind="two_tower").order_by("-version")[0]
        assert version.status == Status.REJECTED
        assert "lower end lies below the margin of +0.990" in version.why
        before.refresh_from_db()
        assert before.status == Status.ACTIVE

    @pytest.mark.slow
    def test_without_torch_the_others_are_trained_and_the_summary_says_so(
        self, items: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(trainer, "has_torch", lambda: False)
        activate(als(items))
        active = activate(tower(items))
        summary = retrain()
        assert "pip install -r requirements-two-tower.txt" in summary.not_trained
        assert "als" in kinds_of(summary)
        assert "two_tower" not in kinds_of(summary)
        active.refresh_from_db()
        assert active.status == Status.ACTIVE

    @pytest.mark.slow
    def test_a_failure_of_its_training_does_not_hold_back_the_others(
        self, items: list[Item], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise TrainingError("Training gave vectors that are not finite.")

        monkeypatch.setattr(trainer, "fit_calibrated_two_tower", fail)
        activate(tower(items))
        with caplog.at_level(logging.WARNING):
            summary = retrain()
        failure = "Training gave vectors that are not finite."
        assert failure in summary.not_trained
        assert failure in caplog.text
        assert "als" in kinds_of(summary)

    def test_its_parameters_follow_those_of_the_active_one(self, items: list[Item]) -> None:
        activate(tower(items, **SMALL, epochs_trained=3, seed=5, of_the_past=1))
        stored = active_hyper_parameters(MOVIES)["two_tower"]
        assert known_parameters(TwoTowerParameters, stored) == TwoTowerParameters(**SMALL)
