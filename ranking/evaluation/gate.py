"""The gate: a model goes live only when it is better on what neither it nor the active one has seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ranking.evaluation.results import ContenderEvaluation
from ranking.evaluation_report import FIGURES, GateVerdict, PairedDifference
from ranking.statistics.metrics import paired_bootstrap_interval


@dataclass(frozen=True, slots=True)
class GateRules:
    """The conditions a candidate has to meet.

    margin      the lower end of the paired difference in NDCG must not lie below this
    min_people  with fewer people to evaluate on, nothing is activated
    """

    margin: float
    min_people: int


# The figure that decides: the first for which there are enough people. Where lists are shown, people can
# only like what they are shown: lists made anew would be measured by how much they repeat those of the models
# that serve.
_QUALITY = ("list_ndcg", "ndcg")
# For each of them the order of what people liked over what they turned down.
_ORDER = {"list_ndcg": "list_order", "ndcg": "order"}
# Figures of dislikes, which must not become worse.
_DISLIKES = ("list_order", "order", "disliked_share", "ndcg_gap")
# Where so many people all fare worse, chance explains it in 3 % of cases (sign test); fewer show nothing.
_MIN_CLEAR = 6
# The person or list that a figure is about, and what is wanted of it.
_EVIDENCE = {
    "ndcg": "made a list that holds anything they liked afterwards",
    "list_ndcg": "ordered a list that holds anything they engaged with",
}


def compare(
    candidate: ContenderEvaluation,
    active: ContenderEvaluation,
    rules: GateRules,
    *,
    seed: int,
    why_few: str = "Wait for more feedback.",
    baselines: Sequence[ContenderEvaluation] = (),
) -> GateVerdict:
    """Compares the candidate with the active models on the same people and lists.

    It passes when the lower end of the paired 95 % interval of its NDCG difference is not below the margin,
    and neither the order of liked over disliked items nor the share of later disliked ones is clearly worse.
    One that adds a model of verdicts passes for what that is for, too (`_turns_down_less`). It is also held
    against `baselines`, simple ways that anybody could take: one that is clearly worse than any of them
    passes only where it is clearly better than what serves. What the candidate learned from decides nothing.
    No difference where no model made any list, or none that was any good to anybody, is no evidence, and does
    not pass. `why_few`: why there are few people, where there are too few.
    """
    if candidate.leaked:
        return GateVerdict(False, f"{candidate.name} may have learned from part of what it is evaluated on.")
    differences = {one.figure: one for one in paired_differences(candidate, active, seed=seed)}
    evidence = {name: _evidence(candidate, active, name) for name in _QUALITY}
    adds_judge = candidate.judged and not active.judged
    passed, why = _decide(differences, evidence, rules, active.name, adds_judge=adds_judge)
    if not passed:
        return GateVerdict(False, why or f"{_too_few(differences, rules)} {why_few}")
    quality = _deciding(differences, rules)
    if quality is None:
        return GateVerdict(False, why)
    simple = _beside(candidate, baselines, quality.figure, seed)
    beaten = [one for one in simple if one.people >= _MIN_CLEAR and one.interval.high < 0.0]
    why += "".join(f" {_words(one)} against {one.baseline}." for one in simple)
    if beaten and quality.interval.low <= 0.0:
        return GateVerdict(False, f"{why} It is clearly worse than {beaten[0].baseline}, a simple way.")
    return GateVerdict(True, why)


def paired_differences(
    one: ContenderEvaluation, other: ContenderEvaluation, *, seed: int
) -> tuple[PairedDifference, ...]:
    """`one` minus `other`, person by person, in the figures that both have for anybody."""
    rng = np.random.default_rng(seed)
    differences = []
    for name in FIGURES:
        if name in one.figures and name in other.figures:
            mine, theirs = one.figures[name].beside(other.figures[name])
            if len(mine):
                interval = paired_bootstrap_interval(mine, theirs, rng=rng)
                differences.append(PairedDifference(name, other.name, len(mine), interval))
    return tuple(differences)


def _beside(
    candidate: ContenderEvaluation, baselines: Sequence[ContenderEvaluation], figure: str, seed: int
) -> list[PairedDifference]:
    """The candidate minus each baseline in one figure."""
    found = (paired_differences(candidate, baseline, seed=seed) for baseline in baselines)
    return [one for differences in found for one in differences if one.figure == figure]


def _deciding(by_name: dict[str, PairedDifference], rules: GateRules) -> PairedDifference | None:
    """The difference that decides, None with too few people for any."""
    known = (by_name[name] for name in _QUALITY if name in by_name)
    return next((one for one in known if one.people >= rules.min_people), None)


def _evidence(one: ContenderEvaluation, other: ContenderEvaluation, name: str) -> int:
    """The number of people for whom a model of either side has a list that is any good."""
    if name not in one.figures or name not in other.figures:
        return 0
    user_ids, mine, theirs = one.figures[name].matched(other.figures[name])
    speaks = (mine > 0.0) | (theirs > 0.0)
    if name in one.by_models or name in other.by_models:
        nobody = np.empty(0, dtype=np.int64)
        by_either = np.union1d(one.by_models.get(name, nobody), other.by_models.get(name, nobody))
        speaks &= np.isin(user_ids, by_either)
    return int(speaks.sum())


def _decide(
    by_name: dict[str, PairedDifference],
    evidence: dict[str, int],
    rules: GateRules,
    active: str,
    *,
    adds_judge: bool,
) -> tuple[bool, str]:
    """The decision and its reason; "" where there are too few people to decide."""
    quality = _deciding(by_name, rules)
    if quality is None:
        return False, ""
    told, needed = evidence[quality.figure], max(1, min(_MIN_CLEAR, rules.min_people))
    if told < needed:
        return False, (
            f"{_people(quality.people)} can be evaluated, but for only {told} of them has a model of either "
            f"side {_EVIDENCE[quality.figure]}; {needed} are needed."
        )
    order = by_name.get(_ORDER[quality.figure]) if adds_judge else None
    # Turned round, so that what is no number passes nothing.
    if not (quality.interval.low >= rules.margin or _turns_down_less(order, quality, rules)):
        return False, (
            f"{_words(quality)} against {active}: the lower end lies below the margin of {rules.margin:+.3f}."
        )
    known = [by_name[name] for name in _DISLIKES if name in by_name]
    clear = [one for one in known if one.people >= _MIN_CLEAR]
    for one in clear:
        if clearly_worse(one):
            return False, f"{_words(one)} against {active}: clearly worse."
    better = f" {_words(order)}: clearly better." if order is not None and clearly_better(order) else ""
    return True, f"{_words(quality)} against {active}; {_about_dislikes(known, clear)}.{better}"


def _turns_down_less(order: PairedDifference | None, quality: PairedDifference, rules: GateRules) -> bool:
    """True where a model of verdicts clearly orders what is liked over what is turned down, at little cost.

    It takes as many people as quality does. The cost is little where quality lies above the margin in the
    mean and is not clearly worse: a few dozen people cannot show more.
    """
    if order is None or order.people < rules.min_people or not clearly_better(order):
        return False
    return quality.interval.mean >= rules.margin and not clearly_worse(quality)


def _too_few(by_name: dict[str, PairedDifference], rules: GateRules) -> str:
    people = max((by_name[name].people for name in _QUALITY if name in by_name), default=0)
    needed = max(1, rules.min_people)
    return f"Only {_people(people)} can be evaluated on what was held out; {needed} are needed."


def _about_dislikes(known: list[PairedDifference], clear: list[PairedDifference]) -> str:
    if clear:
        return "disliked items are not clearly worse"
    if known:
        people = max(one.people for one in known)
        return f"{_people(people)} turned anything down, too few to compare by"
    return "no dislikes to compare by"


def clearly_worse(one: PairedDifference) -> bool:
    """True where the whole interval of a difference lies on the wrong side of 0, over people enough."""
    is_rise = FIGURES[one.figure].better < 0
    return _is_clear_rise(one) if is_rise else _is_clear_fall(one)


def clearly_better(one: PairedDifference) -> bool:
    """True where the whole interval of a difference lies on the right side of 0, over people enough."""
    is_rise = FIGURES[one.figure].better >= 0
    return _is_clear_rise(one) if is_rise else _is_clear_fall(one)


def _is_clear_rise(one: PairedDifference) -> bool:
    return one.people >= _MIN_CLEAR and one.interval.low > 0.0


def _is_clear_fall(one: PairedDifference) -> bool:
    return one.people >= _MIN_CLEAR and one.interval.high < 0.0


def _words(one: PairedDifference) -> str:
    i = one.interval
    return (
        f"{FIGURES[one.figure].title} {i.mean:+.3f} [{i.low:+.3f}, {i.high:+.3f}] over {_people(one.people)}"
    )


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
