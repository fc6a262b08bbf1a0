"""Engagement and dislike, weighed against each other: how much of a score the chance of a no takes away.

A list is ordered by base score × (1 − share × P(no)). The higher the share, the further below stands what the
person would turn down, and the further may sink what they would have liked.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from core.domain import UseCase
from core.progress import Progress
from ranking.context import ScoringContext
from ranking.evaluation.evaluation_set import EvaluationSet
from ranking.evaluation.gate import clearly_worse, paired_differences
from ranking.evaluation.people import evaluate_people
from ranking.evaluation.results import ContenderEvaluation, K
from ranking.evaluation_report import EvaluationReport, RefusalPoint
from ranking.policy import Policy
from ranking.registry.loading import ModelSet

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
# So many people tell the shares apart; each of them costs five lists.
JUDGED_BY = 500
_FIGURES = ("ndcg", "ndcg_gap", "order", "disliked_share")


def refusal_curve(
    models: ModelSet, data: EvaluationSet, use_case: UseCase, *, seed: int, progress: Progress
) -> tuple[RefusalPoint, ...]:
    """The figures on people for each share, beside those for 0; none where nobody's dislikes can tell.

    At most JUDGED_BY people are drawn, the same for all shares.
    """
    context = ScoringContext.of(use_case, data.catalog, models)
    if context.judge is None or data.people is None:
        return ()
    people = data.people.sample(JUDGED_BY, np.random.default_rng(seed))
    if not any(len(person.disliked_items) for person in people.people()):
        return ()
    evaluations = []
    for share in SHARES:
        policy = Policy.of(use_case).changed({"refusal_share": share})
        tried = replace(context, policy=policy, refusal_share=share)
        report = evaluate_people(
            replace(data, people=people), tried, np.random.default_rng(seed), K, progress
        )
        figures = {name: one for name, one in report.figures.items() if name in _FIGURES}
        evaluations.append(ContenderEvaluation(name=f"{share:g}", k=K, figures=figures))
    return tuple(
        RefusalPoint(
            share=share,
            figures=one.result(seed=seed).figures,
            differences=() if share == 0.0 else paired_differences(one, evaluations[0], seed=seed),
        )
        for share, one in zip(SHARES, evaluations, strict=True)
    )


def with_refusals(
    report: EvaluationReport, curve: tuple[RefusalPoint, ...], data: EvaluationSet
) -> EvaluationReport:
    """The report with the curve that was measured on `data`, and the days of that."""
    if not curve or data.people is None:
        return report
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in (data.people.start, data.people.end))
    return replace(report, refusals=curve, refusals_from=first, refusals_until=last)


def chosen_share(curve: Sequence[RefusalPoint]) -> float | None:
    """The largest share under which no figure is clearly worse than without any; None for no curve.

    That all of it is best was measured over several ways to score (docs/research/refusals.md), so it takes
    evidence to go below and none to stay.
    """
    harmless = [one.share for one in curve if not any(map(clearly_worse, one.differences))]
    return max(harmless, default=None)
