"""The ranker dataset: a row per slot that was examined, streamed from the session log into Parquet."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db.models import Q
from django.utils import timezone

from core.arrays import Bools, Doubles, Ints, Rows
from core.arrow import pa
from core.domain import UseCase
from core.progress import Progress
from feedback.training import countable_examples
from ranking.datasets.backfill import fill_in_features
from ranking.datasets.engine import Engine, Made, locally
from ranking.datasets.event_log import GeneratedDataset
from ranking.datasets.labels import deepest_ranks, hard_negatives, read_outcomes, sample_weights
from ranking.datasets.manifest import (
    BOOTSTRAP,
    DATA,
    LOG,
    Manifest,
    dataset_name,
    datasets_folder,
    file_sha256,
    git_revision,
    read_manifest,
    whole_dataset,
    write_manifest,
)
from ranking.datasets.ranker_rows import KIND, RANKER_SCHEMA, RankerRows, RankerWriter
from ranking.datasets.reading import read_columns
from ranking.datasets.session_log import SessionChunk, parts_of, read_sessions, sessions_until
from ranking.features import FEATURES, are_known
from ranking.recommenders.ranker.model import RankerData

__all__ = [
    "KIND",
    "RANKER_SCHEMA",
    "RankerRows",
    "RankerWriter",
    "generate_ranker_dataset",
    "load_ranker_data",
    "load_touched",
    "write_ranker_manifest",
]


def generate_ranker_dataset(
    *, use_case: UseCase, progress: Progress, now: datetime | None = None, engine: Engine = locally
) -> GeneratedDataset:
    """Writes the slots of every list of the use case shown up to `now`, as deep as each was examined.

    Sessions without features of the present sort get them first, in this process. Streams: what is held at
    any time is one chunk of sessions, beside the ids of people and items. Raises DatasetError for a log that
    cannot be read.
    """
    made_at = timezone.now()
    now = now or made_at
    filled = fill_in_features(use_case=use_case, progress=progress, until=now)
    folder = datasets_folder(KIND, use_case.name) / dataset_name(made_at)
    passed: Counter[str] = Counter(
        sessions_filled_in=filled.sessions,
        sessions_unseen=0,
        rows_left_out=0,
        rows_without_features=0,
        rows_pinned=0,
    )
    with whole_dataset(folder) as part:
        with RankerWriter(part / DATA) as writer:
            progress.begin(sessions_until(use_case, now).count(), "lists")
            split = partial(_parts, use_case, now)
            for made in engine(partial(_rows_made, use_case, now), whole=Q(), split=split):
                writer.add(made.batch)
                progress.advance(made.read)
                passed.update(made.counts)
        manifest = write_ranker_manifest(
            part,
            name=folder.name,
            use_case=use_case,
            made_at=made_at,
            now=now,
            counts={**writer.counts, **passed},
            negative_examples=negative_examples(use_case, now),
        )
    return GeneratedDataset(str(folder), manifest)


def write_ranker_manifest(
    part: Path,
    *,
    name: str,
    use_case: UseCase,
    made_at: datetime,
    now: datetime,
    counts: dict[str, int],
    negative_examples: list[int],
    source: str = LOG,
) -> Manifest:
    """Writes the manifest beside the rows in `part` and returns it; `now` is the end of the window."""
    manifest = Manifest(
        kind=KIND,
        use_case=use_case.name,
        name=name,
        created_at=made_at.isoformat(),
        window_end=now.isoformat(),
        counts=counts,
        columns={field.name: str(field.type) for field in RANKER_SCHEMA},
        git_revision=git_revision(),
        sha256=file_sha256(part / DATA),
        negative_examples=negative_examples,
        source=source,
    )
    write_manifest(part, manifest)
    return manifest


def negative_examples(use_case: UseCase, until: datetime) -> list[int]:
    """The ids of the examples that people's dislikes made up to `until` and that may teach this use case.

    Those that came from its lists, and those of items of its kind that came from no list.
    """
    examples = countable_examples().filter(
        created_at__lte=until,
        dislike__item__kind=use_case.kind,
        dislike__use_case__in=[use_case.name, ""],
    )
    return list(examples.order_by("pk").values_list("pk", flat=True))


def _parts(use_case: UseCase, now: datetime, log: Q) -> list[Q]:
    """The log in parts that follow each other."""
    return parts_of(sessions_until(use_case, now).filter(log))


def _rows_made(use_case: UseCase, now: datetime, part: Q) -> Iterator[Made]:
    """The rows of a part of the log, chunk by chunk."""
    for chunk in read_sessions(sessions_until(use_case, now).filter(part)):
        rows, left = rows_of(chunk, use_case, now)
        yield Made(rows.as_batch(), len(chunk.sizes), left)


def rows_of(chunk: SessionChunk, use_case: UseCase, until: datetime) -> tuple[RankerRows, dict[str, int]]:
    """The rows of a chunk from what was done up to `until`, and how much was left out for which reason."""
    outcomes, lists = read_outcomes(chunk, use_case, until), chunk.list_of_slot
    deepest = deepest_ranks(chunk, outcomes)
    touched = np.bincount(lists[outcomes.acted], minlength=len(deepest)) > 0
    features, hard = chunk.features(), hard_negatives(chunk, outcomes)
    weights, seen = sample_weights(outcomes, hard), chunk.ranks <= deepest[lists]
    # An item that the catalog no longer knows has no features.
    complete = are_known(features)
    kept: Bools = seen & ~outcomes.left_out & complete & ~chunk.pinned
    sizes: Ints = np.bincount(lists[kept], minlength=len(deepest))
    rows = RankerRows(
        session_ids=chunk.session_ids,
        sizes=sizes,
        user_ids=chunk.user_ids,
        times=chunk.times,
        touched=touched,
        item_ids=chunk.item_ids[kept],
        ranks=chunk.ranks[kept],
        scores=chunk.numbers("score")[kept],
        base_scores=chunk.numbers("base_score")[kept],
        methods=chunk.texts("method").filter(pa.array(kept)),
        relevance=outcomes.relevance[kept],
        sample_weights=weights[kept],
        hard_negatives=hard[kept],
        features=features[kept],
        propensities=chunk.numbers("propensity")[kept],
        example_ids=outcomes.example_ids[kept],
    )
    left = {
        "sessions_unseen": int((deepest == 0).sum()),
        "rows_left_out": int((seen & outcomes.left_out).sum()),
        "rows_without_features": int((seen & ~outcomes.left_out & ~complete).sum()),
        "rows_pinned": int((seen & ~outcomes.left_out & complete & chunk.pinned).sum()),
    }
    return rows, left


def load_ranker_data(
    folder: Path, use_case: UseCase, *, touched_only: bool = False
) -> tuple[Manifest, RankerData]:
    """A dataset as lists for the mathematics in the order of time, and its manifest; slots by rank.

    `touched_only` leaves out the lists with which nothing was done. Raises DatasetError.
    """
    manifest = read_manifest(folder, kind=KIND, use_case=use_case.name)
    table = read_columns(
        folder, "user_id", "recommendation_rank", "exposure_weight", "relevance", "sample_weight"
    )
    starts, sizes, times = _lists(folder)
    features = np.empty((int(sizes.sum()), len(FEATURES)), dtype=np.float32)
    for place, name in enumerate(FEATURES):
        # One column at a time: the table of all of them would be a second copy.
        features[:, place] = read_columns(folder, name)[name]
    data = RankerData(
        features=features,
        relevance=table["relevance"].astype(np.int64),
        weights=table["sample_weight"].astype(np.float64),
        ranks=table["recommendation_rank"].astype(np.int64),
        # Nobody saw the candidates of a bootstrap in an order, so none was examined less for its place.
        exposure=np.ones(len(features)) if manifest.source == BOOTSTRAP else table["exposure_weight"],
        sizes=sizes,
        user_ids=table["user_id"][starts],
        times=times,
    )
    return manifest, data.take_lists(load_touched(folder)) if touched_only else data


def example_ids(folder: Path) -> list[int]:
    """The negative training examples that are slots of a dataset."""
    column = pq.read_table(folder / DATA, columns=["negative_example_id"])["negative_example_id"]
    ids: list[int] = column.drop_null().unique().to_pylist()
    return ids


def load_touched(folder: Path) -> Bools:
    """(g,) whether anything was done with each list, in the order of `load_ranker_data`."""
    starts, _, _ = _lists(folder)
    touched: Bools = read_columns(folder, "touched")["touched"][starts]
    return touched


def _lists(folder: Path) -> tuple[Rows, Ints, Doubles]:
    """The first row, the size and the time in seconds since 1970 of each list."""
    sizes: list[int] = []
    last = None
    for batch in pq.ParquetFile(folder / DATA).iter_batches(columns=["session_id"]):
        runs = pc.run_end_encode(batch.column("session_id"))
        lengths = np.diff(runs.run_ends.to_numpy(), prepend=0).tolist()
        if sizes and runs.values[0] == last:
            sizes[-1] += lengths.pop(0)
        sizes += lengths
        last = runs.values[-1]
    counts = np.array(sizes, dtype=np.int64)
    starts = np.cumsum(counts) - counts
    return starts, counts, read_columns(folder, "occurred_at")["occurred_at"][starts]
