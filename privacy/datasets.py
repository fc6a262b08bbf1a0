"""Datasets that still hold rows of people who are gone."""

from pathlib import Path
from typing import TYPE_CHECKING

from accounts.models import User
from core.errors import LockHeld
from ranking.datasets.manifest import DATA, MANIFEST, all_datasets, remove_dataset
from ranking.registry.locks import training_lock

if TYPE_CHECKING:
    from core.arrays import Ints

_ROWS_AT_ONCE = 1_000_000


def outdated_datasets() -> list[Path]:
    """The datasets with rows of somebody who is not on record any more, or that cannot be read.

    Half-written ones are left out: the run that writes one, or the next `retrain`, sees to it.
    """
    manifests = [folder / MANIFEST for folder in all_datasets()]
    if not manifests:
        return []
    # Loaded here: cron asks every night, and most have nothing to look into.
    import numpy as np

    people = User.objects.order_by("pk").values_list("pk", flat=True)
    on_record = np.fromiter(people.iterator(), dtype=np.int64)
    return [manifest.parent for manifest in manifests if _has_others(manifest.parent / DATA, on_record)]


def remove_datasets(folders: list[Path]) -> list[Path]:
    """Removes datasets; returns those that stay because a run holds the lock under which they are read."""
    left = []
    for folder in folders:
        kind, use_case = folder.parts[-3:-1]
        try:
            with training_lock(f"train-{kind}-{use_case}"):
                remove_dataset(folder)
        except LockHeld:
            left.append(folder)
    return left


def _has_others(path: Path, on_record: "Ints") -> bool:
    """True where a Parquet file names anybody but these people, whose ids are sorted."""
    import numpy as np
    import pyarrow.parquet as pq

    from core.arrow import pa

    try:
        with pq.ParquetFile(path) as file:
            batches = file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=["user_id"])
            return any(
                not np.isin(np.unique(batch.column("user_id").to_numpy()), on_record).all()
                for batch in batches
            )
    except (OSError, KeyError, pa.ArrowException):
        return True
