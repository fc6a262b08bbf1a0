"""The report of an experiment so far: per arm and against the control, valid at any time it is read.

All statistics are over people, because people were drawn. A person counts in the figures once the days that
count are over for them. Of an arm that was switched off, and of an experiment that was stopped, only those
count whose days were over by then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone

from core.arrays import Bools, Doubles, Ints
from experiments.outcomes import People, read_people, seconds_that_count
from ranking.arms import allocation_of
from ranking.models import Arm, Experiment
from ranking.statistics.interval import Interval
from ranking.statistics.sequential import (
    ArmDifference,
    SequentialTest,
    check_ratio,
    compare_arms,
    follow_mean,
)

# The chance that an experiment in which nothing differs ever claims a difference, in any figure and arm.
ALPHA = 0.05
# The chance that people who were drawn as they should be ever fail the sample-ratio test.
RATIO_ALPHA = 0.001


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure's title, and which way is better: 1 higher, -1 lower."""

    title: str
    better: int


FIGURES: dict[str, Figure] = {
    "engagement": Figure("Engagement", 1),
    "dislike_rate": Figure("Dislike rate", -1),
    "ndcg": Figure("NDCG@10 as shown", 1),
}
"""Per person: slots engaged with per slot seen, slots disliked per slot seen, mean NDCG@10 of the lists."""


@dataclass(frozen=True, slots=True)
class ArmReport:
    """One arm so far.

    people, lists  who got lists of it, and how many, until now
    counted        people whose days are over
    slots_seen     by those
    figures        means over those, with intervals that hold at all looks at once, each with 95 %
    """

    arm: Arm
    people: int
    lists: int
    counted: int
    slots_seen: int
    figures: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Differences of an arm's figures to those of the control, each tested at `alpha`."""

    arm: Arm
    control: Arm
    alpha: float
    figures: Mapping[str, ArmDifference]


@dataclass(frozen=True, slots=True)
class RatioCheck:
    """Sample-ratio tests: are people spread over the arms as drawn?

    came     those who got a list
    counted  those whose days are over and who saw something: a fault in an arm's lists shows here
    """

    came: SequentialTest
    counted: SequentialTest

    @property
    def p_value(self) -> float:
        """The p-value of both tests together; Bonferroni."""
        return min(1.0, 2 * min(self.came.p_value, self.counted.p_value))

    @property
    def is_alarming(self) -> bool:
        """True where no comparison is to be trusted."""
        return self.p_value <= RATIO_ALPHA


@dataclass(frozen=True, slots=True)
class ExperimentReport:
    """All that is known of an experiment at one moment."""

    experiment: Experiment
    made_at: datetime
    arms: tuple[ArmReport, ...]
    comparisons: tuple[Comparison, ...]
    ratio: RatioCheck

    @property
    def is_found(self) -> bool:
        """True where any difference was found."""
        return any(
            one.test.found_after is not None
            for comparison in self.comparisons
            for one in comparison.figures.values()
        )


def make_report(experiment: Experiment, *, now: datetime | None = None) -> ExperimentReport:
    """The report of an experiment that was started, from the log as of `now`."""
    arms = list(experiment.arms.select_related("experiment"))
    return report_on(experiment, arms, read_people(experiment, arms), now or timezone.now())


def report_on(experiment: Experiment, arms: Sequence[Arm], people: People, now: datetime) -> ExperimentReport:
    """The report of what became of these people, as of `now`; the first arm is the control."""
    over = people.first + seconds_that_count(experiment)
    ends = np.array([_end(experiment, arm, now).timestamp() for arm in arms])
    figures = {
        "engagement": _rate(people.engaged, people.seen),
        "dislike_rate": _rate(people.disliked, people.seen),
        "ndcg": people.ndcg,
    }
    counted = over <= ends[people.arms]
    alpha = ALPHA / (len(FIGURES) * max(1, len(arms) - 1))
    return ExperimentReport(
        experiment=experiment,
        made_at=now,
        arms=tuple(
            _arm_report(arm, people, people.arms == number, counted, figures)
            for number, arm in enumerate(arms)
        ),
        comparisons=tuple(
            _compare(arms, number, people, over <= min(ends[0], ends[number]), figures, alpha)
            for number in range(1, len(arms))
        ),
        ratio=_check_ratio(arms, people, ends.min(), over),
    )


def _end(experiment: Experiment, arm: Arm, now: datetime) -> datetime:
    """Until when an arm was what it says."""
    return min(filter(None, (now, experiment.stopped_at, arm.switched_off_at)))


def _arm_report(
    arm: Arm, people: People, inside: Bools, counted: Bools, figures: Mapping[str, Doubles]
) -> ArmReport:
    in_figures = inside & counted
    return ArmReport(
        arm=arm,
        people=int(inside.sum()),
        lists=int(people.lists[inside].sum()),
        counted=int(in_figures.sum()),
        slots_seen=int(people.seen[in_figures].sum()),
        figures={name: follow_mean(_known(figures[name][in_figures]), alpha=ALPHA) for name in FIGURES},
    )


def _compare(
    arms: Sequence[Arm],
    number: int,
    people: People,
    counted: Bools,
    figures: Mapping[str, Doubles],
    alpha: float,
) -> Comparison:
    share = arms[number].weight / (arms[0].weight + arms[number].weight)
    both = counted & ((people.arms == 0) | (people.arms == number))
    found = {}
    for name in FIGURES:
        used = both & ~np.isnan(figures[name])
        treated = people.arms[used] == number
        found[name] = compare_arms(figures[name][used], treated, share=share, alpha=alpha)
    return Comparison(arms[number], arms[0], alpha, found)


def _check_ratio(arms: Sequence[Arm], people: People, end: float, over: Doubles) -> RatioCheck:
    """As long as all arms were on; afterwards people are drawn as before, but some to no arm."""
    shares = np.array(allocation_of(arms).shares, dtype=np.float64)
    alpha = RATIO_ALPHA / 2
    return RatioCheck(
        came=check_ratio(people.arms[people.first <= end], shares, alpha=alpha),
        counted=check_ratio(people.arms[(over <= end) & (people.seen > 0)], shares, alpha=alpha),
    )


def _rate(counts: Ints, totals: Ints) -> Doubles:
    """Element by element, NaN where nothing was seen."""
    rates = np.full(len(counts), np.nan)
    np.divide(counts, totals, out=rates, where=totals > 0)
    return rates


def _known(values: Doubles) -> Doubles:
    return values[~np.isnan(values)]
