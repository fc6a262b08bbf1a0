"""The ALS dataset: a row per active interaction with its weight, streamed from the database into Parquet.

Pairs are added up in training and not here, because evaluation has to cut the log at a moment in time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db.models import QuerySet
from django.utils import timezone

from catalog.models import Item
from core.arrays import Ints, positions
from core.arrow import pa
from core.batches import read_batches
from core.domain import UseCase
from core.progress import Progress
from interactions.models import UserInteraction
from interactions.new_accounts import left_of_new
from interactions.selectors import TEACHES, active_interactions, said_of_any_kind
from interactions.successes import successes_of
from ranking.datasets.manifest import (
    DATA,
    Manifest,
    dataset_name,
    datasets_folder,
    file_sha256,
    git_revision,
    read_manifest,
    whole_dataset,
    write_manifest,
)
from ranking.datasets.reading import read_columns
from ranking.statistics.events import Events

KIND = "als"
SCHEMA = pa.schema(
    [
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("type", pa.dictionary(pa.int8(), pa.string())),
        ("weight", pa.float32()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("relevant", pa.bool_()),
    ]
)
# As the log has them, in the order in which they are asked for.
_READ = pa.schema(
    {
        "user_id": pa.int64(),
        "item_id": pa.int64(),
        "type": pa.string(),
        "weight": pa.float64(),
        "occurred_at": pa.timestamp("us", tz="UTC"),
    }
)
_ITEMS = pa.schema({"id": pa.int64()})
_OF_EVENTS = ("user_id", "item_id", "weight", "occurred_at", "relevant")


@dataclass(frozen=True, slots=True)
class GeneratedDataset:
    """The folder of a written dataset, and its manifest."""

    folder: str
    manifest: Manifest


def generate_als_dataset(
    *, use_case: UseCase, progress: Progress, now: datetime | None = None
) -> GeneratedDataset:
    """Writes every active weighted interaction up to `now` that says something in the use case.

    Streams: what is held at any time is one batch. `relevant` marks what counts as a success in evaluation.
    """
    made_at = timezone.now()
    now = now or made_at
    folder = datasets_folder(KIND, use_case.name) / dataset_name(made_at)
    with whole_dataset(folder) as part:
        counts = _write(part / DATA, use_case, now, progress)
        manifest = Manifest(
            kind=KIND,
            use_case=use_case.name,
            name=folder.name,
            created_at=made_at.isoformat(),
            window_end=now.isoformat(),
            counts=counts,
            columns={field.name: str(field.type) for field in SCHEMA},
            git_revision=git_revision(),
            sha256=file_sha256(part / DATA),
        )
        write_manifest(part, manifest)
    return GeneratedDataset(str(folder), manifest)


def load_als_events(folder: Path, use_case: UseCase) -> tuple[Manifest, Events]:
    """A dataset as arrays for the mathematics, and its manifest. Raises DatasetError."""
    manifest = read_manifest(folder, kind=KIND, use_case=use_case.name)
    columns = read_columns(folder, "user_id", "item_id", "weight", "occurred_at", "relevant")
    return manifest, Events(
        user_ids=columns["user_id"],
        item_ids=columns["item_id"],
        weights=columns["weight"],
        times=columns["occurred_at"],
        relevant=columns["relevant"],
    )


def read_events(use_case: UseCase, now: datetime) -> Events:
    """The events that a dataset of the log up to `now` would hold, without writing one."""
    parts = [Events.none()]
    for batch in _batches(use_case, now, Progress(quiet=True)):
        columns = {name: batch[name].to_numpy(zero_copy_only=False) for name in _OF_EVENTS}
        user_ids, item_ids, weights, times, relevant = columns.values()
        parts.append(Events(user_ids, item_ids, weights, times.astype(np.int64) / 1e6, relevant))
    return Events.join(parts)


def _write(path: Path, use_case: UseCase, now: datetime, progress: Progress) -> dict[str, int]:
    types: Counter[str] = Counter()
    people: set[int] = set()
    items: set[int] = set()
    # Moments differ, so a dictionary of them would cost as much as all else and make the file larger.
    repeated = [name for name in SCHEMA.names if name not in ("occurred_at", "relevant")]
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", use_dictionary=repeated) as writer:
        # Counting takes a quarter of the time of reading, so it is left where nobody is told.
        progress.begin(None if progress.is_quiet else _rows(use_case, now).count(), "interactions")
        for batch in _batches(use_case, now, progress):
            writer.write_batch(batch)
            for counted in pc.value_counts(batch["type"]).to_pylist():
                types[counted["values"]] += counted["counts"]
            people.update(pc.unique(batch["user_id"]).to_pylist())
            items.update(pc.unique(batch["item_id"]).to_pylist())
    return {"rows": types.total(), "people": len(people), "items": len(items), **dict(sorted(types.items()))}


def _rows(use_case: UseCase, now: datetime) -> QuerySet[UserInteraction]:
    """The interactions that teach in a use case, with items of any kind, in the order of the log.

    Joined with the items, the log is not read along its index but sorted, or the items are looked up row by
    row: either takes twice as long.
    """
    rows = active_interactions().filter(TEACHES, said_of_any_kind(use_case), occurred_at__lte=now)
    return rows.exclude(weight=0.0).order_by("pk")


def _batches(use_case: UseCase, now: datetime, progress: Progress) -> Iterator[pa.RecordBatch]:
    """The rows in batches: what new accounts did with no more weight than they have together.

    `progress` advances by what is read, of which rows of other kinds are left out.
    """
    log, items = _rows(use_case, now), _items_of(use_case)
    left = left_of_new(log.filter(item__kind=use_case.kind), now)
    successes = pa.array(sorted(successes_of(use_case, now)), pa.string())
    for read in read_batches(log.values_list(*_READ.names), _READ):
        progress.advance(read.num_rows)
        is_of_kind = positions(read["item_id"].to_numpy(), items) >= 0
        batch = read if is_of_kind.all() else read.filter(pa.array(is_of_kind))
        told = (batch[name].to_numpy() for name in ("user_id", "item_id", "weight"))
        weights = left.weights(*told).astype(np.float32)
        types = batch["type"].dictionary_encode()
        is_success = pc.is_in(types.dictionary, successes).take(types.indices)
        columns = {
            "user_id": batch["user_id"],
            "item_id": batch["item_id"],
            "type": types.cast(SCHEMA.field("type").type),
            "weight": pa.array(weights),
            "occurred_at": batch["occurred_at"],
            "relevant": pc.and_(is_success, pa.array(weights > 0.0)),
        }
        yield pa.record_batch([columns[name] for name in SCHEMA.names], SCHEMA)


def _items_of(use_case: UseCase) -> Ints:
    """The ids of all items of the use case's kind, sorted: (n,)."""
    rows = Item.objects.filter(kind=use_case.kind).order_by("pk").values_list("pk")
    parts = [batch["id"].to_numpy() for batch in read_batches(rows, _ITEMS)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
