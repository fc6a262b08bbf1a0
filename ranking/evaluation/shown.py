"""Figures on lists that people were shown: put in a contender's order, and valued as if it had made them.

The counterfactual value takes a slot that was examined as one that the contender would have filled as well,
where it would have put the same item anywhere into a list as long as the person looked. So it rests on three
things (docs/explanation/evaluation.md):

- What people do with an item that they examine depends on the item, not on the place it stands in.
- How far a person looks does not depend on the list.
- What the list was made of apart from the models, such as what a dislike holds back, is not copied, and what
  the person had only viewed before is not retrieved again. Such slots say nothing about the contender.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from core.arrays import Bools, Doubles, Ints
from core.progress import Progress
from ranking.context import ScoringContext
from ranking.evaluation.contenders import contender_scores
from ranking.evaluation.evaluation_set import EvaluationSet
from ranking.evaluation.results import NOWHERE, PersonFigures
from ranking.statistics.exposure import draw_seen, examination
from ranking.statistics.interval import Interval
from ranking.statistics.lists import ENGAGED, ShownLists, evaluate_examined_lists
from ranking.statistics.metrics import CalibrationCurve, expected_calibration_error
from ranking.statistics.off_policy import MIN_PROPENSITY, Estimate, LoggedSlots, snips
from ranking.statistics.resampling import calibration_interval


@dataclass(frozen=True, slots=True, eq=False)
class ListsReport:
    """As in `ContenderEvaluation`; `by_models`: ids of the people of whose lists a model ordered any."""

    figures: dict[str, PersonFigures]
    calibration: CalibrationCurve | None = None
    calibration_error: Interval = NOWHERE
    engagement: Estimate | None = None
    dislikes: Estimate | None = None
    by_models: Ints = field(default_factory=lambda: np.empty(0, dtype=np.int64))


def evaluate_shown(
    data: EvaluationSet,
    context: ScoringContext,
    rng: np.random.Generator,
    k: int,
    progress: Progress,
    *,
    boosted: bool = False,
) -> ListsReport:
    """Looks at each list once with the models of `context`, from what was known when it was shown.

    `boosted`: with boosts by the person's taste, as in serving.
    """
    lists = data.lists
    scores, probabilities = np.full(len(lists.item_ids), np.nan), np.full(len(lists.item_ids), np.nan)
    targets = np.zeros(len(lists.item_ids))
    logged, depths = _logged(lists), lists.depths.tolist()
    by_models = np.zeros(len(lists), dtype=np.bool_)
    progress.begin(len(lists), "lists")
    for row, (end, size) in enumerate(zip(lists.ends.tolist(), lists.sizes.tolist(), strict=True)):
        part = slice(end - size, end)
        user_id, moment = int(lists.user_ids[row]), float(lists.times[row])
        answer = contender_scores(
            lists.item_ids[part],
            data.history(user_id, moment),
            context,
            moment,
            retrieve=bool(logged[part].any()),
            taste=data.taste_at(user_id, moment, ()),
            not_there=data.not_there_at(moment),
            seen=data.seen.before(user_id, moment),
            boosted=boosted,
        )
        scores[part], probabilities[part] = answer.scores, answer.probabilities
        by_models[row] = answer.by_models
        targets[part] = np.isin(lists.item_ids[part], answer.retrieved[: depths[row]])
        progress.advance()
    report = _report(lists, scores, probabilities, targets, rng, k)
    return replace(report, by_models=np.unique(lists.user_ids[by_models]))


def evaluate_random_orders(data: EvaluationSet, rng: np.random.Generator, k: int) -> ListsReport:
    """The lists in an order by chance."""
    return ListsReport(_list_figures(data.lists, rng.random(len(data.lists.item_ids)), k))


def evaluate_as_shown(lists: ShownLists, rng: np.random.Generator, k: int) -> ListsReport:
    """The lists as they were: their scores and order, and what people did with what they examined."""
    return _report(
        lists, -lists.ranks.astype(np.float64), lists.scores, np.nan_to_num(lists.listing_chances()), rng, k
    )


def _report(
    lists: ShownLists,
    scores: Doubles,
    probabilities: Doubles,
    targets: Doubles,
    rng: np.random.Generator,
    k: int,
) -> ListsReport:
    # A score says how likely a person engages with what they examine.
    likely, _ = draw_seen(
        lists.sizes, lists.ranks, lists.relevance, examination(lists.ranks), np.random.default_rng(0)
    )
    likely &= (probabilities >= 0.0) & (probabilities <= 1.0)
    engaged = lists.relevance >= ENGAGED
    pairs = probabilities[likely], engaged[likely]
    user_ids = lists.user_ids[lists.list_of_slot]
    return ListsReport(
        figures=_list_figures(lists, scores, k),
        calibration=expected_calibration_error(*pairs) if likely.any() else None,
        calibration_error=calibration_interval(*pairs, user_ids[likely], rng=rng),
        engagement=_counterfactual(lists, targets, engaged, rng),
        dislikes=_counterfactual(lists, targets, lists.relevance == 0, rng),
    )


def _list_figures(lists: ShownLists, scores: Doubles, k: int) -> dict[str, PersonFigures]:
    if not len(lists):
        return {}
    placed = np.where(np.isnan(scores), -np.inf, scores)
    report = evaluate_examined_lists(
        lists.sizes,
        lists.user_ids,
        lists.ranks,
        lists.relevance,
        examination(lists.ranks),
        placed,
        k=k,
    )
    return {
        "list_ndcg": PersonFigures(report.user_ids, report.ndcg),
        "list_order": PersonFigures(report.user_ids, report.liked_over_disliked),
    }


def _logged(lists: ShownLists) -> Bools:
    """(n,): the slots whose chance is known."""
    chances = lists.propensities
    return (chances >= MIN_PROPENSITY) & (chances <= 1.0)


def _counterfactual(
    lists: ShownLists, targets: Doubles, rewards: Bools, rng: np.random.Generator
) -> Estimate | None:
    """The share of slots with a reward under a policy with these targets; None without propensities.

    Since a target says that an item is listed, wherever, it is held against the chance that the log lists
    it, wherever. The chance of the one place would count what was explored too often by as many places.
    """
    logged = _logged(lists)
    if not logged.any():
        return None
    slots = LoggedSlots(
        session_ids=lists.list_of_slot[logged].astype(np.int64),
        user_ids=lists.user_ids[lists.list_of_slot][logged],
        propensities=lists.listing_chances()[logged],
        rewards=rewards[logged].astype(np.float64),
        targets=targets[logged],
    )
    return snips(slots, rng=rng)
