"""Evaluation results, typed: the figures of each contender, their differences, and what the gate says.

A report is what one evaluation found. It is stored with the model versions it is about, written beside the
report's pages, and read by the admin and the commands; `evaluation_codec` is its form as JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isnan

from ranking.statistics.interval import Interval

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class FigureName:
    """A figure's title, what it says, and which way is better: 1 higher, -1 lower, 0 neither."""

    title: str
    note: str
    better: int


FIGURES: dict[str, FigureName] = {
    "ndcg": FigureName("NDCG@10", "lists made for people, against what they liked afterwards", 1),
    "recall": FigureName("Recall@10", "share of what they liked afterwards that is in the first 10", 1),
    "recall_100": FigureName("Recall@100", "the same share in the first 100", 1),
    "hit_rate": FigureName("HR@10", "share of people with any of it in the first 10", 1),
    "mrr": FigureName("MRR@10", "1 / rank of the first of it", 1),
    "list_ndcg": FigureName("NDCG@10, lists shown", "the lists people were shown, in this order", 1),
    "list_order": FigureName("AUC, lists shown", "liked above disliked in the lists people were shown", 1),
    "order": FigureName("AUC", "an item liked afterwards above one disliked afterwards; 0.5 is chance", 1),
    "disliked_share": FigureName(
        "Disliked in top 10", "share of the first 10 that people disliked afterwards, of those who did", -1
    ),
    "ndcg_gap": FigureName(
        "ΔNDCG@10", "NDCG@10 of what people liked afterwards, less that of what they disliked afterwards", 1
    ),
    "candidate_recall": FigureName("Candidate recall", "share of what they liked that was retrieved", 1),
    "novelty": FigureName("Novelty", "bits; one more is an item half as popular", 0),
    "coverage": FigureName("Coverage", "share of the catalog in anybody's first 10", 0),
    "calibration_error": FigureName(
        "Calibration error", "mean distance of the score from the share that people engaged with", -1
    ),
    "engagement": FigureName("Engaged (SNIPS)", "share of seen slots engaged with, had it made the lists", 1),
    "dislikes": FigureName("Disliked (SNIPS)", "share of seen slots disliked, had it made the lists", -1),
}
"""Every figure by its name in JSON, in the order of the report."""


@dataclass(frozen=True, slots=True)
class SegmentName:
    """A segment's title. `least`: the fewest items that its people had met before the start."""

    title: str
    least: int = 0


PEOPLE_SEGMENTS: dict[str, SegmentName] = {
    "newcomers": SegmentName("newcomers"),
    "history_1": SegmentName("1 to 9 items known", 1),
    "history_10": SegmentName("10 to 49 items known", 10),
    "history_50": SegmentName("50 items known or more", 50),
}
ITEM_SEGMENTS: dict[str, SegmentName] = {
    "popular_items": SegmentName("popular items"),
    "other_items": SegmentName("other items"),
    "unmet_items": SegmentName("items nobody had met"),
}
SEGMENTS = PEOPLE_SEGMENTS | ITEM_SEGMENTS
"""Every segment by its name in JSON, in the order of the report."""


def segment_of(known: int) -> str:
    """The segment of PEOPLE_SEGMENTS of who has met so many items, whatever they made of them."""
    return max((one.least, name) for name, one in PEOPLE_SEGMENTS.items() if one.least <= known)[1]


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """A contender's figure minus that of the baseline, over the people for whom both are defined."""

    figure: str
    baseline: str
    people: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The gate's decision on a candidate, and the reason in words."""

    passed: bool
    why: str


@dataclass(frozen=True, slots=True)
class CalibrationBins:
    """Predicted and observed shares of engaged slots and their number, bin by bin from the lowest."""

    predicted: tuple[float, ...]
    observed: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.predicted) == len(self.observed) == len(self.counts):
            raise ValueError("Every bin has a predicted share, an observed share and a count.")


@dataclass(frozen=True, slots=True)
class LogSupport:
    """The part of the log that an off-policy estimate rests on, and in words whether it is enough.

    effective_slots  how many slots of equal weight would say as much; None where none say anything
    support          share of the logged slots that the contender could have filled so
    """

    slots: int
    people: int
    effective_slots: float | None
    support: float | None
    enough: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """The figures of one contender on some of the people, or on some of what people liked.

    name         in SEGMENTS
    people       how many any figure is defined for
    differences  to the baseline, over the people of the segment
    """

    name: str
    people: int
    figures: Mapping[str, Interval] = field(default_factory=dict)
    differences: tuple[PairedDifference, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceResult:
    """The share of what people liked afterwards that a source brought, and that no other source did."""

    name: str
    brought: Interval
    alone: Interval


@dataclass(frozen=True, slots=True)
class RefusalPoint:
    """The figures on people under one share of a base score that the chance of a no takes away.

    differences  to the figures without any, over the same people
    """

    share: float
    figures: Mapping[str, Interval] = field(default_factory=dict)
    differences: tuple[PairedDifference, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The figures of one contender.

    figures      by their names in FIGURES, with intervals; what does not exist is left out
    people       how many any figure is defined for; None where that was not stored
    differences  to the baseline, person by person
    gate         what the gate says of it against the baseline; None where it was not asked
    log_support  of the off-policy estimates `engagement` and `dislikes`
    leaked       its models may have learned from part of what it was evaluated on
    segments     the figures by segment, in the order of SEGMENTS; none for an evaluation of before there were
    sources      candidate recall by source, in the order of trust
    """

    name: str
    figures: Mapping[str, Interval] = field(default_factory=dict)
    people: int | None = None
    differences: tuple[PairedDifference, ...] = ()
    gate: GateVerdict | None = None
    calibration: CalibrationBins | None = None
    log_support: Mapping[str, LogSupport] = field(default_factory=dict)
    leaked: bool = False
    segments: tuple[SegmentResult, ...] = ()
    sources: tuple[SourceResult, ...] = ()

    def difference(self, figure: str) -> PairedDifference | None:
        """The first difference in a figure, None where there is none."""
        return next((one for one in self.differences if one.figure == figure), None)


def known_figures(figures: Mapping[str, Interval]) -> dict[str, Interval]:
    """The figures that exist: those whose mean is a number."""
    return {name: interval for name, interval in figures.items() if not isnan(interval.mean)}


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """One evaluation: its data, and the result of each contender.

    In a model version's record the version's own result is the first; elsewhere that of the baseline is.

    results       of each contender; `why_empty` says why, where there was nobody and nothing to evaluate on
    start         evaluated on what came from here on; `why_start` says why from there
    people        how many people lists were made for or shown to; `people_found` is before any were drawn
    lists         how many lists shown, drawn from `lists_found`
    datasets      name of the dataset of each kind, None where there is none
    folder        of the report's pages, "" where none were written
    refusals      what weighing the chance of a no gives, share by share from 0, for what serves or would
                  serve; none without a model of verdicts or without dislikes
    refusals_from, refusals_until  the days that this was measured on; None for a report of before they were
                  kept
    """

    results: tuple[EvaluationResult, ...] = ()
    use_case: str = ""
    start: datetime | None = None
    why_start: str = ""
    made_at: datetime | None = None
    seed: int | None = None
    people: int | None = None
    people_found: int | None = None
    lists: int | None = None
    lists_found: int | None = None
    datasets: Mapping[str, str | None] = field(default_factory=dict)
    folder: str = ""
    refusals: tuple[RefusalPoint, ...] = ()
    refusals_from: datetime | None = None
    refusals_until: datetime | None = None
    why_empty: str = ""
    schema_version: int = SCHEMA_VERSION

    @property
    def own(self) -> EvaluationResult | None:
        """The first result: that of the version it is stored with."""
        return self.results[0] if self.results else None

    @property
    def baseline(self) -> str:
        """The contender that the differences are to; "" where there are none."""
        differences = (one for result in self.results for one in result.differences)
        return next((one.baseline for one in differences), "")

    def starting_with(self, name: str) -> "EvaluationReport":
        """The same report, the result of this contender first."""
        return replace(self, results=tuple(sorted(self.results, key=lambda one: one.name != name)))
