"""One run of retraining: what it reads, and how it holds a candidate against what serves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core.arrays import Doubles
from core.domain import UseCase
from core.progress import Progress
from profiles.past import PastTastes
from ranking.datasets.event_log import GeneratedDataset, generate_als_dataset, load_als_events
from ranking.datasets.manifest import Manifest
from ranking.datasets.ranker import generate_ranker_dataset
from ranking.datasets.session_log import sessions_until
from ranking.evaluation.contenders import POPULARITY, Contender
from ranking.evaluation.gate import compare
from ranking.evaluation.heldout import HeldOut, hold_out, load_lists
from ranking.evaluation.judging import judge
from ranking.evaluation.reporting import gate_rules, make_report
from ranking.evaluation_codec import to_json
from ranking.evaluation_report import GateVerdict
from ranking.models import StoredReport
from ranking.recommenders.training import TrainingError
from ranking.registry.loading import LoadedModels
from ranking.retraining.lineage import JUDGED_UNTIL, seen_until
from ranking.snapshot import read_catalogue
from ranking.statistics.events import Events
from ranking.statistics.split import time_cuts

# How much of what came since the active models learned is for judging; of the whole log where there are none.
JUDGED_OF_NEW = 0.5
JUDGED_OF_ALL = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a run was asked for, and all that it reads.

    cut    what lies before it is learned from, the rest is judged on; seconds since 1970
    until  up to when the log was read
    lists  the dataset of the lists shown before the cut, with what was done with them before it
    """

    use_case: UseCase
    seed: int
    progress: Progress
    until: datetime
    cut: float
    events: Events
    events_manifest: Manifest
    lists: GeneratedDataset
    held: HeldOut

    @property
    def before(self) -> datetime:
        """The last moment that is learned from."""
        return last_before(self.cut)


def read_run(use_case: UseCase, active: LoadedModels, seed: int, progress: Progress, now: datetime) -> Run:
    """Reads the log up to `now` and cuts it. Raises TrainingError where nobody did anything."""
    events_folder = Path(generate_als_dataset(use_case=use_case, progress=progress, now=now).folder)
    events_manifest, events = load_als_events(events_folder, use_case)
    if not len(events):
        raise TrainingError("There is nothing to learn from yet: nobody did anything with these items.")
    cut = choose_cut(events.times, _times_of_lists(use_case, now), seen_until(use_case, active))
    lists = generate_ranker_dataset(use_case=use_case, progress=progress, now=last_before(cut))
    # Second, because the newest dataset is what other commands take.
    shown = generate_ranker_dataset(use_case=use_case, progress=progress, now=now)
    held = hold_out(
        events=events,
        lists=load_lists(Path(shown.folder), use_case),
        catalogue=read_catalogue(use_case.name),
        start=cut,
        seed=seed,
        taste_at=PastTastes().at,
    )
    return Run(
        use_case=use_case,
        seed=seed,
        progress=progress,
        until=now,
        cut=cut,
        events=events,
        events_manifest=events_manifest,
        lists=lists,
        held=held,
    )


def last_before(cut: float) -> datetime:
    """The last moment before a cut, in seconds since 1970."""
    return datetime.fromtimestamp(cut, UTC) - timedelta(microseconds=1)


def _times_of_lists(use_case: UseCase, until: datetime) -> Doubles:
    """When the lists were shown that anybody looked at, seconds since 1970."""
    seen = sessions_until(use_case, until).filter(seen_rank__gt=0).values_list("created_at", flat=True)
    return np.array([moment.timestamp() for moment in seen.iterator()], dtype=np.float64)


def choose_cut(events: Doubles, lists: Doubles, seen_until: float) -> float:
    """The moment that divides what is learned from and what is judged on, seconds since 1970.

    events, lists  times of what people did and of the lists they were shown
    seen_until     up to when the active models learned; -inf where there are none
    """
    times = np.concatenate([events, lists])
    new = times[times > seen_until]
    if not len(new):
        # Nothing to judge on; the gate will say so.
        return float(times.max()) + 1.0
    judged = JUDGED_OF_NEW if np.isfinite(seen_until) else JUDGED_OF_ALL
    return time_cuts(new, [1.0 - judged])[0]


def compare_models(
    run: Run, candidate: LoadedModels, active: LoadedModels
) -> tuple[dict[str, Any], GateVerdict]:
    """Both on what was held out, with popularity beside them: the figures as JSON, and the verdict."""
    contenders = [Contender("candidate", candidate), Contender("active", active)]
    if active.version_ids:
        contenders.append(Contender(POPULARITY))
    evaluations = judge(contenders, run.held, run.use_case, seed=run.seed, progress=run.progress)
    verdict = compare(evaluations[0], evaluations[1], gate_rules(), seed=run.seed)
    report = make_report(
        evaluations,
        run.held,
        baseline=evaluations[1],
        verdicts={evaluations[0].name: verdict},
        use_case=run.use_case,
        seed=run.seed,
        why_start="the candidate learned from what came before",
    )
    return {StoredReport.LATEST: to_json(report)}, verdict


def manifest_json(run: Run, manifest: Manifest, examples: list[int]) -> dict[str, Any]:
    """The manifest of a dataset as that of a version that learned from what lies before the cut."""
    return {
        **manifest.as_json(),
        "negative_examples": examples,
        # The dataset of interactions reaches further, but what lies behind the cut was for judging.
        "window_end": datetime.fromtimestamp(run.cut, UTC).isoformat(),
        JUDGED_UNTIL: run.until.isoformat(),
    }
