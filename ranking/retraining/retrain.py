"""From feedback to a better model without a person: dataset, training, comparison, and live only if better.

    due → datasets → ALS and ranker from what came before a cut → both judged on what came after it → gate

The cut lies in what happened since the active models learned, so that neither side has seen what decides:
not what was done after it either with a list that had been shown before.
What goes live is the very model that was judged. ALS is judged first, under the ranker that serves; then
the ranker on top of the ALS model that won.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from django.conf import settings
from django.utils import timezone

from config.progress import Progress
from config.use_cases import UseCase
from interactions.popularity import refresh_popularity
from ranking.catalogue import read_catalogue
from ranking.datasets.als import GeneratedDataset, generate_als_dataset, load_als_events
from ranking.datasets.bootstrap import PARAMETERS as BOOTSTRAP_PARAMETERS
from ranking.datasets.bootstrap import BootstrapPlan, bootstrap_lists, ranker_data
from ranking.datasets.manifest import DATA, Manifest
from ranking.datasets.ranker import generate_ranker_dataset, load_ranker_data
from ranking.datasets.session_log import sessions_until
from ranking.evaluation.contenders import POPULARITY, Contender
from ranking.evaluation.figures import judgement_json, verdict_json
from ranking.evaluation.gate import GateRules, Verdict, compare
from ranking.evaluation.heldout import HeldOut, hold_out, load_lists
from ranking.evaluation.judging import judge
from ranking.loading import Loaded, LoadedModels, load_models
from ranking.locks import training_lock
from ranking.ml.arrays import Doubles
from ranking.ml.artifacts import dump_als
from ranking.ml.events import Events
from ranking.ml.ranker import RankerData
from ranking.ml.ranker_file import dump_ranker
from ranking.ml.split import time_cuts
from ranking.models import ModelVersion
from ranking.retraining.due import Due, is_due
from ranking.retraining.leftovers import remove_leftovers
from ranking.retraining.lineage import JUDGED_UNTIL, als_parameters, seen_until
from ranking.retraining.publishing import Judged, Outcome, active_ids, publish
from ranking.training.als import fit_calibrated_als, resolved_parameters
from ranking.training.ranker import fit_calibrated_ranker
from ranking.training.results import TrainingError

Kind = ModelVersion.Kind

# How much of what came since the active models learned is for judging; of the whole log where there are none.
JUDGED_OF_NEW = 0.5
JUDGED_OF_ALL = 0.1
# How the ranker learns from shown and made-up lists together: as from the latter, leaves by their number.
PARAMETERS = replace(BOOTSTRAP_PARAMETERS, num_leaves=None)
# With fewer lists in which something was preferred, the ranker learns from the log of interactions instead.
MIN_LISTS = 100


@dataclass(frozen=True, slots=True)
class RetrainSummary:
    """What a run did: nothing where it was not due."""

    use_case: str
    due: bool
    why: str
    outcomes: tuple[Outcome, ...] = ()
    people_judged: int = 0
    lists_judged: int = 0
    examples_used: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
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


def retrain(
    *,
    use_case: UseCase,
    if_needed: bool,
    seed: int,
    progress: Progress,
    now: datetime | None = None,
) -> RetrainSummary:
    """Trains and judges new models of a use case, and puts into service what is better.

    With `if_needed` only where that is due. Nothing of a run is on record before its end, where all of it is
    written in one transaction. Raises LockHeld at once while another run is on any machine, and
    TrainingError where there is nothing to learn from.
    """
    now = now or timezone.now()
    with ExitStack() as locks:
        locks.enter_context(training_lock("retrain"))
        due = is_due(use_case, now) if if_needed else Due(True, "Asked for.")
        if not due.due:
            return RetrainSummary(use_case.name, due=False, why=due.why)
        for kind in (Kind.ALS, Kind.RANKER):
            locks.enter_context(training_lock(f"train-{kind}-{use_case.name}"))
        remove_leftovers(use_case)
        return _retrain(use_case, due, seed, progress, now)


def _retrain(use_case: UseCase, due: Due, seed: int, progress: Progress, now: datetime) -> RetrainSummary:
    refresh_popularity(use_case=use_case.name, now=now)
    # Who is active before what is loaded: a version that goes live in between makes publishing refuse.
    held_against = active_ids(use_case)
    active = load_models(use_case.name)
    run = _read_log(use_case, active, seed, progress, now)
    als, winner = _judge_als(run, active)
    ranker = _judge_ranker(run, winner)
    outcomes, used = publish(use_case, [als] if ranker is None else [als, ranker], held_against)
    return RetrainSummary(
        use_case=use_case.name,
        due=True,
        why=due.why,
        outcomes=tuple(outcomes),
        people_judged=0 if run.held.people is None else len(run.held.people),
        lists_judged=len(run.held.lists),
        examples_used=used,
    )


def _read_log(use_case: UseCase, active: LoadedModels, seed: int, progress: Progress, now: datetime) -> _Run:
    events_folder = Path(generate_als_dataset(use_case=use_case, progress=progress, now=now).folder)
    events_manifest, events = load_als_events(events_folder, use_case)
    if not len(events):
        raise TrainingError("There is nothing to learn from yet: nobody did anything with these items.")
    cut = choose_cut(events.times, _times_of_lists(use_case, now), seen_until(use_case, active))
    before = datetime.fromtimestamp(cut, UTC) - timedelta(microseconds=1)
    lists = generate_ranker_dataset(use_case=use_case, progress=progress, now=before)
    # Second, because the newest dataset is what other commands take.
    shown = generate_ranker_dataset(use_case=use_case, progress=progress, now=now)
    held = hold_out(
        events=events,
        lists=load_lists(Path(shown.folder), use_case),
        catalogue=read_catalogue(use_case.name),
        start=cut,
        seed=seed,
    )
    return _Run(
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


def _judge_als(run: _Run, active: LoadedModels) -> tuple[Judged, LoadedModels]:
    """The ALS candidate under the active ranker, and the models that serve if its verdict stands."""
    parameters = als_parameters(run.use_case)
    model, calibration = fit_calibrated_als(
        run.events.before(run.cut), parameters, seed=run.seed, progress=run.progress
    )
    candidate = replace(active, als=Loaded(0, "als candidate", model))
    metrics, verdict = _compare(run, candidate, active)
    examples = run.lists.manifest.negative_examples if parameters.negatives == "keep" else []
    judged = Judged(
        kind=Kind.ALS,
        data=dump_als(model),
        manifest=_manifest_json(run, run.events_manifest, examples),
        hyper_parameters=resolved_parameters(parameters, model, run.seed),
        metrics={**metrics, "calibration": calibration},
        examples=examples,
        verdict=verdict,
    )
    return judged, candidate if verdict.passed else active


def _judge_ranker(run: _Run, winner: LoadedModels) -> Judged | None:
    """The ranker candidate on top of the ALS model that won; None where there is nothing to learn from.

    It learns from the lists, and beside them from lists made up from the log: what was shown was the best of
    an earlier model, and from that alone no ranker learns what makes all the rest of the catalogue worse.
    """
    folder = Path(run.lists.folder)
    manifest, shown = load_ranker_data(folder, run.use_case)
    made_up = _bootstrap(run)
    lists, examples, parameters = shown, _example_ids(folder), PARAMETERS
    beside: RankerData | None = made_up
    if shown.lists_with_preference < MIN_LISTS:
        lists, beside, examples, parameters = made_up, None, [], BOOTSTRAP_PARAMETERS
        manifest = run.events_manifest
    if not lists.can_teach_order:
        return None
    fitted = fit_calibrated_ranker(lists, parameters, seed=run.seed, progress=run.progress, beside=beside)
    candidate = replace(winner, ranker=Loaded(0, "ranker candidate", fitted.ranker))
    metrics, verdict = _compare(run, candidate, winner)
    return Judged(
        kind=Kind.RANKER,
        data=dump_ranker(fitted.ranker),
        manifest=_manifest_json(run, manifest, examples),
        hyper_parameters=fitted.hyper_parameters,
        metrics={**metrics, "calibration": fitted.calibration, "gain": fitted.ranker.importances()},
        examples=examples,
        verdict=verdict,
    )


def _example_ids(folder: Path) -> list[int]:
    """The negative training examples that are slots of a ranker dataset."""
    column = pq.read_table(folder / DATA, columns=["negative_example_id"])["negative_example_id"]
    ids: list[int] = column.drop_null().unique().to_pylist()
    return ids


def _bootstrap(run: _Run) -> RankerData:
    """Lists replayed from the log before the cut; which example they owe a label to is not known."""
    lists = bootstrap_lists(
        run.events.before(run.cut),
        catalogue=run.held.catalogue,
        use_case=run.use_case,
        parameters=als_parameters(run.use_case),
        plan=BootstrapPlan(),
        seed=run.seed,
    )
    return ranker_data(lists)


def _compare(run: _Run, candidate: LoadedModels, active: LoadedModels) -> tuple[dict[str, Any], Verdict]:
    """Both on what was held out, with popularity beside them: the figures as JSON, and the verdict."""
    contenders = [Contender("candidate", candidate), Contender("active", active)]
    if active.als is not None or active.ranker is not None:
        contenders.append(Contender(POPULARITY))
    judgements = judge(contenders, run.held, run.use_case, seed=run.seed, progress=run.progress)
    rules = GateRules(margin=settings.GATE_MARGIN, min_people=settings.GATE_MIN_PEOPLE)
    verdict = compare(judgements[0], judgements[1], rules, seed=run.seed)
    evaluation = {
        "from": datetime.fromtimestamp(run.cut, UTC).isoformat(),
        "judgements": [judgement_json(judgement, seed=run.seed) for judgement in judgements],
        "gate": verdict_json(verdict),
    }
    return {"evaluation": evaluation}, verdict


def _manifest_json(run: _Run, manifest: Manifest, examples: list[int]) -> dict[str, Any]:
    return {
        **manifest.as_json(),
        "negative_examples": examples,
        # The dataset of interactions reaches further, but what lies behind the cut was for judging.
        "window_end": datetime.fromtimestamp(run.cut, UTC).isoformat(),
        JUDGED_UNTIL: run.until.isoformat(),
    }
