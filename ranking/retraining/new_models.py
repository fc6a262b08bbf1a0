"""A run of `retrain` that is due: new models, tried one after another, and the better ones put into service.

The cut lies in what happened since the active models learned, so that neither side has seen what decides:
not what was done after it either with a list that had been shown before.
What goes live is the very model that was evaluated. The kinds of the use case are tried one after another,
each on top of what won before it: those that retrieve, under the ranker that serves, and then the ranker.
How much the chance of a no takes away is chosen before that, on earlier days, for the models in their place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from core.domain import UseCase
from core.progress import Progress
from interactions.popularity import refresh_popularity
from ranking.evaluation.results import ContenderEvaluation
from ranking.evaluation_report import GateVerdict
from ranking.models import StoredReport
from ranking.policy import lead_of
from ranking.recommenders.event_training import fitted_weights
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import Fitted, TrainingError, trainer_of
from ranking.registry.loading import LoadedModel, ModelSet, load_models
from ranking.registry.versions import quality_of
from ranking.retraining.decision import RetrainDecision
from ranking.retraining.publishing import ActiveIds, Candidate, RetrainSummary, active_ids, publish
from ranking.retraining.refusals import ChosenShare, choose_share
from ranking.retraining.run import Run, compare_models, evaluate_baselines, manifest_json, read_run

logger = structlog.stdlib.get_logger(__name__)

UNASKED = "No list asks it: the sources of the use case do not name it."


def train_and_publish(
    use_case: UseCase,
    decision: RetrainDecision,
    seed: int,
    progress: Progress,
    now: datetime,
    tune_seconds: float,
) -> RetrainSummary:
    """Trains and evaluates, then writes all of it in one transaction. The caller holds the training locks."""
    refresh_popularity(use_case=use_case.name, now=now)
    # Who is active before what is loaded: a version that goes live in between makes publishing refuse.
    baseline = active_ids(use_case)
    serving = load_models(use_case.name)
    run = read_run(use_case, serving, seed, progress, now, tune_seconds)
    trained = [kind for kind in use_case.models if not _waits_for_a_first(kind, baseline)]
    retrieving = [kind for kind in trained if not TRAINED[kind].orders]
    fitted, not_trained = _fit(run, retrieving)
    weights = fitted_weights(
        {kind: one.earlier for kind, one in fitted.items() if kind in use_case.sources},
        {kind: quality_of(one.metrics) for kind, one in fitted.items()},
        run.material.events,
        run.material.catalog,
        seed,
    )
    simple = evaluate_baselines(run)
    candidates = []
    for kind, one in fitted.items():
        loaded = _loaded(kind, one, weights.get(kind), serving)
        in_place, chosen = _with_share(run, serving.with_model(kind, loaded), fitted, (kind,))
        candidate = _judge(run, kind, one, in_place, serving, simple)
        candidates.append(candidate if chosen is None else _noted(candidate, chosen, run))
        serving = in_place if candidate.verdict.passed else serving
    # What orders the pool of those that serve now is trained last, over the scores of these.
    run = replace(run, material=replace(run.material, serving=tuple(serving.by_kind)))
    orderers, without = _fit(run, [kind for kind in trained if TRAINED[kind].orders])
    for kind, one in orderers.items():
        loaded = _loaded(kind, one, None, serving)
        new = [other.kind for other in candidates if other.verdict.passed]
        in_place, chosen = _with_share(run, serving.with_model(kind, loaded), {**fitted, kind: one}, new)
        candidate = _judge(run, kind, one, in_place, serving, simple)
        if candidate.verdict.passed:
            serving = in_place
            candidates = [other if chosen is None else _noted(other, chosen, run) for other in candidates]
        candidates.append(candidate)
    outcomes, used = publish(use_case, candidates, baseline)
    return RetrainSummary(
        use_case=use_case.name,
        due=True,
        why=decision.why,
        outcomes=tuple(outcomes),
        people_evaluated=0 if run.data.people is None else len(run.data.people),
        lists_evaluated=len(run.data.lists),
        examples_used=used,
        not_trained=" ".join(not_trained + without),
    )


def _waits_for_a_first(kind: str, baseline: ActiveIds) -> bool:
    return trainer_of(kind).only_succeeds and baseline[kind] is None


def _fit(run: Run, kinds: Sequence[str]) -> tuple[dict[str, Fitted], list[str]]:
    """New models by kind, and why there are none of others. Raises TrainingError where it is the lead."""
    found: dict[str, Fitted] = {}
    not_trained = []
    for kind in kinds:
        try:
            fitted = trainer_of(kind).fit(run.material)
        except TrainingError as error:
            if kind == lead_of(run.material.use_case):
                raise
            # The other models do not wait for it.
            use_case = run.material.use_case.name
            logger.warning("no candidate", kind=kind, use_case=use_case, error=error.message)
            not_trained.append(error.message)
        else:
            if fitted is not None:
                found[kind] = fitted
    return found, not_trained


def _loaded(kind: str, fitted: Fitted, weight: float | None, serving: ModelSet) -> LoadedModel:
    """A candidate as it would serve, with the share of the model before it until another is chosen."""
    before = serving.by_kind.get(kind)
    share = None if before is None else before.refusal_share
    label = f"{TRAINED[kind].label} candidate"
    return LoadedModel(0, label, fitted.model, quality_of(fitted.metrics), weight, share)


def _with_share(
    run: Run, in_place: ModelSet, fitted: Mapping[str, Fitted], new: Sequence[str]
) -> tuple[ModelSet, ChosenShare | None]:
    """The models with the share chosen for them; as they are where there is none to choose.

    new  the candidates among them that would be registered: only with one of these can a share be kept
    """
    if not any(TRAINED[kind].judges for kind in new):
        return in_place, None
    chosen = choose_share(run, in_place, fitted)
    return (in_place, None) if chosen is None else (chosen.put_into(in_place), chosen)


def _noted(candidate: Candidate, chosen: ChosenShare, run: Run) -> Candidate:
    """A model of verdicts with the share that was chosen for it; any other candidate as it is."""
    if not TRAINED[candidate.kind].judges:
        return candidate
    return replace(candidate, metrics=chosen.noted(candidate.metrics, run), refusal_share=chosen.share)


def _judge(
    run: Run,
    kind: str,
    fitted: Fitted,
    in_place: ModelSet,
    serving: ModelSet,
    simple: Sequence[ContenderEvaluation],
) -> Candidate:
    """A candidate with its verdict; `in_place` are the models that serve if that stands."""
    verdict, metrics = _evaluate(run, kind, in_place, serving, simple)
    if _makes_lists(kind) and kind not in run.material.use_case.sources:
        # It may go live: an arm of an experiment may name it.
        verdict = replace(verdict, why=f"{verdict.why} {UNASKED}")
    loaded = in_place.by_kind[kind]
    return Candidate(
        kind=kind,
        data=trainer_of(kind).dump(fitted.model),
        manifest=manifest_json(run, fitted),
        hyper_parameters=fitted.hyper_parameters,
        metrics={**metrics, **fitted.metrics},
        examples=fitted.examples,
        verdict=verdict,
        weight=loaded.weight,
        refusal_share=loaded.refusal_share,
    )


def _evaluate(
    run: Run, kind: str, in_place: ModelSet, serving: ModelSet, simple: Sequence[ContenderEvaluation]
) -> tuple[GateVerdict, dict[str, Any]]:
    """The verdict on a candidate in the place where it would serve, and the figures as JSON.

    Beside the lead, only a part of the order of another retriever shows. So one that has a predecessor is
    first compared alone with it, and only where it passes in its place. One that is new has to be of use
    beside the others, not alone; so has one that orders or judges what others bring, and makes no list.
    """
    is_lead = kind == lead_of(run.material.use_case)
    if is_lead or not _makes_lists(kind) or kind not in serving.by_kind:
        metrics, verdict = compare_models(run, in_place, serving, simple)
        return verdict, metrics
    metrics, alone = compare_models(run, in_place.only(kind), serving.only(kind), simple, alone=True)
    if not alone.passed:
        return alone, metrics
    among_all, verdict = compare_models(run, in_place, serving, simple)
    metrics[StoredReport.IN_PLACE] = among_all[StoredReport.LATEST]
    why = f"Alone: {alone.why} Among all that serves: {verdict.why}"
    return GateVerdict(verdict.passed, why), metrics


def _makes_lists(kind: str) -> bool:
    return not (TRAINED[kind].orders or TRAINED[kind].judges)
