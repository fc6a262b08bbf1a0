"""The lists of a ranker dataset as they were shown, for evaluation."""

from pathlib import Path

import numpy as np

from core.arrays import Doubles, Ints
from core.arrow import pa
from core.domain import UseCase
from ranking.datasets.manifest import read_manifest
from ranking.datasets.ranker_rows import KIND
from ranking.datasets.reading import read_columns
from ranking.methods import EXPLORATION
from ranking.statistics.lists import ShownLists


def load_lists(folder: Path, use_case: UseCase) -> ShownLists:
    """The lists of a ranker dataset, as far as they were seen. Raises DatasetError."""
    read_manifest(folder, kind=KIND, use_case=use_case.name)
    columns = [
        "session_id",
        "user_id",
        "item_id",
        "recommendation_rank",
        "recommendation_score",
        "relevance",
        "propensity",
        "recommendation_method",
        "occurred_at",
    ]
    table = read_columns(folder, *columns)
    # Numbered in the order of their first appearance.
    lists = pa.array(table.pop("session_id")).dictionary_encode().indices.to_numpy()
    order = np.lexsort((table["recommendation_rank"], lists))
    slots = {name: column[order] for name, column in table.items()}
    first = np.flatnonzero(np.diff(lists[order], prepend=-1))
    return ShownLists(
        sizes=np.diff(first, append=len(lists)).astype(np.int64),
        user_ids=slots["user_id"][first],
        times=slots["occurred_at"][first],
        item_ids=slots["item_id"],
        ranks=slots["recommendation_rank"].astype(np.int64),
        scores=slots["recommendation_score"].astype(np.float64),
        relevance=slots["relevance"].astype(np.int64),
        propensities=slots["propensity"].astype(np.float64),
        explored=slots["recommendation_method"] == EXPLORATION,
    )


def no_lists() -> ShownLists:
    """An empty log of lists."""
    ints: Ints = np.empty(0, dtype=np.int64)
    doubles: Doubles = np.empty(0)
    return ShownLists(ints, ints, doubles, ints, ints, doubles, ints, doubles, np.empty(0, dtype=np.bool_))
