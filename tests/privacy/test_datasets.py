"""Datasets with rows of people who are gone: named by `erase_user`, and removed where it is asked to."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from core.domain import USE_CASES
from core.progress import Progress
from privacy import datasets
from privacy.datasets import outdated_datasets
from ranking.datasets.event_log import generate_als_dataset
from ranking.registry.locks import training_lock
from tests.factories import make_interaction, make_item, make_user
from tests.imports.helpers import run

pytestmark = pytest.mark.django_db


def generate() -> Path:
    made = generate_als_dataset(use_case=USE_CASES["movie_home"], progress=Progress(quiet=True))
    return Path(made.folder)


def erase(*arguments: str) -> dict[str, Any]:
    return run("erase_user", *arguments)


@pytest.fixture
def two_datasets() -> tuple[Path, Path]:
    """One with Bob alone, then one with Ann as well."""
    make_interaction(make_user("bob"), make_item("Heat"))
    before = generate()
    make_interaction(make_user("ann"), make_item("Ran"))
    return before, generate()


def test_those_with_rows_of_the_person_are_named_and_left(two_datasets: tuple[Path, Path]) -> None:
    assert outdated_datasets() == []
    summary = erase("ann", "--yes")
    assert summary["datasets_with_rows_of_the_gone"] == [str(two_datasets[1])]
    assert summary["datasets_removed"] == []
    assert two_datasets[1].exists()


def test_those_with_rows_of_the_person_are_removed_where_asked(two_datasets: tuple[Path, Path]) -> None:
    summary = erase("ann", "--yes", "--datasets")
    assert summary["datasets_removed"] == [str(two_datasets[1])]
    assert summary["datasets_with_rows_of_the_gone"] == []
    assert [folder.exists() for folder in two_datasets] == [True, False]
    assert not any(b"part" in entry.name.encode() for entry in two_datasets[0].parent.iterdir())


def test_without_a_name_it_sees_to_the_datasets_of_those_who_went_by_themselves(
    two_datasets: tuple[Path, Path],
) -> None:
    erase("bob", "--yes")
    assert erase("--datasets") == {
        "datasets_removed": [str(folder) for folder in two_datasets],
        "datasets_with_rows_of_the_gone": [],
    }
    assert erase("--datasets")["datasets_removed"] == []


def test_a_dataset_that_a_run_reads_stays_and_the_person_is_gone_all_the_same(
    two_datasets: tuple[Path, Path],
) -> None:
    out = StringIO()
    with (
        training_lock("train-als-movie_home"),
        pytest.raises(CommandError, match="when it is over") as raised,
    ):
        call_command("erase_user", "ann", "--yes", "--datasets", "--json", stdout=out)
    assert raised.value.returncode == 3
    summary = json.loads(out.getvalue())
    assert summary["user"] == "ann"
    assert summary["datasets_with_rows_of_the_gone"] == [str(two_datasets[1])]
    assert two_datasets[1].exists()
    assert erase("--datasets")["datasets_removed"] == [str(two_datasets[1])]


def test_one_that_cannot_be_read_counts_as_one_with_such_rows(two_datasets: tuple[Path, Path]) -> None:
    (two_datasets[0] / "data.parquet").write_bytes(b"damaged")
    assert outdated_datasets() == [two_datasets[0]]
    (two_datasets[0] / "data.parquet").unlink()
    assert outdated_datasets() == [two_datasets[0]]
    pq.write_table(pa.table({"item_id": [1]}), two_datasets[0] / "data.parquet")
    assert outdated_datasets() == [two_datasets[0]]


def test_every_row_is_looked_at_however_many_there_are(
    two_datasets: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets, "_ROWS_AT_ONCE", 1)
    erase("ann", "--yes")
    assert outdated_datasets() == [two_datasets[1]]
