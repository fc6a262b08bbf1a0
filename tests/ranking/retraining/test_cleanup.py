"""Removal of what a killed run left, and of nothing else."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from accounts.models import User
from catalog.models import Item
from ranking.datasets.manifest import PART, datasets_folder
from ranking.models import ModelVersion
from ranking.registry.versions import file_name
from ranking.retraining import publishing
from ranking.retraining.cleanup import ABANDONED_SECONDS, KEPT_DATASETS, note_path, remove_unfinished
from tests.ranking.retraining.builders import MOVIES, run, serve

pytestmark = pytest.mark.django_db


class TestOrphans:
    @pytest.mark.slow
    def test_a_run_killed_while_it_published_leaves_nothing_to_the_next(
        self, people: list[User], films: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = serve(films)

        class Killed(BaseException):
            pass

        def kill(*_: Any) -> None:
            raise Killed

        # As SIGKILL does it: what was written stays, and nothing is cleaned up on the way out.
        monkeypatch.setattr(publishing, "_note_examples", kill)
        monkeypatch.setattr("ranking.retraining.cleanup._remove_noted", lambda use_case: None)
        with pytest.raises(Killed):
            run("als", "transitions", "ranker")
        monkeypatch.undo()
        models = Path(django_settings.MODEL_DIR)
        assert ModelVersion.objects.get() == before
        # What serves, the note, and one file of each kind.
        assert len(list(models.iterdir())) == 2 + 3
        (models / f"als-movie_home-{'0' * 16}.npzabc.part").write_bytes(b"half")
        remove_unfinished(MOVIES)
        assert [path.name for path in models.iterdir()] == [before.file]
        run("als")
        assert ModelVersion.objects.filter(kind="als").count() == 2

    @pytest.mark.parametrize(
        "content",
        [
            *("", "\0" * 200, "{", "null", "5", '{"a": 1}', "[" * 100_000, "[1, null, []]"),
            *('["../kept"]', '["", ".", "..", "a\\u0000b"]'),
        ],
        ids=lambda content: content[:20],
    )
    def test_a_damaged_note_ends_no_run_and_leads_out_of_no_folder(
        self, films: list[Item], content: str
    ) -> None:
        models = Path(django_settings.MODEL_DIR)
        models.mkdir(parents=True)
        (models.parent / "kept").write_text("")
        note_path(MOVIES.name).write_text(content)
        remove_unfinished(MOVIES)
        assert list(models.iterdir()) == []
        assert (models.parent / "kept").exists()

    def test_files_that_another_database_may_own_are_left(self, films: list[Item]) -> None:
        models = Path(django_settings.MODEL_DIR)
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
