"""The two-tower dataset as arrays for training."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from core.arrays import Bools, Doubles, Floats, Ints, Rows, positions
from core.arrow import pa
from core.domain import UseCase
from ranking.datasets.manifest import DATA, Manifest, read_manifest
from ranking.recommenders.two_tower.data import OBSERVED, Places, States, TwoTowerExamples, TwoTowerItems
from ranking.recommenders.two_tower.dataset.items import BUCKETS, ITEMS
from ranking.recommenders.two_tower.dataset.rows import KIND, KIND_NAMES
from ranking.statistics.events import Events

_NUMBERS = ("user_id", "item_id", "label", "rank_weight", "weight", "relevant")
# Of a longer log the past is left out: a model of the last third of 1.8 million has a recall@100 of .215 in
# place of .220 (docs/research/recommenders-measured.md).
MOST_ROWS = 500_000
# So many rows of lists are looked at together.
_ROWS = 8_192
# Below this length the words of an item say nothing.
_SHORTEST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class TwoTowerData:
    """A dataset in memory.

    examples  (e,) what a model learns from
    events    what people did, of these examples, for the time split and for evaluating
    rows      (n,) the example of each event
    """

    manifest: Manifest
    items: TwoTowerItems
    examples: TwoTowerExamples
    events: Events
    rows: Rows


def load_two_tower_data(folder: Path, use_case: UseCase) -> TwoTowerData:
    """A dataset as arrays: the last MOST_ROWS by time, since each has a person's state, and memory ends.

    The item of an example is taken out of its history. Raises DatasetError.
    """
    manifest = read_manifest(folder, kind=KIND, use_case=use_case.name)
    items = _load_items(folder / ITEMS)
    file = pq.ParquetFile(folder / DATA)
    table = file.read(columns=[*_NUMBERS, "occurred_at", "kind"])
    last = _last(table["occurred_at"].cast(pa.int64()).to_numpy(), MOST_ROWS)
    table = table.filter(pa.array(last))
    numbers = {name: table[name].to_numpy() for name in _NUMBERS}
    times = table["occurred_at"].cast(pa.int64()).to_numpy() / 1e6
    kinds = _codes(table["kind"])
    del table
    held, state_of = _states_of(numbers["user_id"], numbers["item_id"], times, kinds)
    last[last] = held
    examples = TwoTowerExamples(
        user_ids=numbers["user_id"],
        item_rows=positions(numbers["item_id"], items.item_ids),
        labels=numbers["label"],
        rank_weights=numbers["rank_weight"],
        kinds=kinds,
        times=times,
        state_of=state_of,
        states=_read_states(file, items, last),
    )
    done: Rows = np.flatnonzero(numbers["weight"])
    events = Events(
        user_ids=numbers["user_id"],
        item_ids=numbers["item_id"],
        weights=numbers["weight"],
        times=times,
        relevant=numbers["relevant"],
    )
    return TwoTowerData(manifest, items, examples, events.select(done), done)


def _codes(kinds: pa.ChunkedArray) -> NDArray[np.int8]:
    """The code of each kind by its name."""
    names, codes = np.unique(kinds.cast(pa.string()).to_numpy(), return_inverse=True)
    by_name = {name: code for code, name in KIND_NAMES.items()}
    return np.array([by_name[name] for name in names], dtype=np.int8)[codes]


def _last(times: Ints, count: int) -> Bools:
    """The latest of all, (e,): `count` of them, and those of the same moment."""
    if len(times) <= count:
        return np.ones(len(times), dtype=np.bool_)
    result: Bools = times >= np.partition(times, -count)[-count]
    return result


def _states_of(user_ids: Ints, item_ids: Ints, times: Doubles, kinds: NDArray[np.int8]) -> tuple[Bools, Rows]:
    """The examples whose states are read, (e,), and the place of each one's state among these, (e,).

    Of negatives nothing is learned of the person, so that theirs is the last, where nothing is known. What
    somebody did with one item at one moment has one state.
    """
    observed = np.flatnonzero(kinds == OBSERVED)
    columns = [column[observed] for column in (item_ids, times, user_ids)]
    order = np.lexsort(columns)
    is_first = np.zeros(len(order), dtype=np.bool_)
    is_first[:1] = True
    for column in columns:
        is_first[1:] |= np.diff(column[order]) != 0
    firsts = observed[order[is_first]]
    held = np.zeros(len(kinds), dtype=np.bool_)
    held[firsts] = True
    state_of = np.full(len(kinds), len(firsts), dtype=np.intp)
    state_of[observed[order]] = np.searchsorted(np.sort(firsts), firsts)[np.cumsum(is_first) - 1]
    return held, state_of


def _read_states(file: pq.ParquetFile, items: TwoTowerItems, held: Bools) -> States:
    """The states of the examples of a mask (e,), and one of which nothing is known."""
    history = _read_known(file, "history_item_ids", "history_weights", items.item_ids, held)
    taste = _read_known(file, "facet_ids", "facet_scores", items.facet_ids, held)
    return States(*history, *taste)


def _read_known(
    file: pq.ParquetFile, ids_column: str, values_column: str, known: Ints, held: Bools
) -> tuple[Ints, Places, Floats]:
    """Bounds of two columns of lists, the places of the ids in `known`, and the values beside them.

    Of the rows of the mask `held`, and of an empty one. Left out are ids that are not known, and the item
    that an example is about: whoever looked at a film and then liked it had it in their history, and a model
    would learn to find what is there already.
    """
    sizes, places, values = [np.zeros(1, dtype=np.int64)], [], []
    start = 0
    # Some rows at a time, since whole columns of lists would be held twice.
    for whole in file.iter_batches(_ROWS, columns=["item_id", ids_column, values_column]):
        batch = whole.filter(pa.array(held[start : start + len(whole)]))
        start += len(whole)
        lists, targets = batch[ids_column], batch["item_id"].to_numpy()
        ids = lists.flatten().to_numpy()
        owner = np.repeat(np.arange(len(targets)), lists.value_lengths().to_numpy())
        rows = positions(ids, known)
        kept: Bools = rows >= 0
        if ids_column == "history_item_ids":
            kept &= ids != targets[owner]
        sizes.append(np.bincount(owner[kept], minlength=len(targets)))
        places.append(rows[kept].astype(np.int32))
        values.append(batch[values_column].flatten().to_numpy()[kept])
    bounds: Ints = np.cumsum(np.concatenate([*sizes, np.zeros(1, dtype=np.int64)]), dtype=np.int64)
    return (
        bounds,
        np.concatenate([np.empty(0, dtype=np.int32), *places]),
        np.concatenate([np.empty(0, dtype=np.float32), *values]),
    )


def _load_items(path: Path) -> TwoTowerItems:
    table = pq.read_table(path).combine_chunks()
    item_ids = table["item_id"].to_numpy()
    facet_bounds, facets = _lists(table, "facet_ids")
    facet_ids, columns = np.unique(facets, return_inverse=True)
    facet_matrix = csr_matrix(
        (np.ones(len(facets), dtype=np.float32), columns, facet_bounds), shape=(len(item_ids), len(facet_ids))
    )
    bounds, buckets = _lists(table, "word_buckets")
    words = _tf_idf(bounds, buckets, _lists(table, "word_counts")[1])
    years = table["year"].cast(pa.float64()).fill_null(np.nan).to_numpy()
    return TwoTowerItems(item_ids, facet_matrix, facet_ids, words, years)


def _lists(table: pa.Table, name: str) -> tuple[Ints, Ints]:
    """Bounds (n + 1,) of a column of lists, and all their entries."""
    lists = table[name]
    sizes = pc.list_value_length(lists).to_numpy()
    bounds: Ints = np.cumsum(np.concatenate([[0], sizes]), dtype=np.int64)
    return bounds, pc.list_flatten(lists).to_numpy()


def _tf_idf(bounds: Ints, buckets: Ints, counts: Ints) -> "csr_matrix[np.float32]":
    """(1 + ln count) × ln((1 + n) / (1 + items with the word)), each row of length 1 unless it is empty.

    As in Manning, Raghavan and Schütze, Introduction to Information Retrieval, 6.2 and 6.3.
    """
    items = len(bounds) - 1
    spread = np.log((1 + items) / (1 + np.bincount(buckets, minlength=BUCKETS)))
    weights = (1 + np.log(counts)) * spread[buckets]
    owner = np.repeat(np.arange(items), np.diff(bounds))
    lengths = np.sqrt(np.bincount(owner, np.square(weights), minlength=items))
    weights /= np.maximum(lengths[owner], _SHORTEST)
    return csr_matrix((weights.astype(np.float32), buckets, bounds), shape=(items, BUCKETS))
