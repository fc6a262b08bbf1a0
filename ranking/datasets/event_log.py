"""The ALS dataset: a row per active interaction with its weight, streamed from the database into Parquet.

Pairs are added up in training and not here, because evaluation has to cut the log at a moment in time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone

from catalog.models import Item
from core.arrays import Ints, positions
from core.arrow import pa
from core.batches import read_batches
from core.domain import UseCase
from core.progress import Progress
from interactions.models import UserInteraction
from interactions.new_accounts import LeftOfNew, left_of_new
from interactions.selectors import TEACHES, active_interactions, said_of_any_kind
from interactions.successes import successes_of
from ranking.datasets.engine import Engine, Made, locally
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
# Another machine reads so many ids of the log at once: some megabytes of rows, about a second of work.
PART_ROWS = 500_000
_OF_EVENTS = ("user_id", "item_id", "weight", "occurred_at", "relevant")


@dataclass(frozen=True, slots=True)
class GeneratedDataset:
    """The folder of a written dataset, and its manifest."""

    folder: str
    manifest: Manifest


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """All that is known of a use case's log before its rows are read.

    items      (n,) the ids of the items of its kind, sorted
    left       the share that counts of what new accounts said
    successes  the types that count as a success
    """

    use_case: UseCase
    now: datetime
    items: Ints
    left: LeftOfNew
    successes: tuple[str, ...]


def generate_als_dataset(
    *, use_case: UseCase, progress: Progress, now: datetime | None = None, engine: Engine = locally
) -> GeneratedDataset:
    """Writes every active weighted interaction up to `now` that says something in the use case.

    Streams: what is held at any time is one batch, beside the ids of people and items. `relevant` marks what
    counts as a success in evaluation.
    """
    made_at = timezone.now()
    now = now or made_at
    folder = datasets_folder(KIND, use_case.name) / dataset_name(made_at)
    with whole_dataset(folder) as part:
        counts = _write(part / DATA, use_case, now, progress, engine)
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
    for made in _rows_made(_known(use_case, now), Q()):
        columns = {name: made.batch[name].to_numpy(zero_copy_only=False) for name in _OF_EVENTS}
        user_ids, item_ids, weights, times, relevant = columns.values()
        parts.append(Events(user_ids, item_ids, weights, times.astype(np.int64) / 1e6, relevant))
    return Events.join(parts)


def _write(
    path: Path, use_case: UseCase, now: datetime, progress: Progress, engine: Engine
) -> dict[str, int]:
    types: Counter[str] = Counter()
    people: set[int] = set()
    items: set[int] = set()
    # Moments differ, so a dictionary of them would cost as much as all else and make the file larger.
    repeated = [name for name in SCHEMA.names if name not in ("occurred_at", "relevant")]
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", use_dictionary=repeated) as writer:
        # Counting takes a quarter of the time of reading, so it is left where nobody is told.
        progress.begin(None if progress.is_quiet else _rows(use_case, now).count(), "interactions")
        make = partial(_rows_made, _known(use_case, now))
        for made in engine(make, whole=Q(), split=_parts):
            batch = made.batch
            writer.write_batch(batch)
            progress.advance(made.read)
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


def _known(use_case: UseCase, now: datetime) -> _Known:
    return _Known(
        use_case,
        now,
        items=_items_of(use_case),
        left=left_of_new(_rows(use_case, now).filter(item__kind=use_case.kind), now),
        successes=successes_of(use_case, now),
    )


def _parts(log: Q) -> list[Q]:
    """The log in ranges of ids, from the first to the last that there is now."""
    ends = UserInteraction.objects.filter(log).aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return []
    starts = range(ends["first"], ends["last"] + 1, PART_ROWS)
    return [log & Q(pk__gte=start, pk__lt=min(start + PART_ROWS, ends["last"] + 1)) for start in starts]


def _rows_made(known: _Known, part: Q) -> Iterator[Made]:
    """The rows of a part of the log in batches, without those of other kinds.

    What new accounts did has no more weight than they have together.
    """
    successes = pa.array(sorted(known.successes), pa.string())
    log = _rows(known.use_case, known.now).filter(part)
    for read in read_batches(log.values_list(*_READ.names), _READ):
        is_of_kind = positions(read["item_id"].to_numpy(), known.items) >= 0
        batch = read if is_of_kind.all() else read.filter(pa.array(is_of_kind))
        told = (batch[name].to_numpy() for name in ("user_id", "item_id", "weight"))
        weights = known.left.weights(*told).astype(np.float32)
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
        rows = pa.record_batch([columns[name] for name in SCHEMA.names], SCHEMA)
        yield Made(rows, read.num_rows)


def _items_of(use_case: UseCase) -> Ints:
    """The ids of all items of the use case's kind, sorted: (n,)."""
    rows = Item.objects.filter(kind=use_case.kind).order_by("pk").values_list("pk")
    parts = [batch["id"].to_numpy() for batch in read_batches(rows, _ITEMS)]
    return np.concatenate(parts) if parts else np.empty(0, np.int64)
