"""Retraining: live only where it is better than what serves, whatever serves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES
from feedback.models import NegativeTrainingExample
from interactions.models import UserInteraction
from ranking.evaluation.comparison import evaluate_each
from ranking.evaluation.contenders import Contender
from ranking.evaluation_report import GateVerdict
from ranking.features import FEATURES
from ranking.kinds import MODELS
from ranking.models import ExampleUse, ModelVersion
from ranking.recommenders.ranker import train as ranker_train
from ranking.recommenders.ranker.model import RankerData
from ranking.recommenders.ranker.train import fit_calibrated_ranker
from ranking.recommenders.training import TrainingError
from ranking.registry.loading import ModelSet, load_models
from ranking.registry.versions import read_verified
from ranking.retraining import new_models, publishing
from ranking.retraining.run import Run, compare_models
from tests.factories import make_interaction, make_item, make_user
from tests.ranking.retraining.builders import of, run, say_no, serve

Status = ModelVersion.Status

pytestmark = pytest.mark.django_db


class TestRun:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("GATE_MARGIN", 0.99, "lower end lies below the margin of +0.990"),
            ("GATE_MIN_PEOPLE", 1000, "1000 are needed"),
        ],
    )
    def test_what_is_not_better_is_kept_as_rejected_with_the_reason(
        self, people: list[User], films: list[Item], settings: Settings, name: str, value: float, why: str
    ) -> None:
        before = serve(films)
        say_no(people[0], films[0], 10)
        setattr(settings, name, value)
        summary = run("als", "content", "ranker")
        assert {outcome.status for outcome in summary.outcomes} == {Status.REJECTED}
        assert all(why in outcome.why for outcome in summary.outcomes)
        before.refresh_from_db()
        assert before.status == Status.ACTIVE
        assert summary.examples_used == ExampleUse.objects.count() == 0
        assert not NegativeTrainingExample.objects.filter(used_in_training=True).exists()
        assert read_verified(of("als"))

    @pytest.mark.slow
    def test_no_models_are_evaluated_twice(
        self, people: list[User], films: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[frozenset[int]] = []

        def watched(contenders: list[Contender], *arguments: Any, **options: Any) -> Any:
            seen.extend(frozenset(map(id, one.models.by_kind.values())) for one in contenders)
            return evaluate_each(contenders, *arguments, **options)

        monkeypatch.setattr("ranking.retraining.run.evaluate_each", watched)
        serve(films)
        summary = run()
        assert len(seen) == len(set(seen)) > len(summary.outcomes)

    @pytest.mark.slow
    def test_the_first_model_is_held_against_popularity(self, people: list[User], films: list[Item]) -> None:
        summary = run("als")
        assert summary.outcomes[0].status == Status.ACTIVE
        report = of("als").evaluation()
        assert report is not None
        names = [one.name for one in report.results]
        assert names.count("popularity") == 0
        assert names[:2] == ["candidate", "active"]

    @pytest.mark.slow
    def test_a_model_of_verdicts_which_makes_no_list_is_never_held_alone_against_the_one_before(
        self, people: list[User], films: list[Item], settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.GATE_MARGIN = -1.0
        for number, person in enumerate(people):
            for day, film in enumerate(films[8:12]):
                say_no(person, films[(films.index(film) + number) % 20], 4 * day + 2)
        run("als", "content", "verdict")
        assert of("verdict").status == Status.ACTIVE
        compared: list[set[str]] = []

        def watched(run: Run, candidate: ModelSet, *others: Any, **options: Any) -> Any:
            compared.append(set(candidate.by_kind))
            return compare_models(run, candidate, *others, **options)

        monkeypatch.setattr(new_models, "compare_models", watched)
        run("als", "content", "verdict")
        assert of("verdict").version == 2
        assert {"content"} in compared
        assert {"verdict"} not in compared

    @pytest.mark.slow
    def test_a_model_that_no_list_asks_is_told_of(self, people: list[User], films: list[Item]) -> None:
        """An experiment may ask it, so it is trained."""
        outcomes = run("als", "item_knn", "verdict").outcomes
        told = {one.version.split("-")[0]: one.why.endswith(new_models.UNASKED) for one in outcomes}
        assert told == {"als": False, "item_knn": True, "verdict": False}

    def test_where_nothing_came_since_nothing_goes_live(self, people: list[User], films: list[Item]) -> None:
        serve(films, day=39)
        summary = run("als")
        assert "Only 0 people" in summary.outcomes[0].why

    def test_with_one_person_nothing_goes_live(self, films: list[Item]) -> None:
        person = make_user()
        for place, film in enumerate(films):
            make_interaction(person, film, day=float(place))
        (outcome, *_) = run("als").outcomes
        assert outcome.status == Status.REJECTED
        assert "Only 1 person can be evaluated" in outcome.why

    @pytest.mark.slow
    def test_a_damaged_active_file_is_replaced(self, people: list[User], films: list[Item]) -> None:
        damaged = serve(films)
        (Path(django_settings.MODEL_DIR) / damaged.file).write_bytes(b"half")
        assert run("als").outcomes[0].status == Status.ACTIVE
        assert load_models("movie_home").problem == ""

    @pytest.mark.slow
    @pytest.mark.parametrize(("kind", "rating"), [("click", None), ("view", None), ("watched", 9.0)])
    def test_a_history_of_one_kind_of_signal_is_learned_and_evaluated(
        self, people: list[User], films: list[Item], kind: str, rating: float | None
    ) -> None:
        weight = TYPES[kind].training_weight(rating)
        UserInteraction.objects.update(type=kind, rating=rating, weight=weight)
        summary = run()
        assert summary.people_evaluated >= 5
        assert summary.outcomes[0].status == Status.ACTIVE, summary.outcomes[0].why

    @pytest.mark.slow
    def test_few_lists_are_made_up_from_the_log(
        self, people: list[User], films: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ranker_train, "MIN_LISTS", 10_000)
        serve(films)
        run("als", "ranker")
        assert of("ranker").dataset_manifest["kind"] == "als"
        assert not ExampleUse.objects.filter(version=of("ranker")).exists()

    @pytest.mark.slow
    @pytest.mark.parametrize("refused", ["transitions", "content"])
    def test_a_ranker_learns_from_the_scores_of_what_will_serve_with_it(
        self, people: list[User], films: list[Item], monkeypatch: pytest.MonkeyPatch, refused: str
    ) -> None:
        """Trees that split on the score of a rejected kind would meet nothing in service."""
        evaluate, learned = new_models._evaluate, []

        def strict(run: Run, kind: str, *others: Any) -> tuple[GateVerdict, dict[str, Any]]:
            _, metrics = evaluate(run, kind, *others)
            return (GateVerdict(kind != refused, "as the test says"), metrics)

        def watched(data: RankerData, *arguments: Any, beside: RankerData | None, **options: Any) -> Any:
            learned.extend([data, *([beside] if beside else [])])
            return fit_calibrated_ranker(data, *arguments, beside=beside, **options)

        monkeypatch.setattr(new_models, "_evaluate", strict)
        monkeypatch.setattr(ranker_train, "fit_calibrated_ranker", watched)
        run("als", "ease", refused, "ranker")
        assert of(refused).status == Status.REJECTED
        assert learned
        known = {
            kind
            for kind in MODELS
            for data in learned
            if np.isfinite(data.features[:, FEATURES.index(f"{kind}_score")]).any()
        }
        assert refused not in known
        assert {"als", "ease"} <= known

    @pytest.mark.parametrize("disliked", [False, True])
    def test_a_log_that_teaches_nothing_is_refused_in_words(self, disliked: bool) -> None:
        if disliked:
            make_interaction(make_user(), make_item(), "dislike")
        with pytest.raises(TrainingError, match="nothing to learn from yet"):
            run()
        assert not ModelVersion.objects.exists()

    @pytest.mark.slow
    def test_a_version_put_into_service_meanwhile_stays(
        self, people: list[User], films: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(films)
        publish = publishing.publish

        def late(*arguments: Any) -> Any:
            serve(films, groups=lambda place: place // 10)
            return publish(*arguments)

        monkeypatch.setattr(new_models, "publish", late)
        summary = run("als", "transitions", "ranker")
        assert {outcome.status for outcome in summary.outcomes} == {Status.REJECTED}
        assert "als-movie_home-2 serves now" in summary.outcomes[0].why
        assert ModelVersion.objects.get(version=2, kind="als").status == Status.ACTIVE
