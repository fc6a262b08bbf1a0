"""The two-tower dataset's format: its columns, and the one way in which rows get into it.

What each column means to whoever reads the files: docs/reference/datasets.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from core.arrays import Ints
from core.arrow import pa
from ranking.datasets.writing import DatasetWriter
from ranking.recommenders.two_tower.data import HARD_NEGATIVE, OBSERVED, RANDOM_NEGATIVE
from ranking.recommenders.two_tower.dataset.examples import Example
from ranking.recommenders.two_tower.input import TowerInput

KIND = "two_tower"
KIND_NAMES = {OBSERVED: "observed", HARD_NEGATIVE: "hard_negative", RANDOM_NEGATIVE: "random_negative"}

TWO_TOWER_SCHEMA = pa.schema(
    [
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("label", pa.float32()),
        ("rank_weight", pa.float32()),
        ("kind", pa.dictionary(pa.int8(), pa.string())),
        ("weight", pa.float32()),
        ("relevant", pa.bool_()),
        ("recommendation_rank", pa.int16()),
        ("recommendation_score", pa.float64()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("history_item_ids", pa.list_(pa.int64())),
        ("history_weights", pa.list_(pa.float32())),
        ("facet_ids", pa.list_(pa.int64())),
        ("facet_scores", pa.list_(pa.float32())),
    ]
)


@dataclass(slots=True)
class TwoTowerRows:
    """Examples as they come, person by person and moment by moment; a state stands for all of its moment."""

    _examples: list[Example] = field(default_factory=list)
    _user_ids: list[int] = field(default_factory=list)
    _state_of: list[int] = field(default_factory=list)
    _states: list[TowerInput] = field(default_factory=list)

    def add(self, user_id: int, state: TowerInput, examples: Sequence[Example]) -> None:
        """The examples of one moment of a person, of whom `state` was known before."""
        self._examples += examples
        self._user_ids += [user_id] * len(examples)
        self._state_of += [len(self._states)] * len(examples)
        self._states.append(state)

    def __len__(self) -> int:
        return len(self._examples)

    def as_batch(self) -> pa.RecordBatch:
        """The rows as TWO_TOWER_SCHEMA has them."""
        if not self._examples:
            return pa.RecordBatch.from_pylist([], schema=TWO_TOWER_SCHEMA)
        columns_of = zip(*self._examples, strict=True)
        times, item_ids, labels, weights, rank_weights, kinds, relevant, ranks, scores = columns_of
        state_of = np.array(self._state_of, dtype=np.int64)
        microseconds = np.rint(np.array(times) * 1e6).astype(np.int64)
        columns: dict[str, Any] = {
            "user_id": self._user_ids,
            "item_id": item_ids,
            "label": labels,
            "rank_weight": rank_weights,
            "kind": pa.array([KIND_NAMES[kind] for kind in kinds]).dictionary_encode(),
            "weight": weights,
            "relevant": relevant,
            "recommendation_rank": [rank or None for rank in ranks],
            "recommendation_score": scores,
            "occurred_at": pa.array(microseconds).cast(pa.timestamp("us", tz="UTC")),
            "history_item_ids": as_lists([state.item_ids for state in self._states]).take(state_of),
            "history_weights": as_lists([state.weights for state in self._states]).take(state_of),
            "facet_ids": as_lists([state.facet_ids for state in self._states]).take(state_of),
            "facet_scores": as_lists([state.facet_scores for state in self._states]).take(state_of),
        }
        arrays = [
            columns[name].cast(type_)
            if isinstance(columns[name], pa.Array)
            else pa.array(columns[name], type_)
            for name, type_ in zip(TWO_TOWER_SCHEMA.names, TWO_TOWER_SCHEMA.types, strict=True)
        ]
        return pa.record_batch(arrays, TWO_TOWER_SCHEMA)


def as_lists(arrays: Sequence[NDArray[Any]]) -> pa.ListArray:
    """An Arrow list for each array, at least one."""
    ends: Ints = np.cumsum([0, *(len(array) for array in arrays)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(np.concatenate(arrays)))


@dataclass(slots=True)
class TwoTowerWriter(DatasetWriter):
    """Writes examples of a two-tower dataset."""

    schema: ClassVar[pa.Schema] = TWO_TOWER_SCHEMA

    def add(self, batch: pa.RecordBatch) -> int:
        """Writes rows; returns how many."""
        self._counts.update(batch["kind"].to_pylist())
        self._counts["positive"] += int(np.count_nonzero(batch["label"].to_numpy()))
        # A dataclass with slots is another class than the one that `super()` would name.
        return super(TwoTowerWriter, self).add(batch)

    @property
    def counts(self) -> dict[str, int]:
        """Rows, people and items, how many rows speak for their item, and the rows of each kind."""
        rows = sum(self._counts[name] for name in KIND_NAMES.values())
        kinds = {name: self._counts[name] for name in ("positive", *KIND_NAMES.values())}
        return {"rows": rows, "people": len(self._people), "items": len(self._items), **kinds}
