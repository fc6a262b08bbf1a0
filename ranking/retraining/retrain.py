"""From feedback to a better model without a person: dataset, training, comparison, and live only if no worse.

    decision → datasets → models from what came before a cut → evaluated on what came after it → gate

The cut lies in what happened since the active models learned, so that neither side has seen what decides:
not what was done after it either with a list that had been shown before.
What goes live is the very model that was evaluated. The kinds of the use case are tried one after another,
each on top of what won before it: those that retrieve, under the ranker that serves, and then the ranker.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone

from core.domain import UseCase
from core.progress import Progress
from interactions.popularity import refresh_popularity
from ranking.evaluation_report import GateVerdict
from ranking.models import StoredReport
from ranking.policy import lead_of
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import TrainingError, trainer_of
from ranking.registry.loading import LoadedModel, ModelSet, load_models
from ranking.registry.locks import training_lock, training_lock_of
from ranking.registry.versions import quality_of
from ranking.retraining.cleanup import remove_unfinished
from ranking.retraining.decision import RetrainDecision, decide
from ranking.retraining.publishing import Candidate, Outcome, active_ids, publish
from ranking.retraining.run import Run, compare_models, manifest_json, read_run

logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetrainSummary:
    """The outcome of a run: none where it was not due. `not_trained`: why kinds could not be trained."""

    use_case: str
    due: bool
    why: str
    outcomes: tuple[Outcome, ...] = ()
    people_evaluated: int = 0
    lists_evaluated: int = 0
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
    """Trains and evaluates new models of a use case, and puts into service what passes the gate.

    With `if_needed` only where that is due. Nothing of a run is on record before its end, where all of it is
    written in one transaction. Raises LockHeld at once while another run is on any machine, and
    TrainingError where there is nothing to learn from.
    """
    now = now or timezone.now()
    with ExitStack() as locks:
        locks.enter_context(training_lock("retrain"))
        decision = decide(use_case, now) if if_needed else RetrainDecision(True, "Asked for.")
        if not decision.due:
            return RetrainSummary(use_case.name, due=False, why=decision.why)
        for kind in TRAINED:
            locks.enter_context(training_lock_of(kind, use_case.name))
        remove_unfinished(use_case)
        return _retrain(use_case, decision, seed, progress, now)


def _retrain(
    use_case: UseCase, decision: RetrainDecision, seed: int, progress: Progress, now: datetime
) -> RetrainSummary:
    refresh_popularity(use_case=use_case.name, now=now)
    # Who is active before what is loaded: a version that goes live in between makes publishing refuse.
    baseline = active_ids(use_case)
    serving = load_models(use_case.name)
    run = read_run(use_case, serving, seed, progress, now)
    candidates, not_trained = [], []
    for kind in _in_order(use_case):
        if trainer_of(kind).only_succeeds and baseline[kind] is None:
            continue
        try:
            candidate, serving = _try_kind(run, kind, serving)
        except TrainingError as error:
            if kind == lead_of(use_case):
                raise
            # The other models do not wait for it.
            logger.warning("no candidate", kind=kind, use_case=use_case.name, error=error.message)
            not_trained.append(error.message)
        else:
            candidates += [candidate] if candidate is not None else []
    outcomes, used = publish(use_case, candidates, baseline)
    return RetrainSummary(
        use_case=use_case.name,
        due=True,
        why=decision.why,
        outcomes=tuple(outcomes),
        people_evaluated=0 if run.data.people is None else len(run.data.people),
        lists_evaluated=len(run.data.lists),
        examples_used=used,
        not_trained=" ".join(not_trained),
    )


def _in_order(use_case: UseCase) -> list[str]:
    """The kinds that the use case trains: those that retrieve first, whatever orders their pool last."""
    return sorted(use_case.models, key=lambda kind: TRAINED[kind].orders)


def _try_kind(run: Run, kind: str, serving: ModelSet) -> tuple[Candidate | None, ModelSet]:
    """A candidate of a kind with its verdict, and the models that serve if the verdict stands.

    No candidate where there is too little to learn from.
    """
    fitted = trainer_of(kind).fit(run.material)
    if fitted is None:
        return None, serving
    label = f"{TRAINED[kind].label} candidate"
    loaded = LoadedModel(0, label, fitted.model, quality_of(fitted.metrics))
    verdict, metrics = _evaluate(run, kind, loaded, serving)
    candidate = Candidate(
        kind=kind,
        data=trainer_of(kind).dump(fitted.model),
        manifest=manifest_json(run, fitted),
        hyper_parameters=fitted.hyper_parameters,
        metrics={**metrics, **fitted.metrics},
        examples=fitted.examples,
        verdict=verdict,
    )
    return candidate, serving.with_model(kind, loaded) if verdict.passed else serving


def _evaluate(
    run: Run, kind: str, loaded: LoadedModel, serving: ModelSet
) -> tuple[GateVerdict, dict[str, Any]]:
    """The verdict on a candidate in the place where it would serve, and the figures as JSON.

    Beside the lead, only a part of the order of another retriever shows. So such a one is first compared
    alone with its predecessor, and only where it passes in its place.
    """
    in_place = serving.with_model(kind, loaded)
    if kind == lead_of(run.material.use_case) or TRAINED[kind].orders:
        metrics, verdict = compare_models(run, in_place, serving)
        return verdict, metrics
    metrics, alone = compare_models(run, in_place.only(kind), serving.only(kind))
    if not alone.passed:
        return alone, metrics
    among_all, verdict = compare_models(run, in_place, serving)
    metrics[StoredReport.IN_PLACE] = among_all[StoredReport.LATEST]
    why = f"Alone: {alone.why} Among all that serves: {verdict.why}"
    return GateVerdict(verdict.passed, why), metrics
