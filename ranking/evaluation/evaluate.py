"""Compares model versions on what was held out, writes the report, and notes the result with the versions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.models import Item
from core.domain import UseCase
from core.errors import NotFound
from core.progress import Progress
from profiles.historical_taste import HistoricalTastes
from ranking.datasets.event_log import load_als_events
from ranking.datasets.manifest import newest_dataset
from ranking.datasets.shortage import no_active_items
from ranking.datasets.shown_lists import load_lists, no_lists
from ranking.evaluation.comparison import evaluate_contenders
from ranking.evaluation.contenders import POPULARITY, Contender
from ranking.evaluation.evaluation_set import (
    EVALUATED_OF_ALL,
    EvaluationSet,
    evaluation_set,
)
from ranking.evaluation.gate import compare
from ranking.evaluation.refusals import refusal_curve, with_refusals
from ranking.evaluation.report import check_report_can_be_kept, write_report
from ranking.evaluation.reporting import gate_rules, make_report
from ranking.evaluation.shortage import why_few
from ranking.evaluation.versions import VersionSet, load_contender, named_versions, usual_versions
from ranking.evaluation_codec import to_json
from ranking.evaluation_report import EvaluationReport
from ranking.models import ModelVersion, StoredReport
from ranking.registry.lineage import seen_until
from ranking.snapshot import CatalogSnapshot, read_snapshot
from ranking.statistics.events import Events
from ranking.statistics.lists import ShownLists
from ranking.statistics.split import time_cuts

# The first contender once more, with boosts by each person's taste.
WITH_BOOSTS = "with boosts"


@dataclass(frozen=True, slots=True)
class Request:
    """The versions to compare and the data to compare them on; None stands for the usual.

    versions        labels, or several such as `als-movie_home-7+ranker-movie_home-3`
    since           evaluate on what came from here on
    als_dataset     folder of the log of interactions; the newest
    ranker_dataset  folder of the lists that were shown; the newest, none if there is none
    out             folder of the report, which must not be there yet
    """

    use_case: UseCase
    versions: Sequence[str] = ()
    since: datetime | None = None
    als_dataset: Path | None = None
    ranker_dataset: Path | None = None
    out: Path | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome: the folder of the report, and the report as JSON."""

    report: str
    evaluation: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class _Log:
    """The log as it is read, before it is cut."""

    events: Events
    lists: ShownLists
    catalog: CatalogSnapshot
    datasets: dict[str, str | None]


def evaluate_models(request: Request, progress: Progress) -> Evaluation:
    """Evaluates the versions side by side on the same people and lists, with popularity beside them.

    Models are evaluated as they are; the first stands there once more with boosts, as it is served. The
    others are compared with the first. Raises NotFound for a version or dataset that does not exist,
    InvalidInput for versions that cannot serve together, DatasetError and ModelFileError for files that are
    not whole. Where there are neither people nor lists the report says why.
    """
    use_case = request.use_case
    check_report_can_be_kept(use_case.name, request.out)
    named = request.versions
    compared = named_versions(named, use_case) if named else usual_versions(use_case)
    contenders = [load_contender(one) for one in compared]
    if all(contender.name != POPULARITY for contender in contenders):
        contenders.append(Contender(POPULARITY))
    first = contenders[0]
    contenders.append(replace(first, name=f"{first.name} {WITH_BOOSTS}", boosted=True))
    log = _read_log(request)
    data, why_start = _evaluation_set(log, compared, request)
    evaluations = evaluate_contenders(contenders, data, use_case, seed=request.seed, progress=progress)
    baseline, *others = evaluations
    candidates = {one.label for one in compared}
    report = make_report(
        evaluations,
        data,
        baseline=baseline,
        verdicts={
            one.name: compare(one, baseline, gate_rules(), seed=request.seed, why_few=why_few(data))
            for one in others
            if one.name in candidates
        },
        use_case=use_case,
        seed=request.seed,
        why_start=why_start,
        datasets=log.datasets,
        why_empty=_why_nothing(data, use_case),
    )
    curve = refusal_curve(first.models, data, use_case, seed=request.seed, progress=progress)
    report = with_refusals(report, curve, data)
    folder = write_report(report, request.out)
    _store(compared, replace(report, folder=str(folder)))
    return Evaluation(str(folder), to_json(report))


def _why_nothing(data: EvaluationSet, use_case: UseCase) -> str:
    """The reason for having neither people nor lists; "" where there are any."""
    if data.people is not None or len(data.lists):
        return ""
    if (
        not len(data.catalog.item_ids)
        and not Item.objects.filter(kind=use_case.kind, is_active=True).exists()
    ):
        return no_active_items(use_case)
    return why_few(data)


def _read_log(request: Request) -> _Log:
    name = request.use_case.name
    events_folder = request.als_dataset or newest_dataset("als", name)
    lists_folder = request.ranker_dataset
    if lists_folder is None:
        try:
            lists_folder = newest_dataset("ranker", name)
        except NotFound:
            # Where no lists were shown yet, models are evaluated on what people did all the same.
            lists_folder = None
    return _Log(
        events=load_als_events(events_folder, request.use_case)[1],
        lists=no_lists() if lists_folder is None else load_lists(lists_folder, request.use_case),
        catalog=read_snapshot(name),
        datasets={
            "als": events_folder.name,
            "ranker": None if lists_folder is None else lists_folder.name,
        },
    )


def _evaluation_set(log: _Log, compared: Sequence[VersionSet], request: Request) -> tuple[EvaluationSet, str]:
    """The evaluation set, and the reason for its start in words."""

    tastes = HistoricalTastes()

    def cut(start: float) -> EvaluationSet:
        return evaluation_set(
            events=log.events,
            lists=log.lists,
            catalog=log.catalog,
            start=start,
            seed=request.seed,
            taste_at=tastes.at,
        )

    if request.since is not None:
        return cut(request.since.timestamp()), "as asked for"
    learned = seen_until(version for one in compared for version in one.versions)
    if np.isfinite(learned):
        data = cut(learned)
        if data.people_with_evidence >= settings.GATE_MIN_PEOPLE:
            return data, "the moment up to which the newest of the versions learned"
    times = np.concatenate([log.events.times, log.lists.times])
    if not len(times):
        return cut(timezone.now().timestamp()), "nothing happened yet"
    data = cut(time_cuts(times, [1.0 - EVALUATED_OF_ALL])[0])
    if not compared or not np.isfinite(learned):
        return data, "the last tenth of the log"
    return data, (
        "the last tenth of the log, because fewer than "
        f"{settings.GATE_MIN_PEOPLE} people can be evaluated on what came since the versions learned"
    )


def _store(compared: Sequence[VersionSet], report: EvaluationReport) -> None:
    """Stores the report with each version, its own result first.

    What the gate decided by when the version was made is kept beside it.
    """
    own: dict[int, str] = {}
    # Where a version was evaluated in several sets, the smallest of them is its own.
    for versions in sorted(compared, key=lambda one: len(one.versions)):
        for version in versions.versions:
            own.setdefault(version.pk, versions.label)
    with transaction.atomic():
        for version in ModelVersion.objects.select_for_update().filter(pk__in=own).order_by("pk"):
            before = version.evaluation()
            if before and not before.folder:
                version.metrics[StoredReport.DECIDING] = to_json(before)
            version.metrics[StoredReport.LATEST] = to_json(report.starting_with(own[version.pk]))
            version.save(update_fields=["metrics"])
