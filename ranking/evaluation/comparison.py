"""Evaluates contenders on one set: the lists they would have made, and the lists that were made."""

from collections.abc import Sequence

import numpy as np

from core.domain import UseCase
from core.progress import Progress
from ranking.context import ScoringContext
from ranking.evaluation.contenders import AS_SHOWN, RANDOM, Contender
from ranking.evaluation.evaluation_set import EvaluationSet
from ranking.evaluation.people import PeopleReport, evaluate_people, evaluate_random_lists
from ranking.evaluation.results import NOWHERE, ContenderEvaluation, K
from ranking.evaluation.shown import ListsReport, evaluate_as_shown, evaluate_random_orders, evaluate_shown


def evaluate_contenders(
    contenders: Sequence[Contender],
    data: EvaluationSet,
    use_case: UseCase,
    *,
    seed: int,
    progress: Progress,
    k: int = K,
) -> list[ContenderEvaluation]:
    """Each contender as in `evaluate_each`, with random and the order as shown beside them."""
    results = evaluate_each(contenders, data, use_case, seed=seed, progress=progress, k=k)
    rng = np.random.default_rng(seed)
    if data.people is not None or len(data.lists):
        results.append(
            _combined(RANDOM, k, evaluate_random_lists(data, rng, k), evaluate_random_orders(data, rng, k))
        )
    if len(data.lists):
        nobody = PeopleReport({}, NOWHERE)
        results.append(_combined(AS_SHOWN, k, nobody, evaluate_as_shown(data.lists, rng, k)))
    return results


def evaluate_each(
    contenders: Sequence[Contender],
    data: EvaluationSet,
    use_case: UseCase,
    *,
    seed: int,
    progress: Progress,
    k: int = K,
) -> list[ContenderEvaluation]:
    """Each contender on the same people and the same lists.

    Each scores each person and each list once; held in memory is a list per person. Every contender's
    intervals come from the same resamples.
    """
    results = []
    for contender in contenders:
        context = ScoringContext.of(use_case, data.catalog, contender.models)
        rng = np.random.default_rng(seed)
        results.append(
            _combined(
                contender.name,
                k,
                evaluate_people(data, context, rng, k, progress, boosted=contender.boosted),
                evaluate_shown(data, context, rng, k, progress, boosted=contender.boosted),
                leaked=contender.seen_until > data.start,
                judged=context.judge is not None,
            )
        )
    return results


def _combined(
    name: str,
    k: int,
    people: PeopleReport,
    shown: ListsReport,
    *,
    leaked: bool = False,
    judged: bool = False,
) -> ContenderEvaluation:
    return ContenderEvaluation(
        name=name,
        k=k,
        figures=people.figures | shown.figures,
        coverage=people.coverage,
        calibration=shown.calibration,
        calibration_error=shown.calibration_error,
        engagement=shown.engagement,
        dislikes=shown.dislikes,
        leaked=leaked,
        judged=judged,
        by_models={"ndcg": people.by_models, "list_ndcg": shown.by_models},
        of_items=people.of_items,
        by_source=people.by_source,
    )
