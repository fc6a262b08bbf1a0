"""The ranker dataset's format: its columns, and the one way in which rows get into it.

What each column means to whoever reads the file: docs/reference/datasets.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import numpy as np
import pyarrow.compute as pc

from core.arrays import Bools, Doubles, Floats, Ints
from core.arrow import pa
from ranking.datasets.writing import DatasetWriter
from ranking.features import FEATURES
from ranking.statistics.exposure import examination

KIND = "ranker"
# Graded relevance: a dislike, what was examined and passed over, and from where on it counts as engaged.
DISLIKED, PASSED_OVER, ENGAGED = 0, 1, 2
RELEVANCE_NAMES = {DISLIKED: "disliked", PASSED_OVER: "passed_over", 2: "viewed", 3: "liked", 4: "applied"}

RANKER_SCHEMA = pa.schema(
    [
        ("session_id", pa.string()),
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("recommendation_rank", pa.int16()),
        ("recommendation_score", pa.float64()),
        ("original_score", pa.float64()),
        ("exposure_weight", pa.float64()),
        ("recommendation_method", pa.dictionary(pa.int32(), pa.string())),
        ("label", pa.int8()),
        ("relevance", pa.int8()),
        ("sample_weight", pa.float32()),
        ("is_hard_negative", pa.bool_()),
        *((name, pa.float32()) for name in FEATURES),
        ("propensity", pa.float64()),
        ("occurred_at", pa.timestamp("us", tz="UTC")),
        ("touched", pa.bool_()),
        ("negative_example_id", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class RankerRows:
    """g lists with n rows in all, list after list, in the order of time.

    session_ids     (g,) which list, no two the same
    sizes           (g,) rows of each list; 0 for a list that has none
    user_ids        (g,) whose list it was
    times           (g,) when it was shown, seconds since 1970
    touched         (g,) whether anything was done with it
    item_ids        (n,)
    ranks           (n,) from 1
    scores          (n,) what the list was ordered by; NaN where not known
    base_scores     (n,) before personalization; NaN where not known
    methods         (n,) what gave the slot its place, as Arrow strings
    relevance       (n,) 0 to 4
    sample_weights  (n,) above 0
    hard_negatives  (n,) scored high and passed over
    features        (n, f) columns as in FEATURES; NaN for what is not known
    propensities    (n,) P(this item here) under the policy that made the list; NaN where not known
    example_ids     (n,) negative training example of the slot's dislike; 0 where there is none
    """

    session_ids: Sequence[UUID]
    sizes: Ints
    user_ids: Ints
    times: Doubles
    touched: Bools
    item_ids: Ints
    ranks: Ints
    scores: Doubles
    base_scores: Doubles
    methods: pa.Array
    relevance: Ints
    sample_weights: Doubles
    hard_negatives: Bools
    features: Floats
    propensities: Doubles
    example_ids: Ints

    def as_batch(self) -> pa.RecordBatch:
        """The rows as RANKER_SCHEMA has them. Raises ValueError for features of another width."""
        if self.features.shape != (len(self.item_ids), len(FEATURES)):
            raise ValueError(f"Features must be {len(self.item_ids)} × {len(FEATURES)}.")
        lists = np.repeat(np.arange(len(self.sizes)), self.sizes)
        session_ids = pa.array([str(session_id) for session_id in self.session_ids], pa.string())
        microseconds = np.rint(self.times * 1e6).astype(np.int64)
        columns: dict[str, Any] = {
            "session_id": session_ids.take(pa.array(lists)),
            "user_id": self.user_ids[lists],
            "item_id": self.item_ids,
            "recommendation_rank": self.ranks.astype(np.int16),
            "recommendation_score": _or_null(self.scores),
            "original_score": _or_null(self.base_scores),
            "exposure_weight": examination(self.ranks),
            "recommendation_method": self.methods.dictionary_encode(),
            "label": (self.relevance >= ENGAGED).astype(np.int8),
            "relevance": self.relevance.astype(np.int8),
            "sample_weight": self.sample_weights.astype(np.float32),
            "is_hard_negative": self.hard_negatives,
            **{name: self.features[:, place] for place, name in enumerate(FEATURES)},
            "propensity": _or_null(self.propensities),
            "occurred_at": pa.array(microseconds[lists]).cast(RANKER_SCHEMA.field("occurred_at").type),
            "touched": self.touched[lists],
            "negative_example_id": pa.array(self.example_ids, mask=self.example_ids == 0),
        }
        return pa.record_batch([pa.array(columns[name]) for name in RANKER_SCHEMA.names], RANKER_SCHEMA)


@dataclass(slots=True)
class RankerWriter(DatasetWriter):
    """Writes lists of a ranker dataset, in the order of time."""

    schema: ClassVar[pa.Schema] = RANKER_SCHEMA

    _last_time: int = 0

    def write(self, rows: RankerRows) -> int:
        """Writes lists; returns their rows. Raises ValueError where one is older than one before it."""
        return self.add(rows.as_batch())

    def add(self, batch: pa.RecordBatch) -> int:
        """Writes the rows of whole lists; returns how many. Raises ValueError as `write`."""
        times = np.append(self._last_time, batch["occurred_at"].cast(pa.int64()).to_numpy())
        if (times[1:] < times[:-1]).any():
            raise ValueError("Lists must come in the order of time.")
        self._last_time = int(times[-1])
        # The last row of each list.
        lasts = pc.run_end_encode(batch["session_id"]).run_ends.to_numpy() - 1
        touched = batch["touched"].to_numpy(zero_copy_only=False)
        relevance = batch["relevance"].to_numpy()
        self._counts["sessions"] += len(lasts)
        self._counts["sessions_touched"] += int(touched[lasts].sum())
        self._counts["hard_negatives"] += batch["is_hard_negative"].true_count
        for value, name in RELEVANCE_NAMES.items():
            self._counts[name] += int((relevance == value).sum())
        # A dataclass with slots is another class than the one that `super()` would name.
        return super(RankerWriter, self).add(batch)

    @property
    def counts(self) -> dict[str, int]:
        """Rows, people, items and sessions, and the rows of each relevance."""
        rows = sum(self._counts[name] for name in RELEVANCE_NAMES.values())
        return {"rows": rows, "people": len(self._people), "items": len(self._items), **self._counts}


def _or_null(values: Doubles) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
