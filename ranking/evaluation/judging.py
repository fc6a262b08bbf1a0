"""Judges contenders on what was held out: the lists they would have made, and the lists that were made."""

from collections.abc import Sequence

import numpy as np

from core.domain import UseCase
from core.progress import Progress
from ranking.evaluation.contenders import AS_SHOWN, RANDOM, Contender
from ranking.evaluation.heldout import HeldOut
from ranking.evaluation.people import PeopleReport, judge_people, judge_random_lists
from ranking.evaluation.results import NOWHERE, ContenderEvaluation, K
from ranking.evaluation.shown import ListsReport, judge_as_shown, judge_shown, judge_shown_by_chance
from ranking.live import Live


def judge(
    contenders: Sequence[Contender],
    held: HeldOut,
    use_case: UseCase,
    *,
    seed: int,
    progress: Progress,
    k: int = K,
) -> list[ContenderEvaluation]:
    """Each contender on the same people and the same lists, with random and the order as shown beside them.

    One look at each person and at each list for each contender; what is held is a list per person. Every
    contender's intervals come from the same resamples.
    """
    judgements = []
    for contender in contenders:
        live = Live.of(held.catalogue, contender.models)
        rng = np.random.default_rng(seed)
        judgements.append(
            _together(
                contender.name,
                k,
                judge_people(held, live, use_case, rng, k, progress, boosted=contender.boosted),
                judge_shown(held, live, use_case, rng, k, progress, boosted=contender.boosted),
                leaked=contender.seen_until > held.start,
            )
        )
    rng = np.random.default_rng(seed)
    if held.people is not None or len(held.lists):
        judgements.append(
            _together(RANDOM, k, judge_random_lists(held, rng, k), judge_shown_by_chance(held, rng, k))
        )
    if len(held.lists):
        nobody = PeopleReport({}, NOWHERE)
        judgements.append(_together(AS_SHOWN, k, nobody, judge_as_shown(held.lists, rng, k)))
    return judgements


def _together(
    name: str, k: int, people: PeopleReport, shown: ListsReport, *, leaked: bool = False
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
    )
