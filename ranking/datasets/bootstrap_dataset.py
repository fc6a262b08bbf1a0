"""A ranker dataset without sessions, written like the one from the session log."""

from pathlib import Path

from django.utils import timezone

from core.domain import UseCase
from core.progress import Progress
from ranking.datasets.bootstrap import BootstrapPlan, bootstrap_lists, ranker_rows
from ranking.datasets.event_log import GeneratedDataset, generate_als_dataset, load_als_events
from ranking.datasets.manifest import (
    BOOTSTRAP,
    DATA,
    DatasetError,
    dataset_name,
    datasets_folder,
    whole_dataset,
)
from ranking.datasets.ranker import write_ranker_manifest
from ranking.datasets.ranker_rows import KIND, RankerWriter
from ranking.datasets.shortage import why_nothing_to_learn
from ranking.snapshot import read_snapshot


def generate_bootstrap_dataset(
    *, use_case: UseCase, seed: int, progress: Progress, plan: BootstrapPlan | None = None
) -> GeneratedDataset:
    """A ranker dataset from the interactions alone, for a deployment that has shown no lists yet.

    Holds the log of interactions and one window's lists at a time. Raises DatasetError for an empty log.
    """
    made_at = timezone.now()
    log = generate_als_dataset(use_case=use_case, progress=progress, now=made_at)
    _, events = load_als_events(Path(log.folder), use_case)
    if not len(events):
        raise DatasetError(why_nothing_to_learn(use_case, made_at))
    lists = bootstrap_lists(
        events,
        catalog=read_snapshot(use_case.name),
        use_case=use_case,
        plan=plan or BootstrapPlan(),
        seed=seed,
    )
    folder = datasets_folder(KIND, use_case.name) / dataset_name(made_at)
    with whole_dataset(folder) as part:
        with RankerWriter(part / DATA) as writer:
            progress.begin(None, "rows")
            for one in lists:
                progress.advance(writer.write(ranker_rows(one)))
        manifest = write_ranker_manifest(
            part,
            name=folder.name,
            use_case=use_case,
            made_at=made_at,
            now=made_at,
            counts=writer.counts,
            negative_examples=[],
            source=BOOTSTRAP,
        )
    return GeneratedDataset(str(folder), manifest)
