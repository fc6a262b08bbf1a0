"""The command `retrain`: exit codes, JSON, and watching."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import USE_CASES
from ranking.management.commands import retrain as command
from ranking.recommenders.training import TrainingError
from ranking.registry.locks import training_lock
from ranking.retraining.publishing import RetrainSummary
from tests.factories import make_interaction, make_item, make_user
from tests.ranking.retraining.builders import serve

pytestmark = pytest.mark.django_db


def fail_as_full(_: int) -> None:
    raise OSError(28, "No space left on device")


class TestCommand:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("name", ["retrain", "train-als-movie_home", "train-ranker-movie_home"])
    def test_a_second_run_exits_with_3(self, name: str) -> None:
        make_interaction(make_user(), make_item())
        with training_lock(name), pytest.raises(CommandError, match="Another run") as caught:
            call_command("retrain", quiet=True)
        assert caught.value.returncode == 3

    @pytest.mark.slow
    def test_it_says_what_it_did_as_json(
        self, people: list[User], films: list[Item], capsys: pytest.CaptureFixture[str]
    ) -> None:
        serve(films)
        call_command("retrain", json=True, quiet=True)
        answer = json.loads(capsys.readouterr().out)
        assert (answer["use_case"], answer["due"], answer["why"]) == ("movie_home", True, "Asked for.")
        # Two towers follow only a version that serves.
        kinds = [kind for kind in USE_CASES["movie_home"].models if kind not in ("als", "two_tower")]
        made = ["als-movie_home-2", *(f"{kind}-movie_home-1" for kind in kinds)]
        assert [one["version"] for one in answer["outcomes"]] == made
        assert set(answer["outcomes"][0]) == {"version", "status", "why"}

    def test_with_if_needed_it_may_do_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("retrain", if_needed=True)
        answer = capsys.readouterr().out
        assert "due: False" in answer
        assert "nothing to learn from yet" in answer

    def test_nothing_to_learn_from_is_a_failure_in_words(self) -> None:
        with pytest.raises(CommandError, match="nothing to learn from yet") as caught:
            call_command("retrain", quiet=True)
        assert caught.value.returncode == 1

    @pytest.mark.parametrize("command", ["retrain", "train_als", "train_ranker", "train_two_tower"])
    @pytest.mark.parametrize("is_full", [False, True])
    def test_where_no_model_could_be_kept_it_says_so_before_it_trains(
        self,
        command: str,
        is_full: bool,
        settings: Settings,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        settings.MODEL_DIR = folder = tmp_path / "a file" / "models"
        if is_full:
            monkeypatch.setattr("os.fsync", fail_as_full)
        else:
            folder.parent.touch()
        with pytest.raises(
            CommandError, match=f"{folder}: {'No space left' if is_full else 'Not a'}"
        ) as caught:
            call_command(command, json=True, quiet=True)
        assert caught.value.returncode == 1
        assert json.loads(capsys.readouterr().out) == {"error": str(caught.value)}
        assert not list(folder.parent.glob("*/*"))

    @pytest.mark.parametrize("options", [["--seed", "-1"], ["--watch", "x"], ["--use-case", "no"]])
    def test_options_out_of_range_are_refused(self, options: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("retrain", *options)

    def test_a_watch_tries_again_whatever_went_wrong(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Enough(Exception):
            pass

        failures: list[Exception | None] = [TrainingError("no luck"), OperationalError("gone"), None, None]
        slept: list[float] = []

        def fail_or_answer(**options: Any) -> RetrainSummary:
            assert options["if_needed"] is True
            if failure := failures[len(slept)]:
                raise failure
            return RetrainSummary("movie_home", due=False, why="not yet")

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            if len(slept) == len(failures):
                raise Enough

        monkeypatch.setattr(command, "retrain", fail_or_answer)
        monkeypatch.setattr("time.sleep", sleep)
        out, err = StringIO(), StringIO()
        with pytest.raises(Enough):
            call_command("retrain", watch=7, stdout=out, stderr=err)
        assert slept == [7, 7, 7, 7]
        assert "no luck" in err.getvalue()
        assert "gone" in err.getvalue()
        assert out.getvalue().count("not yet") == 1
