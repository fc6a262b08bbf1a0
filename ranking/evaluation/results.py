"""What a judgement holds: figures per person, figures of the whole, and what they are called."""

from dataclasses import dataclass

import numpy as np

from core.arrays import Doubles, Ints
from ranking.statistics.metrics import CalibrationCurve, Interval, bootstrap_interval
from ranking.statistics.off_policy import Estimate

K = 10


@dataclass(frozen=True, slots=True)
class FigureName:
    """A figure's title, what it says, and which way is better: 1 higher, -1 lower, 0 neither."""

    title: str
    note: str
    better: int


FIGURES: dict[str, FigureName] = {
    "ndcg": FigureName("NDCG@10", "lists made for people, against what they liked afterwards", 1),
    "recall": FigureName("Recall@10", "share of what they liked afterwards that is in the first 10", 1),
    "hit_rate": FigureName("HR@10", "share of people with any of it in the first 10", 1),
    "mrr": FigureName("MRR@10", "1 / rank of the first of it", 1),
    "list_ndcg": FigureName("NDCG@10, lists shown", "the lists people were shown, in this order", 1),
    "list_order": FigureName("AUC, lists shown", "liked above disliked in the lists people were shown", 1),
    "order": FigureName("AUC", "an item liked afterwards above one disliked afterwards; 0.5 is chance", 1),
    "disliked_share": FigureName(
        "Disliked in top 10", "share of the first 10 that people disliked afterwards, of those who did", -1
    ),
    "candidate_recall": FigureName("Candidate recall", "share of what they liked that was retrieved", 1),
    "novelty": FigureName("Novelty", "bits; one more is an item half as popular", 0),
    "coverage": FigureName("Coverage", "share of the catalogue in anybody's first 10", 0),
    "calibration_error": FigureName(
        "Calibration error", "mean distance of the score from the share that people engaged with", -1
    ),
    "engagement": FigureName("Engaged (SNIPS)", "share of seen slots engaged with, had it made the lists", 1),
    "dislikes": FigureName("Disliked (SNIPS)", "share of seen slots disliked, had it made the lists", -1),
}
"""Every figure of a judgement by its name in JSON, in the order of the report."""


@dataclass(frozen=True, slots=True, eq=False)
class PersonFigures:
    """One figure for each judged person, (p,), user ids sorted; NaN where it is not defined for them."""

    user_ids: Ints
    values: Doubles

    def interval(self, rng: np.random.Generator) -> Interval:
        """The mean with its interval from resampling people."""
        return bootstrap_interval(self.values, rng=rng)

    def beside(self, other: "PersonFigures") -> tuple[Doubles, Doubles]:
        """The values of this and of the other for those people for whom both are defined."""
        _, mine, theirs = np.intersect1d(
            self.user_ids, other.user_ids, assume_unique=True, return_indices=True
        )
        a, b = self.values[mine], other.values[theirs]
        both = ~np.isnan(a) & ~np.isnan(b)
        return a[both], b[both]


NOWHERE = Interval(np.nan, np.nan, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class ContenderEvaluation:
    """How one contender did. Which figures there are depends on what was held out.

    figures       by name, per person. On people whom lists are made for: ndcg, recall, hit_rate, mrr,
                  novelty, disliked_share, order (liked above disliked), candidate_recall. On lists that
                  were shown: list_ndcg, list_order. All at k where they have a k
    coverage      share of the catalogue in anybody's first k; NaN without people
    calibration   predicted against observed share of engaged slots; None where there are no probabilities
    calibration_error   the mean distance between the two
    engagement, dislikes   counterfactual share of engaged and of disliked slots; None without propensities
    saw_it        whether its models may have learned from part of what was held out
    """

    name: str
    k: int
    figures: dict[str, PersonFigures]
    coverage: Interval = NOWHERE
    calibration: CalibrationCurve | None = None
    calibration_error: Interval = NOWHERE
    engagement: Estimate | None = None
    dislikes: Estimate | None = None
    saw_it: bool = False

    @property
    def people(self) -> int:
        """How many people any figure is defined for."""
        judged = [one.user_ids[~np.isnan(one.values)] for one in self.figures.values()]
        return len(np.unique(np.concatenate(judged))) if judged else 0
