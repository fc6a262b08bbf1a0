"""Segments of an evaluation: people by how much was known of them, items by how many had met them.

A mean over everybody hides who is served badly: whoever just came, or whoever likes what few people know.
"""

from collections.abc import Iterator

import numpy as np

from core.arrays import Ints
from ranking.evaluation.evaluation_set import EvaluationSet
from ranking.evaluation.gate import paired_differences
from ranking.evaluation.results import ContenderEvaluation
from ranking.evaluation_report import ITEM_SEGMENTS, PEOPLE_SEGMENTS, SegmentResult, SourceResult

# The figures that are told by segment of people; all others stand for everybody alone.
_FIGURES = ("ndcg", "list_ndcg", "order", "list_order", "disliked_share", "candidate_recall")


def people_by_segment(data: EvaluationSet) -> dict[str, Ints]:
    """The ids of the people evaluated on in each of PEOPLE_SEGMENTS, sorted.

    By how many items they had met before the start, whatever they made of them.
    """
    made_for = np.empty(0, dtype=np.int64) if data.people is None else data.people.user_ids
    user_ids = np.union1d(made_for, data.lists.user_ids)
    before = data.events.before(data.start)
    pairs = np.unique(np.column_stack([before.user_ids, before.item_ids]), axis=0)
    known = np.searchsorted(pairs[:, 0], user_ids, side="right") - np.searchsorted(pairs[:, 0], user_ids)
    segment = np.searchsorted([one.least for one in PEOPLE_SEGMENTS.values()], known, side="right") - 1
    return {name: user_ids[segment == row] for row, name in enumerate(PEOPLE_SEGMENTS)}


def segments_of_items(data: EvaluationSet) -> Ints:
    """(n,) which of ITEM_SEGMENTS each item of the catalog is in; -1 for one that came after the start.

    Popular are the most approved items, as few as hold half of all approvals from before the start.
    """
    before, catalog = data.events.before(data.start), data.catalog
    rows = catalog.rows_of(before.item_ids)
    met = np.bincount(rows[rows >= 0], minlength=len(catalog.item_ids))
    approved = np.bincount(rows[(rows >= 0) & (before.weights > 0)], minlength=len(catalog.item_ids))
    falling = np.argsort(-approved, kind="stable")
    above = np.cumsum(approved[falling]) - approved[falling]
    names = list(ITEM_SEGMENTS)
    segments: Ints = np.full(len(catalog.item_ids), names.index("other_items"), dtype=np.int64)
    segments[falling[above < approved.sum() / 2]] = names.index("popular_items")
    segments[met == 0] = names.index("unmet_items")
    segments[~catalog.there_at(data.start)] = -1
    return segments


def segment_results(
    one: ContenderEvaluation, baseline: ContenderEvaluation, data: EvaluationSet, *, seed: int
) -> tuple[SegmentResult, ...]:
    """The figures of a contender by segment, those of people beside the baseline; none that is empty."""
    return tuple(_results(one, baseline, data, seed))


def _results(
    one: ContenderEvaluation, baseline: ContenderEvaluation, data: EvaluationSet, seed: int
) -> Iterator[SegmentResult]:
    for name, user_ids in people_by_segment(data).items():
        part, beside = (whole.of_people(user_ids, _FIGURES) for whole in (one, baseline))
        differences = () if one is baseline else paired_differences(part, beside, seed=seed)
        result = part.result(seed=seed)
        if result.figures:
            yield SegmentResult(name, part.people, result.figures, differences)
    for name, figures in one.of_items.items():
        part = ContenderEvaluation(name=one.name, k=one.k, figures=dict(figures))
        if part.people:
            yield SegmentResult(name, part.people, part.result(seed=seed).figures)


def source_results(one: ContenderEvaluation, *, seed: int) -> tuple[SourceResult, ...]:
    """The share of what people liked that each source of a contender brought, in order of trust."""
    rng = np.random.default_rng(seed)
    return tuple(
        SourceResult(name, found.brought.interval(rng), found.alone.interval(rng))
        for name, found in one.by_source.items()
    )
