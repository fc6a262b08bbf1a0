"""The evaluation of one contender in memory: its figures person by person, and the result made of them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from core.arrays import Doubles, Ints
from ranking.evaluation_report import CalibrationBins, EvaluationResult, LogSupport, known_figures
from ranking.statistics.interval import Interval
from ranking.statistics.metrics import CalibrationCurve, bootstrap_interval
from ranking.statistics.off_policy import Estimate

K = 10
NOWHERE = Interval(np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class PersonFigures:
    """One figure of each person evaluated on, (p,), user ids sorted; NaN where it is not defined for them."""

    user_ids: Ints
    values: Doubles

    def interval(self, rng: np.random.Generator) -> Interval:
        """The mean with its interval from resampling people."""
        return bootstrap_interval(self.values, rng=rng)

    def beside(self, other: "PersonFigures") -> tuple[Doubles, Doubles]:
        """The values of this and of the other for those people for whom both are defined."""
        _, a, b = self.matched(other)
        return a, b

    def matched(self, other: "PersonFigures") -> tuple[Ints, Doubles, Doubles]:
        """The ids of the people for whom both are defined, and the values of this and of the other."""
        user_ids, mine, theirs = np.intersect1d(
            self.user_ids, other.user_ids, assume_unique=True, return_indices=True
        )
        a, b = self.values[mine], other.values[theirs]
        both = ~np.isnan(a) & ~np.isnan(b)
        return user_ids[both], a[both], b[both]

    def of_people(self, user_ids: Ints) -> "PersonFigures":
        """The same figure of these people alone."""
        among = np.isin(self.user_ids, user_ids)
        return PersonFigures(self.user_ids[among], self.values[among])


@dataclass(frozen=True, slots=True, eq=False)
class SourceFigures:
    """The share of what each person liked that a source brought, and that no other source did."""

    brought: PersonFigures
    alone: PersonFigures


@dataclass(frozen=True, slots=True, eq=False)
class ContenderEvaluation:
    """The evaluation of one contender. Which figures there are depends on what was held out.

    figures       by name, per person. On people whom lists are made for: ndcg, recall, hit_rate, mrr,
                  novelty, disliked_share, ndcg_gap, order (liked above disliked), candidate_recall. On lists
                  that were shown: list_ndcg, list_order. All at k where they have a k
    coverage      share of the catalog in anybody's first k; NaN without people
    calibration   predicted against observed share of engaged slots; None where there are no probabilities
    calibration_error   the mean distance between the two
    engagement, dislikes   counterfactual share of engaged and of disliked slots; None without propensities
    leaked        its models may have learned from part of what was held out
    judged        a model of verdicts lowers what people would turn down
    by_models     by figure, ids of the people for whom a model made or ordered a list; a figure that is not
                  in it counts for everybody for whom it is defined
    of_items      by one of ITEM_SEGMENTS, recall and candidate_recall of what people liked of its items
    by_source     candidate recall by source, in order of trust
    """

    name: str
    k: int
    figures: dict[str, PersonFigures]
    coverage: Interval = NOWHERE
    calibration: CalibrationCurve | None = None
    calibration_error: Interval = NOWHERE
    engagement: Estimate | None = None
    dislikes: Estimate | None = None
    leaked: bool = False
    judged: bool = False
    by_models: Mapping[str, Ints] = field(default_factory=dict)
    of_items: Mapping[str, Mapping[str, PersonFigures]] = field(default_factory=dict)
    by_source: Mapping[str, SourceFigures] = field(default_factory=dict)

    @property
    def people(self) -> int:
        """The number of people any figure is defined for."""
        known = [one.user_ids[~np.isnan(one.values)] for one in self.figures.values()]
        return len(np.unique(np.concatenate(known))) if known else 0

    def of_people(self, user_ids: Ints, figures: Collection[str]) -> "ContenderEvaluation":
        """Some of its figures per person, of these people alone."""
        kept = {name: one.of_people(user_ids) for name, one in self.figures.items() if name in figures}
        return ContenderEvaluation(name=self.name, k=self.k, figures=kept)

    def result(self, *, seed: int) -> EvaluationResult:
        """The means of the figures with their intervals; figures that are NaN are left out."""
        estimates = {"engagement": self.engagement, "dislikes": self.dislikes}
        return EvaluationResult(
            name=self.name,
            figures=known_figures(dict(self._intervals(np.random.default_rng(seed)))),
            people=self.people,
            calibration=None if self.calibration is None else _bins(self.calibration),
            log_support={name: _support(found) for name, found in estimates.items() if found is not None},
            leaked=self.leaked,
        )

    def _intervals(self, rng: np.random.Generator) -> Iterator[tuple[str, Interval]]:
        yield from ((name, figure.interval(rng)) for name, figure in self.figures.items())
        yield "coverage", self.coverage
        yield "calibration_error", self.calibration_error
        if self.engagement is not None:
            yield "engagement", self.engagement.value
        if self.dislikes is not None:
            yield "dislikes", self.dislikes.value


def _bins(curve: CalibrationCurve) -> CalibrationBins:
    return CalibrationBins(
        predicted=tuple(curve.predicted.tolist()),
        observed=tuple(curve.observed.tolist()),
        counts=tuple(curve.counts.tolist()),
    )


def _support(estimate: Estimate) -> LogSupport:
    return LogSupport(
        slots=estimate.slots,
        people=estimate.people,
        effective_slots=_finite(estimate.effective_slots),
        support=_finite(estimate.support),
        enough=estimate.enough,
        verdict=estimate.verdict,
    )


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
