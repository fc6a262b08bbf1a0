"""The two-tower dataset: examples with what was known of the person before each, and the items, as Parquet.

People are read in batches of some thousand interactions; what is held is one batch, beside two numbers per
person and a few per item. No example sees anything of its own moment or later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
from django.utils import timezone

from core.domain import UseCase
from core.progress import Progress
from interactions.successes import successes_of
from profiles.log import current_rules
from profiles.reduction import Rules
from ranking.datasets.engine import Engine, Made, locally
from ranking.datasets.event_log import GeneratedDataset
from ranking.datasets.manifest import (
    DATA,
    Manifest,
    dataset_name,
    datasets_folder,
    file_sha256,
    git_revision,
    whole_dataset,
    write_manifest,
)
from ranking.datasets.ranker import negative_examples
from ranking.recommenders.two_tower.dataset.examples import examples_of
from ranking.recommenders.two_tower.dataset.items import ITEMS, write_items
from ranking.recommenders.two_tower.dataset.log import FacetsOfItems, People, people_batches, read_people
from ranking.recommenders.two_tower.dataset.negatives import Demand, Shown, read_demand, read_shown
from ranking.recommenders.two_tower.dataset.rows import KIND, TWO_TOWER_SCHEMA, TwoTowerRows, TwoTowerWriter
from ranking.recommenders.two_tower.dataset.state import PersonSoFar

# Another machine takes so many batches of people at once: some seconds of work.
PART_BATCHES = 2


def generate_two_tower_dataset(
    *,
    use_case: UseCase,
    seed: int,
    progress: Progress,
    now: datetime | None = None,
    engine: Engine = locally,
) -> GeneratedDataset:
    """Writes what people did up to `now`, their hard negatives, and random ones drawn by `seed`.

    Equal logs and seeds give equal files. Raises DatasetError for a session log that cannot be read.
    """
    made_at = timezone.now()
    now = now or made_at
    folder = datasets_folder(KIND, use_case.name) / dataset_name(made_at)
    with whole_dataset(folder) as part:
        items = write_items(part / ITEMS, use_case)
        counts = _write_examples(part / DATA, use_case, seed, now, progress, engine)
        manifest = Manifest(
            kind=KIND,
            use_case=use_case.name,
            name=folder.name,
            created_at=made_at.isoformat(),
            window_end=now.isoformat(),
            counts={**counts, "catalog": items},
            columns={field.name: str(field.type) for field in TWO_TOWER_SCHEMA},
            git_revision=git_revision(),
            sha256=file_sha256(part / DATA),
            negative_examples=negative_examples(use_case, now),
            more_files={ITEMS: file_sha256(part / ITEMS)},
        )
        write_manifest(part, manifest)
    return GeneratedDataset(str(folder), manifest)


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """All that is known before people are read."""

    use_case: UseCase
    until: datetime
    seed: int
    demand: Demand
    successes: tuple[str, ...]
    rules: Rules


def _write_examples(
    path: Path, use_case: UseCase, seed: int, until: datetime, progress: Progress, engine: Engine
) -> dict[str, int]:
    known = _Known(
        use_case, until, seed, read_demand(use_case, until), successes_of(use_case, until), current_rules()
    )
    with TwoTowerWriter(path) as writer:
        batches = people_batches(use_case, until)
        progress.begin(len(batches), "batches of people")
        for made in engine(partial(_rows_made, known), whole=batches, split=_parts):
            writer.add(made.batch)
            progress.advance(made.read)
    return writer.counts


def _parts(batches: list[People]) -> list[list[People]]:
    return [batches[start : start + PART_BATCHES] for start in range(0, len(batches), PART_BATCHES)]


def _rows_made(known: _Known, batches: list[People]) -> Iterator[Made]:
    """The examples of people, batch by batch."""
    facets = FacetsOfItems()
    for people in batches:
        shown = read_shown(known.use_case, people, known.until)
        rows = TwoTowerRows()
        for log in read_people(known.use_case, people, known.until):
            facets.look_up({act.item_id for act in log.acts})
            so_far = PersonSoFar(log, facets, known.rules)
            lists = shown.get(log.user_id, Shown())
            # Of each person alone, so that whoever else is read with them changes nothing.
            rng = np.random.default_rng((known.seed, log.user_id))
            for moment, examples in examples_of(log, lists, known.demand, known.successes, rng):
                rows.add(log.user_id, so_far.before(moment), examples)
        yield Made(rows.as_batch(), read=1)
