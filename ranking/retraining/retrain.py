"""From feedback to a better model without a person: dataset, training, comparison, and live only if better.

    due → datasets → models from what came before a cut → judged on what came after it → gate

The cut lies in what happened since the active models learned, so that neither side has seen what decides:
not what was done after it either with a list that had been shown before.
What goes live is the very model that was judged. ALS is judged first, under the ranker that serves; then,
where a two-tower model serves, its successor; then the ranker on top of what won.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
from django.utils import timezone

from core.domain import UseCase
from core.progress import Progress
from interactions.popularity import refresh_popularity
from ranking.datasets.bootstrap import PARAMETERS as BOOTSTRAP_PARAMETERS
from ranking.datasets.bootstrap import BootstrapPlan, bootstrap_lists, ranker_data
from ranking.datasets.manifest import DATA
from ranking.datasets.ranker import load_ranker_data
from ranking.models import ModelVersion
from ranking.recommenders.als.file import dump_als
from ranking.recommenders.als.train import fit_calibrated_als, resolved_parameters
from ranking.recommenders.ranker.file import dump_ranker
from ranking.recommenders.ranker.model import RankerData
from ranking.recommenders.ranker.train import fit_calibrated_ranker
from ranking.registry.loading import Loaded, LoadedModels, load_models
from ranking.registry.locks import training_lock
from ranking.retraining.due import Due, is_due
from ranking.retraining.leftovers import remove_leftovers
from ranking.retraining.lineage import als_parameters
from ranking.retraining.publishing import Judged, Outcome, active_ids, publish
from ranking.retraining.run import Run, compare_models, manifest_json, read_run
from ranking.retraining.two_tower import judge_two_tower

Kind = ModelVersion.Kind

# How the ranker learns from shown and made-up lists together: as from the latter, leaves by their number.
PARAMETERS = replace(BOOTSTRAP_PARAMETERS, num_leaves=None)
# With fewer lists in which something was preferred, the ranker learns from the log of interactions instead.
MIN_LISTS = 100


@dataclass(frozen=True, slots=True)
class RetrainSummary:
    """What a run did: nothing where it was not due. `not_trained`: what could not be, and why; else ""."""

    use_case: str
    due: bool
    why: str
    outcomes: tuple[Outcome, ...] = ()
    people_judged: int = 0
    lists_judged: int = 0
    examples_used: int = 0
    not_trained: str = ""


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
        for kind in Kind.values:
            locks.enter_context(training_lock(f"train-{kind}-{use_case.name}"))
        remove_leftovers(use_case)
        return _retrain(use_case, due, seed, progress, now)


def _retrain(use_case: UseCase, due: Due, seed: int, progress: Progress, now: datetime) -> RetrainSummary:
    refresh_popularity(use_case=use_case.name, now=now)
    # Who is active before what is loaded: a version that goes live in between makes publishing refuse.
    held_against = active_ids(use_case)
    active = load_models(use_case.name)
    run = read_run(use_case, active, seed, progress, now)
    als, winner = _judge_als(run, active)
    tower, winner, not_trained = judge_two_tower(run, winner)
    ranker = _judge_ranker(run, winner)
    judged = [one for one in (als, tower, ranker) if one is not None]
    outcomes, used = publish(use_case, judged, held_against)
    return RetrainSummary(
        use_case=use_case.name,
        due=True,
        why=due.why,
        outcomes=tuple(outcomes),
        people_judged=0 if run.held.people is None else len(run.held.people),
        lists_judged=len(run.held.lists),
        examples_used=used,
        not_trained=not_trained,
    )


def _judge_als(run: Run, active: LoadedModels) -> tuple[Judged, LoadedModels]:
    """The ALS candidate under the active ranker, and the models that serve if its verdict stands."""
    parameters = als_parameters(run.use_case)
    model, calibration = fit_calibrated_als(
        run.events.before(run.cut), parameters, seed=run.seed, progress=run.progress
    )
    candidate = replace(active, als=Loaded(0, "als candidate", model))
    metrics, verdict = compare_models(run, candidate, active)
    examples = run.lists.manifest.negative_examples if parameters.negatives == "keep" else []
    judged = Judged(
        kind=Kind.ALS,
        data=dump_als(model),
        manifest=manifest_json(run, run.events_manifest, examples),
        hyper_parameters=resolved_parameters(parameters, model, run.seed),
        metrics={**metrics, "calibration": calibration},
        examples=examples,
        verdict=verdict,
    )
    return judged, candidate if verdict.passed else active


def _judge_ranker(run: Run, winner: LoadedModels) -> Judged | None:
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
    metrics, verdict = compare_models(run, candidate, winner)
    return Judged(
        kind=Kind.RANKER,
        data=dump_ranker(fitted.ranker),
        manifest=manifest_json(run, manifest, examples),
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


def _bootstrap(run: Run) -> RankerData:
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
