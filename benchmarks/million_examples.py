"""The two-tower dataset of a made-up log, written by the product's own code, without a database.

Films have ids from 1 here: 0 stands for no item where negatives are drawn.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from core.arrow import pa
from core.domain import UseCase
from profiles.log import current_rules
from profiles.reduction import CODES, ItemFacets
from ranking.datasets.manifest import DATA, Manifest, file_sha256, write_manifest
from ranking.item_content import GROUPS, ItemContent
from ranking.recommenders.two_tower.dataset.examples import examples_of
from ranking.recommenders.two_tower.dataset.items import ITEM_SCHEMA, ITEMS, word_counts
from ranking.recommenders.two_tower.dataset.log import Act, FacetsOfItems, PersonLog
from ranking.recommenders.two_tower.dataset.negatives import Demand, Shown
from ranking.recommenders.two_tower.dataset.rows import KIND, TWO_TOWER_SCHEMA, TwoTowerRows, TwoTowerWriter
from ranking.recommenders.two_tower.dataset.state import PersonSoFar
from ranking.statistics.events import Events

# A batch holds about so many acts, as when the log is read from a database.
BATCH = 10_000
# Words of a title and a description, of so many that there are, the first of them often.
WORDS, VOCABULARY = 30, 8_000
DISLIKED = -1.0
_CODES = {GROUPS.index("genre"): CODES["genre"], GROUPS.index("people"): CODES["actor"]}


class FilmFacets(FacetsOfItems):
    """The facets of made-up films, which no table has."""

    def __init__(self, content: ItemContent) -> None:
        super().__init__()
        kinds = [_CODES[group] for group in content.groups.tolist()]
        bounds, columns = content.facets.indptr, content.facets.indices
        self._of: list[ItemFacets] = [
            tuple((facet + 1, kinds[facet], "") for facet in columns[start:end].tolist())
            for start, end in pairwise(bounds.tolist())
        ]

    def of(self, item_id: int) -> ItemFacets:
        return self._of[item_id - 1]


def write_examples(folder: Path, events: Events, content: ItemContent, use_case: UseCase) -> dict[str, int]:
    """Writes the dataset into a folder that is there; returns its counts."""
    rng = np.random.default_rng(1)
    facets, rules, demand = FilmFacets(content), current_rules(), _demand(events)
    with TwoTowerWriter(folder / DATA) as writer:
        rows = TwoTowerRows()
        for log in _people(events):
            so_far = PersonSoFar(log, facets, rules)
            for moment, examples in examples_of(log, Shown(), demand, ("like",), rng):
                rows.add(log.user_id, so_far.before(moment), examples)
            if len(rows) >= BATCH:
                writer.add(rows.as_batch())
                rows = TwoTowerRows()
        writer.add(rows.as_batch())
    _write_items(folder / ITEMS, content, rng)
    made_at = datetime.fromtimestamp(float(events.times.max()), UTC).isoformat()
    manifest = Manifest(
        kind=KIND,
        use_case=use_case.name,
        name=folder.name,
        created_at=made_at,
        window_end=made_at,
        counts=writer.counts,
        columns={field.name: str(field.type) for field in TWO_TOWER_SCHEMA},
        git_revision="",
        sha256=file_sha256(folder / DATA),
        more_files={ITEMS: file_sha256(folder / ITEMS)},
    )
    write_manifest(folder, manifest)
    return writer.counts


def _people(events: Events) -> Iterator[PersonLog]:
    order = np.lexsort((events.times, events.user_ids))
    starts = np.flatnonzero(np.diff(events.user_ids[order], prepend=-1))
    for mine in np.split(order, starts[1:]):
        columns = (events.times, events.item_ids + 1, events.weights, events.relevant)
        rows = zip(mine.tolist(), *(column[mine].tolist() for column in columns), strict=True)
        acts = []
        for place, moment, item_id, weight, relevant in rows:
            name = "like" if relevant else "dislike" if weight == DISLIKED else "watched"
            rating = weight if name == "watched" else None
            acts.append(Act(place + 1, moment, item_id, name, weight, rating, "", 0, None, counts=True))
        yield PersonLog(int(events.user_ids[mine[0]]) + 1, acts, None)


def _demand(events: Events) -> Demand:
    """Films in the order of the first word for each, with the number of people up to there."""
    for_it = events.select(events.weights > 0)
    pairs = np.unique(np.stack([for_it.item_ids, for_it.user_ids]), axis=1)
    item_ids, people = np.unique(pairs[0], return_counts=True)
    first = np.full(int(item_ids.max()) + 1, np.inf)
    np.minimum.at(first, for_it.item_ids, for_it.times)
    order = np.argsort(first[item_ids], kind="stable")
    return Demand(item_ids[order] + 1, first[item_ids][order], np.cumsum(people[order]))


def _write_items(path: Path, content: ItemContent, rng: np.random.Generator) -> None:
    counted = [
        word_counts(" ".join(f"word{one}" for one in np.minimum(rng.zipf(1.2, WORDS), VOCABULARY).tolist()))
        for _ in content.item_ids
    ]
    bounds = content.facets.indptr
    columns = (
        (content.item_ids + 1).tolist(),
        [(content.facets.indices[start:end] + 1).tolist() for start, end in pairwise(bounds.tolist())],
        [list(counts) for counts in counted],
        [list(counts.values()) for counts in counted],
        [None] * len(counted),
    )
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, ITEM_SCHEMA.types, strict=True)]
    with pq.ParquetWriter(path, ITEM_SCHEMA, compression="zstd") as writer:
        writer.write_batch(pa.record_batch(arrays, ITEM_SCHEMA))
