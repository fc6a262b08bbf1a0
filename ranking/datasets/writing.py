"""Shared parts of the writers of datasets: a Parquet file, and counts for the manifest."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.arrow import pa


@dataclass(slots=True)
class DatasetWriter:
    """Writes batches of rows of `schema` to a Parquet file, and counts them.

    Use it in a `with` block. What it holds is the batch at hand and the ids of the people and items met.
    """

    schema: ClassVar[pa.Schema]

    path: Path
    _file: pq.ParquetWriter = field(init=False)
    _counts: Counter[str] = field(default_factory=Counter)
    _people: set[int] = field(default_factory=set)
    _items: set[int] = field(default_factory=set)

    def __enter__(self) -> Self:
        # Numbers that hardly repeat gain nothing by a dictionary, and making one costs more than all else.
        repeating = [field.name for field in self.schema if not pa.types.is_floating(field.type)]
        self._file = pq.ParquetWriter(self.path, self.schema, compression="zstd", use_dictionary=repeating)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, batch: pa.RecordBatch) -> int:
        """Writes rows of the schema; returns how many."""
        if batch.num_rows:
            self._file.write_batch(batch)
        self._people.update(pc.unique(batch["user_id"]).to_pylist())
        self._items.update(pc.unique(batch["item_id"]).to_pylist())
        return int(batch.num_rows)
