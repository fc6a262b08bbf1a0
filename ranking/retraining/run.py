"""One run of retraining: the material that it reads, and the comparison of a candidate with what serves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models import Q, QuerySet

from core.arrays import Doubles
from core.domain import UseCase
from core.progress import Progress
from profiles.historical_taste import HistoricalTastes
from ranking.datasets.event_log import generate_als_dataset, load_als_events
from ranking.datasets.ranker import generate_ranker_dataset
from ranking.datasets.session_log import sessions_until
from ranking.datasets.shortage import moment_text, no_active_items, why_nothing_to_learn
from ranking.datasets.shown_lists import load_lists
from ranking.evaluation.comparison import evaluate_contenders, evaluate_each
from ranking.evaluation.contenders import AS_SHOWN, POPULARITY, RANDOM, Contender
from ranking.evaluation.evaluation_set import EVALUATED_OF_ALL, EvaluationSet, evaluation_set
from ranking.evaluation.gate import compare
from ranking.evaluation.reporting import gate_rules, make_report
from ranking.evaluation.results import ContenderEvaluation
from ranking.evaluation.shortage import why_few
from ranking.evaluation_codec import to_json
from ranking.evaluation_report import GateVerdict
from ranking.models import ModelVersion, StoredReport
from ranking.recommenders.event_training import calibrated_until
from ranking.recommenders.registry import TRAINED
from ranking.recommenders.training import Fitted, TrainingError, TrainingMaterial, event_trainer_of
from ranking.registry.lineage import EVALUATED_UNTIL, active_hyper_parameters, seen_until
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.retraining.decision import CLOCKS_DIFFER
from ranking.snapshot import CatalogSnapshot, read_snapshot
from ranking.statistics.events import Events
from ranking.statistics.split import time_cuts

# This share of what came since the active models learned is for evaluation; where there are none, it is
# EVALUATED_OF_ALL of the whole log.
EVALUATED_OF_NEW = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """All that one run learns from and evaluates on.

    material  what lies before the cut
    data      what lies behind it
    earlier   the last days before it, to choose on what candidates are then judged with; None where the use
              case has nothing to choose
    cut       the moment that divides them, seconds since 1970
    until     up to when the log was read
    known     the evaluations of models so far: what serves stands beside every candidate
    """

    material: TrainingMaterial
    data: EvaluationSet
    earlier: EvaluationSet | None
    cut: float
    until: datetime
    known: list[tuple[ModelSet, ContenderEvaluation]] = field(default_factory=list)


def read_run(
    use_case: UseCase,
    active: ModelSet,
    seed: int,
    progress: Progress,
    now: datetime,
    tune_seconds: float = 0.0,
) -> Run:
    """Reads the log up to `now` and cuts it. Raises TrainingError, which says why, with nothing to learn."""
    if why_not := why_nothing_to_learn(use_case, now):
        raise TrainingError(why_not)
    catalog = read_snapshot(use_case.name)
    if not len(catalog.item_ids):
        raise TrainingError(no_active_items(use_case))
    events_folder = Path(generate_als_dataset(use_case=use_case, progress=progress, now=now).folder)
    events_manifest, events = load_als_events(events_folder, use_case)
    learned_until = known_until(seen_until(_in_use(use_case, active)), now)
    cut = choose_cut(events.times, _times_of_lists(use_case, now), learned_until)
    _check_past(events, cut)
    lists = generate_ranker_dataset(use_case=use_case, progress=progress, now=last_before(cut))
    # Second, because the newest dataset is what other commands take.
    shown = generate_ranker_dataset(use_case=use_case, progress=progress, now=now)
    data = evaluation_set(
        events=events,
        lists=load_lists(Path(shown.folder), use_case),
        catalog=catalog,
        start=cut,
        seed=seed,
        taste_at=HistoricalTastes().at,
    )
    material = TrainingMaterial(
        use_case=use_case,
        seed=seed,
        progress=progress,
        events=events.before(cut),
        events_manifest=events_manifest,
        until=last_before(cut),
        lists=lists,
        catalog=data.catalog,
        hyper_parameters=active_hyper_parameters(use_case),
        tune_seconds=tune_seconds / max(len(use_case.models), 1),
    )
    judges = any(TRAINED[kind].judges for kind in use_case.models if kind in TRAINED)
    return Run(material, data, _earlier_set(material, catalog) if judges else None, cut, now)


def _earlier_set(material: TrainingMaterial, catalog: CatalogSnapshot) -> EvaluationSet:
    """The last tenth of what is learned from, to evaluate models of what came before it on."""
    return evaluation_set(
        events=material.events,
        lists=load_lists(Path(material.lists.folder), material.use_case),
        catalog=catalog,
        start=calibrated_until(material.events),
        seed=material.seed,
        taste_at=HistoricalTastes().at,
    )


def _check_past(events: Events, cut: float) -> None:
    """Raises TrainingError where nothing before the cut speaks for an item."""
    if (events.weights[events.times < cut] > 0).any():
        return
    if (events.times == events.times[0]).all():
        raise TrainingError(
            f"There is nothing to learn from yet: all {len(events):,} interactions are of one moment, "
            f"{moment_text(cut)}, and a model is evaluated on what came after what it learned from. "
            "Import them with the times at which they happened."
        )
    raise TrainingError(
        f"There is nothing to learn from yet: nothing before {moment_text(cut)} speaks for an item, and what "
        "came since is kept for evaluation. Wait for more feedback."
    )


def _in_use(use_case: UseCase, serving: ModelSet) -> QuerySet[ModelVersion]:
    """The active versions and those that serve: they differ where the file of an active one is damaged."""
    versions = ModelVersion.objects.filter(use_case=use_case.name)
    return versions.filter(Q(status=ModelVersion.Status.ACTIVE) | Q(pk__in=serving.version_ids))


def last_before(cut: float) -> datetime:
    """The last moment before a cut, in seconds since 1970."""
    return datetime.fromtimestamp(cut, UTC) - timedelta(microseconds=1)


def _times_of_lists(use_case: UseCase, until: datetime) -> Doubles:
    """The times of the lists that anybody saw, seconds since 1970."""
    seen = sessions_until(use_case, until).filter(seen_rank__gt=0).values_list("created_at", flat=True)
    return np.array([moment.timestamp() for moment in seen.iterator()], dtype=np.float64)


def known_until(seen_until: float, now: datetime) -> float:
    """The moment up to which the active models learned; -inf where a clock that was ahead says one to come.

    To be evaluated on what they may have seen is to their advantage. To wait for what comes after could take
    years.
    """
    return seen_until if seen_until <= (now + CLOCKS_DIFFER).timestamp() else -np.inf


def choose_cut(events: Doubles, lists: Doubles, seen_until: float) -> float:
    """The moment that divides what is learned from and what is evaluated on, seconds since 1970.

    events, lists  times of what people did and of the lists they were shown
    seen_until     up to when the active models learned; -inf where there are none
    """
    times = np.concatenate([events, lists])
    new = times[times > seen_until]
    if not len(new):
        # Nothing to evaluate on; the gate will say so.
        return float(times.max()) + 1.0
    share = EVALUATED_OF_NEW if np.isfinite(seen_until) else EVALUATED_OF_ALL
    return time_cuts(new, [1.0 - share])[0]


def evaluate_baselines(run: Run) -> list[ContenderEvaluation]:
    """The simple ways on what was held out, once for all candidates of a run."""
    material = run.material
    contenders = [Contender(POPULARITY), *_plain(material)]
    return evaluate_contenders(
        contenders, run.data, material.use_case, seed=material.seed, progress=material.progress
    )


def _plain(material: TrainingMaterial) -> Iterator[Contender]:
    """The kinds of the use case in the setting of their paper, each alone, where they have one."""
    for kind in filter(TRAINED.__contains__, material.use_case.sources):
        trainer = event_trainer_of(kind, material.catalog.content)
        if trainer is None or trainer.plain is None:
            continue
        name = f"plain {TRAINED[kind].label}"
        try:
            model = trainer.fit_events(material.events, trainer.plain, seed=material.seed, progress=None)
        except TrainingError:
            continue
        yield Contender(name, ModelSet({kind: LoadedModel(0, name, model)}))


def compare_models(
    run: Run,
    candidate: ModelSet,
    active: ModelSet,
    beside: Sequence[ContenderEvaluation],
    *,
    alone: bool = False,
) -> tuple[dict[str, Any], GateVerdict]:
    """Both on what was held out, with the simple ways `beside` them: the figures as JSON, and the verdict.

    `alone`: it is a kind that serves beside others, so by itself it need not be better than any simple way.
    """
    material = run.material
    evaluations = [_evaluation(run, "candidate", candidate), _evaluation(run, "active", active)]
    # Where nothing serves, what is active is popularity itself.
    simple = [one for one in beside if active.version_ids or one.name != POPULARITY]
    verdict = compare(
        evaluations[0],
        evaluations[1],
        gate_rules(),
        seed=material.seed,
        why_few=why_few(run.data),
        baselines=[] if alone else [one for one in simple if one.name not in (RANDOM, AS_SHOWN)],
    )
    evaluations += simple
    report = make_report(
        evaluations,
        run.data,
        baseline=evaluations[1],
        verdicts={evaluations[0].name: verdict},
        use_case=material.use_case,
        seed=material.seed,
        why_start="the candidate learned from what came before",
    )
    return {StoredReport.LATEST: to_json(report)}, verdict


def _evaluation(run: Run, name: str, models: ModelSet) -> ContenderEvaluation:
    """The evaluation of models under a name; once in a run for the same models."""
    for others, evaluation in run.known:
        if _are_the_same(models, others):
            return replace(evaluation, name=name)
    material = run.material
    (evaluation,) = evaluate_each(
        [Contender(name, models)],
        run.data,
        material.use_case,
        seed=material.seed,
        progress=material.progress,
    )
    run.known.append((models, evaluation))
    return evaluation


def _are_the_same(one: ModelSet, other: ModelSet) -> bool:
    kinds = one.by_kind.keys()
    return kinds == other.by_kind.keys() and all(one.by_kind[kind] is other.by_kind[kind] for kind in kinds)


def manifest_json(run: Run, fitted: Fitted) -> dict[str, Any]:
    """The manifest of a dataset as that of a version that learned from what lies before the cut."""
    return {
        **fitted.manifest.as_json(),
        "negative_examples": list(fitted.examples),
        # The dataset of interactions reaches further, but what lies behind the cut was for evaluation.
        "window_end": datetime.fromtimestamp(run.cut, UTC).isoformat(),
        EVALUATED_UNTIL: run.until.isoformat(),
    }
