"""The gate: a model goes live only when it is better on what neither it nor the active one has seen."""

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
# Figures of dislikes, which must not become worse.
_DISLIKES = ("list_order", "order", "disliked_share")
# Where so many people all fare worse, chance explains it in 3 % of cases (sign test); fewer show nothing.
_MIN_CLEAR = 6


def compare(
    candidate: ContenderEvaluation, active: ContenderEvaluation, rules: GateRules, *, seed: int
) -> GateVerdict:
    """Compares the candidate with the active models on the same people and lists.

    It passes when the lower end of the paired 95 % interval of its NDCG difference is not below the margin,
    and neither the order of liked over disliked items nor the share of later disliked ones is clearly worse.
    What the candidate learned from decides nothing.
    """
    if candidate.leaked:
        return GateVerdict(False, f"{candidate.name} may have learned from part of what it is evaluated on.")
    differences = {one.figure: one for one in paired_differences(candidate, active, seed=seed)}
    return GateVerdict(*_decide(differences, rules, active.name))


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


def _decide(by_name: dict[str, PairedDifference], rules: GateRules, active: str) -> tuple[bool, str]:
    qualities = [by_name[name] for name in _QUALITY if name in by_name]
    people = max((one.people for one in qualities), default=0)
    enough = [one for one in qualities if one.people >= rules.min_people]
    if not enough:
        return False, (
            f"Only {people} people can be evaluated on what was held out; "
            f"{rules.min_people} are needed. Wait for more feedback."
        )
    quality = enough[0]
    if quality.interval.low < rules.margin:
        return False, (
            f"{_words(quality)} against {active}: the lower end lies below the margin of {rules.margin:+.3f}."
        )
    known = [by_name[name] for name in _DISLIKES if name in by_name]
    for one in known:
        if _is_clearly_worse(one):
            return False, f"{_words(one)} against {active}: clearly worse."
    dislikes = "disliked items are not clearly worse" if known else "no dislikes to compare by"
    return True, f"{_words(quality)} against {active}; {dislikes}."


def _is_clearly_worse(one: PairedDifference) -> bool:
    if one.people < _MIN_CLEAR:
        return False
    return one.interval.low > 0.0 if FIGURES[one.figure].better < 0 else one.interval.high < 0.0


def _words(one: PairedDifference) -> str:
    i = one.interval
    people = "1 person" if one.people == 1 else f"{one.people} people"
    return f"{FIGURES[one.figure].title} {i.mean:+.3f} [{i.low:+.3f}, {i.high:+.3f}] over {people}"
