"""From the evaluations of contenders to a report: their results, each beside the baseline, under the gate."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from django.conf import settings
from django.utils import timezone

from core.domain import UseCase
from ranking.evaluation.evaluation_set import EvaluationSet
from ranking.evaluation.gate import GateRules, paired_differences
from ranking.evaluation.results import ContenderEvaluation
from ranking.evaluation.segments import segment_results, source_results
from ranking.evaluation_report import EvaluationReport, EvaluationResult, GateVerdict


def make_report(
    evaluations: Sequence[ContenderEvaluation],
    data: EvaluationSet,
    *,
    baseline: ContenderEvaluation,
    verdicts: Mapping[str, GateVerdict],
    use_case: UseCase,
    seed: int,
    why_start: str,
    datasets: Mapping[str, str | None] | None = None,
    why_empty: str = "",
) -> EvaluationReport:
    """The report of contenders evaluated on `data`, in their order.

    baseline  the one of them that the others are compared with
    verdicts  of the gate, by contender, for those that it was asked about
    why_empty  the reason where there was nothing to evaluate on
    """

    def result(one: ContenderEvaluation) -> EvaluationResult:
        return replace(
            one.result(seed=seed),
            differences=() if one is baseline else paired_differences(one, baseline, seed=seed),
            gate=verdicts.get(one.name),
            segments=segment_results(one, baseline, data, seed=seed),
            sources=source_results(one, seed=seed),
        )

    return EvaluationReport(
        results=tuple(result(one) for one in evaluations),
        use_case=use_case.name,
        start=datetime.fromtimestamp(data.start, UTC),
        why_start=why_start,
        made_at=timezone.now(),
        seed=seed,
        people=data.people_count,
        people_found=data.found[0],
        lists=len(data.lists),
        lists_found=data.found[1],
        datasets=datasets or {},
        why_empty=why_empty,
    )


def gate_rules() -> GateRules:
    """The rules of the gate by GATE_MARGIN and GATE_MIN_PEOPLE."""
    return GateRules(margin=settings.GATE_MARGIN, min_people=settings.GATE_MIN_PEOPLE)
