"""The ALS dataset: every active interaction once, as it is on record, and a manifest that fits it."""

import json
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from core import batches
from core.domain import USE_CASES
from core.errors import NotFound
from core.progress import Progress
from feedback.models import Dislike
from feedback.services import save_dislike
from interactions.services import record_interaction, withdraw_state
from ranking.datasets import event_log as als
from ranking.datasets.event_log import generate_als_dataset, load_als_events
from ranking.datasets.manifest import DatasetError, newest_dataset, read_manifest
from tests.factories import EPOCH, make_interaction, make_item, make_items, make_user

MOVIES = USE_CASES["movie_home"]

pytestmark = pytest.mark.django_db


def generate() -> Path:
    return Path(generate_als_dataset(use_case=MOVIES, progress=Progress(quiet=True)).folder)


def test_holds_every_active_interaction_with_its_weight(person: User) -> None:
    film, second, third = make_items(3)
    make_interaction(person, film, "watched", rating=8, day=1)
    make_interaction(person, film, "like", day=2)
    make_interaction(person, second, "dislike", day=3.5)
    make_interaction(person, make_item(kind="drama"), "like")
    record_interaction(user_id=person.pk, item_id=third.pk, type_name="watchlist_add")
    withdraw_state(user_id=person.pk, item_id=third.pk, type_name="watchlist_add")
    folder = generate()
    rows = pq.read_table(folder / "data.parquet").to_pylist()
    assert [(row["user_id"], row["item_id"], row["type"], row["relevant"]) for row in rows] == [
        (person.pk, film.pk, "watched", False),
        (person.pk, film.pk, "like", True),
        (person.pk, second.pk, "dislike", False),
    ]
    assert [row["weight"] for row in rows] == pytest.approx([1.8, 2.0, -1.0])
    assert rows[2]["occurred_at"] == EPOCH + timedelta(days=3.5)

    manifest = read_manifest(folder, kind="als", use_case="movie_home")
    assert manifest.counts == {"rows": 3, "people": 1, "items": 2, "dislike": 1, "like": 1, "watched": 1}
    assert list(manifest.columns) == ["user_id", "item_id", "type", "weight", "occurred_at", "relevant"]
    assert len(manifest.git_revision) in (0, 40)


def test_leaves_out_what_staff_excluded_as_abuse(person: User) -> None:
    kept, abused = make_items(2)
    for item in (kept, abused):
        save_dislike(user_id=person.pk, item=item, reason="not_interested")
    Dislike.objects.filter(item=abused).update(review_state=Dislike.ReviewState.EXCLUDED)
    rows = pq.read_table(generate() / "data.parquet").to_pylist()
    assert [row["item_id"] for row in rows] == [kept.pk]


def test_loads_as_arrays(person: User) -> None:
    make_interaction(person, make_item(), "like", day=0.25)
    make_interaction(person, make_item(), "dislike", day=1)
    _, events = load_als_events(generate(), MOVIES)
    assert events.times.tolist() == [EPOCH.timestamp() + 21_600, EPOCH.timestamp() + 86_400]
    assert events.weights.tolist() == [2.0, -1.0]
    assert events.relevant.tolist() == [True, False]


def test_streams_in_batches(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BLOCK_ROWS", 3)
    monkeypatch.setattr(batches, "BLOCK_BYTES", 200)
    for item in make_items(8):
        make_interaction(person, item)
    folder = generate()
    file = pq.ParquetFile(folder / "data.parquet")
    assert file.num_row_groups >= 2
    assert file.read().num_rows == 8
    _, events = load_als_events(folder, MOVIES)
    assert len(set(events.item_ids.tolist())) == 8


def test_ends_at_its_window(person: User) -> None:
    early, late = make_items(2)
    make_interaction(person, early, day=1)
    make_interaction(person, late, day=3)
    dataset = generate_als_dataset(
        use_case=MOVIES, progress=Progress(quiet=True), now=EPOCH + timedelta(days=2)
    )
    assert dataset.manifest.counts["rows"] == 1
    assert dataset.manifest.window_end == (EPOCH + timedelta(days=2)).isoformat()


def test_an_empty_log_gives_an_empty_dataset() -> None:
    _, events = load_als_events(generate(), MOVIES)
    assert len(events) == 0


def test_the_same_log_gives_the_same_bytes(person: User) -> None:
    make_interaction(person, make_item())
    now = timezone.now()
    quiet = Progress(quiet=True)
    hashes = {
        generate_als_dataset(use_case=MOVIES, progress=quiet, now=now).manifest.sha256 for _ in range(2)
    }
    assert len(hashes) == 1


def test_a_failure_leaves_no_folder(person: User, monkeypatch: pytest.MonkeyPatch) -> None:
    make_interaction(person, make_item())

    def fail(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(als, "file_sha256", fail)
    with pytest.raises(OSError, match="No space"):
        generate()
    assert list((Path(settings.DATASET_DIR) / "als" / "movie_home").iterdir()) == []
    with pytest.raises(NotFound, match="Run generate_als_dataset first"):
        newest_dataset("als", "movie_home")


def test_the_newest_is_the_one_made_last(person: User) -> None:
    make_interaction(person, make_item())
    generate()
    last = generate()
    assert newest_dataset("als", "movie_home") == last


@pytest.mark.parametrize("damage", ["no manifest", "no json", "other keys", "other data", "other use case"])
def test_a_dataset_that_is_not_whole_is_refused(damage: str) -> None:
    make_interaction(make_user(), make_item())
    folder = generate()
    manifest = folder / "manifest.json"
    match damage:
        case "no manifest":
            manifest.unlink()
        case "no json":
            manifest.write_text("{")
        case "other keys":
            manifest.write_text('{"kind": "als"}')
        case "other data":
            (folder / "data.parquet").write_bytes(b"PAR1")
        case _:
            manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"use_case": "drama_home"}))
    with pytest.raises(DatasetError):
        load_als_events(folder, MOVIES)


def test_the_command_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("generate_als_dataset", use_case="drama_home", json=True, quiet=True)
    summary = json.loads(capsys.readouterr().out)
    assert summary["manifest"]["use_case"] == "drama_home"
    assert Path(summary["folder"]).is_dir()
