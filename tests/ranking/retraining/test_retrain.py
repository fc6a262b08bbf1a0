"""Retraining: due or not, trained before a cut, judged after it, and live only where it is better."""

import json
import os
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as live_settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES, USE_CASES
from core.progress import Progress
from feedback.models import Dislike, NegativeTrainingExample
from feedback.services import save_dislike, undo_dislike
from feedback.training import count_waiting_examples
from interactions.models import UserInteraction
from ranking.datasets.manifest import PART, datasets_folder, newest_dataset, read_manifest
from ranking.features import FEATURE_SET, FEATURES
from ranking.management.commands import retrain as command
from ranking.models import ExampleUse, ModelVersion
from ranking.recommenders.als.file import load_als
from ranking.recommenders.ranker import train as ranker_train
from ranking.recommenders.ranker.file import load_ranker
from ranking.recommenders.ranker.model import RankerParameters
from ranking.recommenders.training import TrainingError
from ranking.registry.lineage import learned_until, seen_until
from ranking.registry.loading import load_models
from ranking.registry.locks import training_lock
from ranking.registry.versions import (
    activate_version,
    file_name,
    read_verified,
    register_version,
    rollback_version,
)
from ranking.retraining import publishing
from ranking.retraining import retrain as retraining
from ranking.retraining.cleanup import ABANDONED_SECONDS, KEPT_DATASETS, note_path, remove_unfinished
from ranking.retraining.decision import decide
from ranking.retraining.run import EVALUATED_UNTIL
from recommendations.models import RecommendationSession
from tests.factories import EPOCH, make_als_bytes, make_interaction, make_item, make_items, make_user

MOVIES = USE_CASES["movie_home"]
QUIET = Progress(quiet=True)
NOW = EPOCH + timedelta(days=40)
PEOPLE = 16
FAST = RankerParameters(rounds=10, num_leaves=4, min_data_in_leaf=5, early_stopping=5)
Status = ModelVersion.Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(ranker_train, "JOINT_PARAMETERS", FAST)
    monkeypatch.setattr(ranker_train, "BOOTSTRAP_PARAMETERS", FAST)
    monkeypatch.setattr(ranker_train, "MIN_LISTS", 10)
    settings.GATE_MIN_PEOPLE = 5
    settings.RECOMMENDATION_SESSION_DAYS = 100_000


@pytest.fixture
def films() -> list[Item]:
    """The first ten are of one taste, the others of the other."""
    return make_items(20)


@pytest.fixture
def people(films: list[Item]) -> list[User]:
    """Sixteen people, each of one taste; for 36 days each is shown a list now and then, and likes from it."""
    rng = np.random.default_rng(3)
    people = [make_user(f"p{number}") for number in range(PEOPLE)]
    lists, likes = [], []
    for number, person in enumerate(people):
        own, other = (films[:10], films[10:]) if number % 2 else (films[10:], films[:10])
        order = rng.permutation(10)
        for place in range(9):
            day = 4 * place + float(rng.uniform(0, 3))
            liked, passed = own[order[place]], other[int(rng.integers(10))]
            shown = make_list(person, [passed, liked] if place % 2 else [liked, passed], day)
            lists.append(shown)
            likes.append(
                UserInteraction(
                    user=person, item=liked, type="like", weight=TYPES["like"].training_weight(None),
                    occurred_at=shown.created_at + timedelta(minutes=1), recommendation_session=shown,
                )
            )  # fmt: skip
    RecommendationSession.objects.bulk_create(lists)
    UserInteraction.objects.bulk_create(likes)
    return people


def make_list(person: User, items: list[Item], day: float) -> RecommendationSession:
    features = np.random.default_rng(person.pk).random((len(items), len(FEATURES)), dtype=np.float32)
    shown = [
        {
            "item_id": item.pk, "rank": rank, "score": 0.5, "base_score": 0.5, "method": "popularity",
            "source": "popular", "source_score": 0.5, "propensity": 1.0,
        }
        for rank, item in enumerate(items, 1)
    ]  # fmt: skip
    return RecommendationSession(
        user=person,
        use_case="movie_home",
        method="popularity",
        recommendations_shown=shown,
        features=features.astype("<f4").tobytes(),
        feature_set=FEATURE_SET,
        seen_rank=len(items),
        created_at=EPOCH + timedelta(days=day),
    )


def serve(
    films: list[Item], groups: Callable[[int], int] = lambda place: place % 2, day: float = 8
) -> ModelVersion:
    """An active ALS version that knows the log up to a day; by default it mixes up the two tastes."""
    ids = [[film.pk for place, film in enumerate(films) if groups(place) == group] for group in range(2)]
    version = register_version(
        kind="als",
        use_case="movie_home",
        data=make_als_bytes(ids),
        dataset_manifest={"window_end": (EPOCH + timedelta(days=day)).isoformat()},
        hyper_parameters={"factors": 4, "iterations": 5, "negatives": "keep", "of_the_past": 1},
        metrics={},
        why="made by a test",
    )
    return activate_version(version=version, why="made by a test")


def say_no(person: User, item: Item, day: float, reason: str = "not_interested", **fields: Any) -> Dislike:
    moment = EPOCH + timedelta(days=day)
    return save_dislike(user_id=person.pk, item=item, reason=reason, occurred_at=moment, **fields).dislike


def run(**options: Any) -> retraining.RetrainSummary:
    wanted = {"use_case": MOVIES, "if_needed": False, "seed": 0, "progress": QUIET, "now": NOW}
    return retraining.retrain(**{**wanted, **options})


def of(kind: str) -> ModelVersion:
    """The newest version of a kind."""
    return ModelVersion.objects.filter(kind=kind).order_by("-version")[0]


class TestRun:
    def test_what_is_better_serves_and_knows_all_that_made_it(
        self, people: list[User], films: list[Item]
    ) -> None:
        before = serve(films)
        summary = run()
        als = of("als")
        assert summary.outcomes[0] == publishing.Outcome(als.label, Status.ACTIVE, als.why)
        assert "over 16 people against active" in als.why
        assert (summary.people_judged, summary.examples_used) == (16, 0)
        assert summary.lists_judged > 20
        before.refresh_from_db()
        assert (before.status, als.parent) == (Status.ARCHIVED, before)
        assert load_als(read_verified(als)).item_ids.tolist() == [film.pk for film in films]
        assert als.hyper_parameters["factors"] == 4
        report = als.evaluation()
        assert report is not None
        names = [one.name for one in report.results]
        assert names[:3] == ["candidate", "active", "popularity"]
        assert report.results[0].gate is not None
        assert report.results[0].gate.passed
        ranker = of("ranker")
        assert summary.outcomes[1].version == ranker.label
        assert load_ranker(read_verified(ranker)).probabilities(np.zeros((1, len(FEATURES)), np.float32))
        assert "candidate" not in {version.status for version in ModelVersion.objects.all()}
        assert not note_path("movie_home").exists()

    def test_neither_learns_from_what_it_is_judged_on(self, people: list[User], films: list[Item]) -> None:
        serve(films, day=8)
        run()
        manifest = of("als").dataset_manifest
        cut = datetime.fromisoformat(manifest["window_end"])
        assert of("ranker").dataset_manifest["window_end"] == manifest["window_end"]
        assert manifest[EVALUATED_UNTIL] == NOW.isoformat()
        later = UserInteraction.objects.filter(occurred_at__gt=EPOCH + timedelta(days=8))
        assert later.filter(occurred_at__gte=cut).count() == pytest.approx(later.count() / 2, rel=0.1)
        assert learned_until()["movie_home"] == cut
        assert seen_until(ModelVersion.objects.filter(status="active")) == cut.timestamp()
        # Other commands take the newest dataset, which reaches to the end.
        newest = read_manifest(newest_dataset("ranker", "movie_home"), kind="ranker", use_case="movie_home")
        assert newest.window_end == NOW.isoformat()
        # The next run is judged on what is newer still.
        run()
        assert datetime.fromisoformat(of("als").dataset_manifest["window_end"]) > cut

    def test_what_was_done_after_the_cut_teaches_no_list_from_before_it(
        self, people: list[User], films: list[Item]
    ) -> None:
        serve(films)
        run()
        learned = of("ranker").dataset_manifest["counts"]["liked"]
        ModelVersion.objects.all().delete()
        serve(films)
        old = RecommendationSession.objects.order_by("created_at")[0]
        item = Item.objects.get(pk=old.recommendations_shown[0]["item_id"])
        UserInteraction.objects.filter(recommendation_session=old).update(
            occurred_at=EPOCH + timedelta(days=36)
        )
        assert UserInteraction.objects.filter(item=item).exists()
        run()
        assert of("ranker").dataset_manifest["counts"]["liked"] == learned - 1

    def test_one_seed_gives_the_same_models(self, people: list[User], films: list[Item]) -> None:
        serve(films)
        run(seed=4)
        first = {kind: of(kind).sha256 for kind in ("als", "ranker")}
        ModelVersion.objects.all().delete()
        serve(films)
        run(seed=4)
        assert {kind: of(kind).sha256 for kind in ("als", "ranker")} == first

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
        summary = run()
        assert {outcome.status for outcome in summary.outcomes} == {Status.REJECTED}
        assert all(why in outcome.why for outcome in summary.outcomes)
        before.refresh_from_db()
        assert before.status == Status.ACTIVE
        assert summary.examples_used == ExampleUse.objects.count() == 0
        assert not NegativeTrainingExample.objects.filter(used_in_training=True).exists()
        assert read_verified(of("als"))

    def test_the_first_model_is_held_against_popularity(self, people: list[User], films: list[Item]) -> None:
        summary = run()
        assert summary.outcomes[0].status == Status.ACTIVE
        report = of("als").evaluation()
        assert report is not None
        names = [one.name for one in report.results]
        assert names.count("popularity") == 0
        assert names[:2] == ["candidate", "active"]

    def test_where_nothing_came_since_nothing_goes_live(self, people: list[User], films: list[Item]) -> None:
        serve(films, day=39)
        summary = run()
        assert "Only 0 people" in summary.outcomes[0].why

    def test_with_one_person_nothing_goes_live(self, films: list[Item]) -> None:
        person = make_user()
        for place, film in enumerate(films):
            make_interaction(person, film, day=float(place))
        (outcome, *_) = run().outcomes
        assert outcome.status == Status.REJECTED
        assert "people can be evaluated" in outcome.why

    def test_a_damaged_active_file_is_replaced(self, people: list[User], films: list[Item]) -> None:
        damaged = serve(films)
        (Path(live_settings.MODEL_DIR) / damaged.file).write_bytes(b"half")
        assert run().outcomes[0].status == Status.ACTIVE
        assert load_models("movie_home").problem == ""

    def test_few_lists_are_made_up_from_the_log(
        self, people: list[User], films: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ranker_train, "MIN_LISTS", 10_000)
        serve(films)
        run()
        assert of("ranker").dataset_manifest["kind"] == "als"
        assert not ExampleUse.objects.filter(version=of("ranker")).exists()

    @pytest.mark.parametrize("disliked", [False, True])
    def test_a_log_that_teaches_nothing_is_refused_in_words(self, disliked: bool) -> None:
        if disliked:
            make_interaction(make_user(), make_item(), "dislike")
        with pytest.raises(TrainingError, match="nothing to learn from yet"):
            run()
        assert not ModelVersion.objects.exists()

    def test_a_version_put_into_service_meanwhile_stays(
        self, people: list[User], films: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        serve(films)
        publish = publishing.publish

        def late(*arguments: Any) -> Any:
            serve(films, groups=lambda place: place // 10)
            return publish(*arguments)

        monkeypatch.setattr(retraining, "publish", late)
        summary = run()
        assert {outcome.status for outcome in summary.outcomes} == {Status.REJECTED}
        assert "als-movie_home-2 serves now" in summary.outcomes[0].why
        assert ModelVersion.objects.get(version=2, kind="als").status == Status.ACTIVE


class TestExamples:
    def test_they_are_noted_for_exactly_the_versions_that_learned_from_them(
        self, people: list[User], films: list[Item]
    ) -> None:
        serve(films)
        old = RecommendationSession.objects.filter(user=people[0]).order_by("created_at")[0]
        shown = Item.objects.get(pk=old.recommendations_shown[1]["item_id"])
        of_a_list = say_no(people[0], shown, 9, session_id=old.pk)
        of_no_list = say_no(people[1], films[12], 10)
        undone = say_no(people[2], films[3], 10)
        undo_dislike(user_id=people[2].pk, dislike_id=undone.pk)
        excluded = say_no(people[3], films[14], 10)
        Dislike.objects.filter(pk=excluded.pk).update(review_state=Dislike.ReviewState.EXCLUDED)
        late = say_no(people[4], films[5], 39)
        no_taste = say_no(people[5], films[16], 10, reason="already_watched")
        summary = run()
        assert summary.outcomes[0].status == Status.ACTIVE
        als = set(of("als").example_uses.values_list("example__dislike_id", flat=True))
        assert als == {of_a_list.pk, of_no_list.pk}
        ranker = set(of("ranker").example_uses.values_list("example__dislike_id", flat=True))
        assert ranker == ({of_a_list.pk} if of("ranker").status == Status.ACTIVE else set())
        used = NegativeTrainingExample.objects.filter(used_in_training=True)
        assert set(used.values_list("dislike_id", flat=True)) == als
        assert summary.examples_used == 2
        assert late.example.used_in_training is False
        assert not NegativeTrainingExample.objects.filter(dislike=no_taste).exists()

    def test_the_next_version_does_not_claim_them_again(self, people: list[User], films: list[Item]) -> None:
        serve(films)
        say_no(people[0], films[0], 10)
        run()
        assert run().examples_used == 0
        assert ExampleUse.objects.values("example").distinct().count() == 1

    def test_a_model_that_leaves_dislikes_out_used_none(self, people: list[User], films: list[Item]) -> None:
        version = serve(films)
        version.hyper_parameters["negatives"] = "drop"
        version.save()
        say_no(people[0], films[0], 10)
        run()
        assert not of("als").example_uses.exists()


class TestDue:
    @pytest.fixture(autouse=True)
    def _soon(self, settings: Settings) -> None:
        settings.DISLIKE_RETRAIN_THRESHOLD = 3

    def due(self) -> tuple[bool, str]:
        found = decide(MOVIES, timezone.now())
        return found.due, found.why

    def test_without_a_model_as_soon_as_there_is_something_to_learn(self) -> None:
        assert self.due() == (False, "There is nothing to learn from yet: no interaction speaks for an item.")
        make_interaction(make_user(), make_item(kind="drama"))
        assert not self.due()[0]
        make_interaction(make_user(), make_item())
        assert self.due() == (True, "No model serves yet.")

    def test_when_enough_people_said_no(self, films: list[Item]) -> None:
        serve(films)
        for _ in range(2):
            say_no(make_user(), films[0], 1)
        assert self.due() == (False, "2 of 3 dislikes wait, and als-movie_home-1 is not old.")
        say_no(make_user(), make_item(kind="drama"), 1)
        assert not self.due()[0]
        say_no(make_user(), films[0], 1)
        assert self.due() == (True, "3 dislikes wait for a model; 3 ask for one.")

    def test_one_person_counts_only_so_often(self, films: list[Item], settings: Settings) -> None:
        settings.DISLIKE_CAP_PER_PERSON = 2
        serve(films)
        person = make_user()
        for film in films[:5]:
            say_no(person, film, 1)
        assert self.due()[1].startswith("2 of 3")

    def test_lists_of_another_use_case_are_for_its_own_models(self) -> None:
        item = make_item(kind="startup")
        dislike = say_no(make_user(), item, 1)
        developers, investors = USE_CASES["developer_startup"], USE_CASES["investor_startup"]
        waiting = [count_waiting_examples(one, after=None, until=NOW) for one in (developers, investors)]
        assert waiting == [1, 1]
        Dislike.objects.filter(pk=dislike.pk).update(use_case=investors.name)
        waiting = [count_waiting_examples(one, after=None, until=NOW) for one in (developers, investors)]
        assert waiting == [0, 1]
        assert count_waiting_examples(investors, after=NOW, until=NOW) == 0

    def test_when_the_model_is_old(self, films: list[Item]) -> None:
        version = serve(films)
        ModelVersion.objects.filter(pk=version.pk).update(created_at=timezone.now() - timedelta(days=8))
        assert self.due() == (True, "als-movie_home-1 is older than 7 days.")

    def test_not_soon_after_the_gate_said_no(
        self, people: list[User], films: list[Item], settings: Settings
    ) -> None:
        serve(films)
        for person in people[:3]:
            say_no(person, films[0], 10)
        settings.GATE_MIN_PEOPLE = 1000
        run()
        due, why = self.due()
        assert not due
        assert why.startswith("als-movie_home-2 was rejected at ")
        earlier = timezone.now() - timedelta(hours=settings.RETRAIN_RETRY_HOURS + 1)
        ModelVersion.objects.update(created_at=earlier)
        assert self.due() == (True, "3 dislikes wait for a model; 3 ask for one.")

    def test_what_a_new_model_was_judged_on_does_not_ask_for_another_at_once(
        self, people: list[User], films: list[Item]
    ) -> None:
        serve(films)
        for person in people[:4]:
            say_no(person, films[0], 39)
        run()
        assert NegativeTrainingExample.objects.filter(used_in_training=False).count() == 4
        assert self.due()[1].startswith("0 of 3")
        for person in people[4:7]:
            say_no(person, films[0], 41)
        assert self.due()[0]

    def test_what_somebody_put_back_is_left_in_service_for_a_while(
        self, films: list[Item], settings: Settings
    ) -> None:
        first = serve(films)
        serve(films, groups=lambda place: place // 10)
        ModelVersion.objects.update(created_at=timezone.now() - timedelta(days=30))
        assert self.due()[0]
        rollback_version(kind="als", use_case="movie_home", why="test")
        assert self.due()[1].startswith("Somebody put als-movie_home-1 back at ")
        earlier = timezone.now() - timedelta(hours=settings.RETRAIN_RETRY_HOURS + 1)
        ModelVersion.objects.filter(pk=first.pk).update(activated_at=earlier)
        assert self.due()[0]

    def test_a_run_that_is_not_due_does_nothing(self, films: list[Item]) -> None:
        serve(films)
        summary = run(if_needed=True, now=timezone.now())
        assert (summary.due, summary.outcomes) == (False, ())
        assert not datasets_folder("als", "movie_home").exists()


class TestLeftovers:
    def test_a_run_killed_while_it_published_leaves_nothing_to_the_next(
        self, people: list[User], films: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = serve(films)

        class Killed(BaseException):
            pass

        def kill(*_: Any) -> None:
            raise Killed

        # As SIGKILL does it: what was written stays, and nothing is tidied up on the way out.
        monkeypatch.setattr(publishing, "_note_examples", kill)
        monkeypatch.setattr("ranking.retraining.cleanup._remove_noted", lambda use_case: None)
        with pytest.raises(Killed):
            run()
        monkeypatch.undo()
        models = Path(live_settings.MODEL_DIR)
        assert ModelVersion.objects.get() == before
        assert len(list(models.iterdir())) == 4
        (models / f"als-movie_home-{'0' * 16}.npzabc.part").write_bytes(b"half")
        remove_unfinished(MOVIES)
        assert [path.name for path in models.iterdir()] == [before.file]
        retraining.retrain(use_case=MOVIES, if_needed=False, seed=0, progress=QUIET, now=NOW)
        assert ModelVersion.objects.filter(kind="als").count() == 2

    def test_files_that_another_database_may_own_are_left(self, films: list[Item]) -> None:
        models = Path(live_settings.MODEL_DIR)
        models.mkdir(parents=True)
        other = models / file_name(kind="als", use_case="movie_home", data=b"other")
        other.write_bytes(b"other")
        remove_unfinished(MOVIES)
        assert other.exists()

    def test_half_datasets_and_old_ones_go(self, films: list[Item]) -> None:
        folder = datasets_folder("als", "movie_home")
        new = [f"2026020{number}-120000" for number in range(KEPT_DATASETS)]
        for name in ("20260101-120000", "20260102-120000", *new):
            (folder / name).mkdir(parents=True)
        abandoned, in_work = folder / f"{PART}old", folder / f"{PART}new"
        for part in (abandoned, in_work):
            part.mkdir()
        long_ago = time.time() - ABANDONED_SECONDS - 1
        os.utime(abandoned, (long_ago, long_ago))
        version = serve(films)
        version.dataset_manifest["name"] = "20260101-120000"
        version.save()
        remove_unfinished(MOVIES)
        assert {path.name for path in folder.iterdir()} == {in_work.name, "20260101-120000", *new}


class TestCommand:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("name", ["retrain", "train-als-movie_home", "train-ranker-movie_home"])
    def test_a_second_run_exits_with_3(self, name: str) -> None:
        make_interaction(make_user(), make_item())
        with training_lock(name), pytest.raises(CommandError, match="Another run") as caught:
            call_command("retrain", quiet=True)
        assert caught.value.returncode == 3

    def test_it_says_what_it_did_as_json(
        self, people: list[User], films: list[Item], capsys: pytest.CaptureFixture[str]
    ) -> None:
        serve(films)
        call_command("retrain", json=True, quiet=True)
        answer = json.loads(capsys.readouterr().out)
        assert (answer["use_case"], answer["due"], answer["why"]) == ("movie_home", True, "Asked for.")
        assert [one["version"] for one in answer["outcomes"]] == ["als-movie_home-2", "ranker-movie_home-1"]
        assert set(answer["outcomes"][0]) == {"version", "status", "why"}

    def test_with_if_needed_it_may_do_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("retrain", if_needed=True, quiet=True)
        answer = capsys.readouterr().out
        assert "due: False" in answer
        assert "nothing to learn from yet" in answer

    def test_nothing_to_learn_from_is_a_failure_in_words(self) -> None:
        with pytest.raises(CommandError, match="nothing to learn from yet") as caught:
            call_command("retrain", quiet=True)
        assert caught.value.returncode == 1

    @pytest.mark.parametrize("options", [["--seed", "-1"], ["--watch", "x"], ["--use-case", "no"]])
    def test_options_out_of_range_are_refused(self, options: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("retrain", *options)

    def test_a_watch_looks_again_whatever_went_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Enough(Exception):
            pass

        failures: list[Exception | None] = [TrainingError("no luck"), OperationalError("gone"), None, None]
        slept: list[float] = []

        def fail_or_look(**options: Any) -> retraining.RetrainSummary:
            assert options["if_needed"] is True
            if failure := failures[len(slept)]:
                raise failure
            return retraining.RetrainSummary("movie_home", due=False, why="not yet")

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == len(failures):
                raise Enough

        monkeypatch.setattr(command, "retrain", fail_or_look)
        monkeypatch.setattr("time.sleep", sleep)
        out, err = StringIO(), StringIO()
        with pytest.raises(Enough):
            call_command("retrain", watch=7, quiet=True, stdout=out, stderr=err)
        assert slept == [7, 7, 7, 7]
        assert "no luck" in err.getvalue()
        assert "gone" in err.getvalue()
        assert out.getvalue().count("not yet") == 1
