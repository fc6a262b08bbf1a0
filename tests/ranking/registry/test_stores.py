"""Model files and datasets that several machines share: each has its copy, verified."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from console.pruning.files import KEPT, prune_datasets
from core.domain import USE_CASES
from core.progress import Progress
from privacy.datasets import outdated_datasets, remove_datasets
from ranking.datasets.event_log import generate_als_dataset
from ranking.datasets.manifest import MANIFEST, all_datasets, names_kept, newest_dataset, read_manifest
from ranking.models import ModelVersion
from ranking.registry.loading import load_models
from ranking.registry.versions import ModelFileError, files_kept, read_verified, remove_file
from tests.factories import make_active_als, make_interaction, make_items, make_user

pytestmark = pytest.mark.django_db
MOVIES = USE_CASES["movie_home"]


@pytest.fixture
def shared(bucket: str, settings: Settings) -> str:
    """A bucket in which this installation keeps its files."""
    settings.MODEL_STORE, settings.DATASET_STORE = f"s3://{bucket}/models", f"s3://{bucket}/datasets"
    return bucket


def another_machine(settings: Settings, tmp_path: Path) -> None:
    """The folders of a machine that has nothing yet."""
    there = tmp_path / "there"
    settings.MODEL_DIR, settings.DATASET_DIR = there / "models", there / "datasets"


@pytest.fixture
def version(shared: str) -> ModelVersion:
    make_active_als([[item.pk for item in make_items(3)]])
    return ModelVersion.objects.get(kind="als")


def test_another_machine_serves_what_was_trained(
    version: ModelVersion, settings: Settings, tmp_path: Path
) -> None:
    data = read_verified(version)
    another_machine(settings, tmp_path)
    models = load_models(MOVIES.name)
    assert models.label() == version.label
    assert not models.problem
    assert (tmp_path / "there" / "models" / version.file).read_bytes() == data


def test_a_damaged_copy_is_taken_anew(version: ModelVersion, settings: Settings) -> None:
    whole = read_verified(version)
    path = Path(settings.MODEL_DIR) / version.file
    path.write_bytes(whole[:-7])
    assert read_verified(version) == whole == path.read_bytes()


def test_what_is_damaged_everywhere_does_not_serve(version: ModelVersion, settings: Settings) -> None:
    import fsspec

    path = Path(settings.MODEL_DIR) / version.file
    path.write_bytes(b"other")
    fsspec.filesystem("s3").pipe(f"{settings.MODEL_STORE}/{version.file}", b"other")
    with pytest.raises(ModelFileError, match="not the file that was registered"):
        read_verified(version)


def test_a_store_that_is_away_costs_only_what_is_not_here(
    version: ModelVersion, settings: Settings, tmp_path: Path
) -> None:
    settings.MODEL_STORE = "s3://no-such-bucket/models"
    assert read_verified(version)
    another_machine(settings, tmp_path)
    with pytest.raises(ModelFileError, match="refuses"):
        read_verified(version)


def test_a_file_that_goes_is_gone_for_all(version: ModelVersion, settings: Settings, tmp_path: Path) -> None:
    another_machine(settings, tmp_path)
    assert version.file in files_kept()
    remove_file(version.file)
    assert version.file not in files_kept()


def test_another_machine_trains_on_the_newest_dataset(
    shared: str, settings: Settings, tmp_path: Path
) -> None:
    make_interaction(make_user(), make_items(1)[0])
    made = generate_als_dataset(use_case=MOVIES, progress=Progress(quiet=True))
    another_machine(settings, tmp_path)
    found = newest_dataset("als", MOVIES.name)
    assert found.name == Path(made.folder).name
    assert found.is_relative_to(tmp_path / "there")
    assert read_manifest(found, kind="als", use_case=MOVIES.name).counts


def test_a_dataset_whose_copy_failed_is_none(shared: str, settings: Settings) -> None:
    make_interaction(make_user(), make_items(1)[0])
    settings.DATASET_STORE = "s3://no-such-bucket/datasets"
    with pytest.raises(OSError, match="refuses"):
        generate_als_dataset(use_case=MOVIES, progress=Progress(quiet=True))
    assert not list(Path(settings.DATASET_DIR).glob(f"*/*/*/{MANIFEST}"))


def test_half_a_dataset_is_not_among_them(shared: str, settings: Settings) -> None:
    import fsspec

    fsspec.filesystem("s3").pipe(f"{settings.DATASET_STORE}/als/movie_home/2030/data.parquet", b"half")
    folder = Path(settings.DATASET_DIR) / "als" / "movie_home"
    shutil.rmtree(folder, ignore_errors=True)
    assert names_kept(folder) == []


def test_a_dataset_that_names_who_is_gone_goes_everywhere(
    shared: str, settings: Settings, tmp_path: Path
) -> None:
    person = make_user()
    make_interaction(person, make_items(1)[0])
    generate_als_dataset(use_case=MOVIES, progress=Progress(quiet=True))
    another_machine(settings, tmp_path)
    assert outdated_datasets() == []
    person.delete()
    outdated = outdated_datasets()
    assert len(outdated) == 1
    assert remove_datasets(outdated) == []
    assert all_datasets() == []


def test_old_datasets_are_pruned_wherever_they_are(shared: str, settings: Settings, tmp_path: Path) -> None:
    make_interaction(make_user(), make_items(1)[0])
    made = [
        Path(generate_als_dataset(use_case=MOVIES, progress=Progress(quiet=True)).folder).name
        for _ in range(KEPT + 2)
    ]
    another_machine(settings, tmp_path)
    settings.PRUNE_DATASET_DAYS = 30
    now = datetime.now(UTC)
    assert prune_datasets(now, dry_run=False) == 0
    later = now + timedelta(days=31)
    assert prune_datasets(later, dry_run=True) == 2
    assert prune_datasets(later, dry_run=False) == 2
    folder = Path(settings.DATASET_DIR) / "als" / "movie_home"
    assert names_kept(folder) == sorted(made)[2:]
