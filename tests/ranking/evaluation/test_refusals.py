"""The share of a score that the chance of a no takes away: its curve, and the choice from it."""

from dataclasses import replace

import numpy as np
import pytest

from core.domain import USE_CASES
from core.progress import Progress
from ranking.context import ScoringContext
from ranking.evaluation.refusals import SHARES, chosen_share, refusal_curve, with_refusals
from ranking.evaluation.tables import refusal_tables, refusal_text
from ranking.evaluation_codec import from_json, to_json
from ranking.evaluation_report import EvaluationReport, PairedDifference, RefusalPoint
from ranking.policy import Policy
from ranking.recommenders.registry import TRAINED
from ranking.registry.loading import LoadedModel, ModelSet
from ranking.statistics.interval import Interval
from tests.ranking.builders import bare_context
from tests.ranking.evaluation.test_comparison import DAY, make_set
from tests.ranking.recommenders.kinds import BYTES, LEFT, RIGHT
from tests.ranking.statistics.builders import dislike, like, make_events

MOVIES = USE_CASES["movie_home"]
CATALOG = bare_context(range(12)).catalog


def verdicts(share: float | None = None) -> ModelSet:
    """Whoever likes items 0 to 5 turns 6 to 11 down, and the other way round."""
    load = TRAINED["verdict"].load
    assert load is not None
    return ModelSet({"verdict": LoadedModel(1, "verdict", load(BYTES["verdict"]()), refusal_share=share)})


def popular_right(*, refuse: bool = True) -> list[tuple[int, int, float, float, bool]]:
    """Ten people who like the left; more popular is the right, of which they turn one down afterwards."""
    rows = [like(1000 + user, item, 50.0) for user in range(20) for item in RIGHT]
    rows += [like(2000 + user, item, 50.0) for user in range(18) for item in LEFT[4:]]
    for user in range(10):
        rows += [like(user, item, 100.0) for item in LEFT[:4]] + [dislike(user, 6, 101.0)]
        rows.append(like(user, 4 + user % 2, DAY + 10))
        if refuse:
            rows.append(dislike(user, 7 + user % 2, DAY + 20))
    return rows


def curve_of(rows: list[tuple[int, int, float, float, bool]], models: ModelSet) -> tuple[RefusalPoint, ...]:
    data = make_set(make_events(rows), items=range(12))
    return refusal_curve(models, data, MOVIES, seed=0, progress=Progress(quiet=True))


def point(share: float, **highs: float) -> RefusalPoint:
    """A share whose differences to none have intervals of width .02 with these upper ends."""
    return RefusalPoint(
        share,
        differences=tuple(
            PairedDifference(figure, "0", 40, Interval(high - 0.01, high - 0.02, high))
            for figure, high in highs.items()
        ),
    )


def test_the_more_it_counts_the_further_below_stands_what_is_turned_down() -> None:
    curve = curve_of(popular_right(), verdicts())
    assert tuple(one.share for one in curve) == SHARES
    order = [one.figures["order"].mean for one in curve]
    assert order[0] < order[-1]
    assert order == sorted(order)
    assert curve[0].differences == ()
    last = {one.figure: one.interval.mean for one in curve[-1].differences}
    assert last["order"] == pytest.approx(order[-1] - order[0])
    assert chosen_share(curve) == 1.0


def test_without_dislikes_or_a_model_of_verdicts_there_is_no_curve() -> None:
    assert curve_of(popular_right(refuse=False), verdicts()) == ()
    assert curve_of(popular_right(), ModelSet()) == ()
    assert curve_of([like(1, 2, 5.0)], verdicts()) == ()
    assert chosen_share(()) is None


@pytest.mark.parametrize(
    ("points", "chosen"),
    [
        # Worse by what chance may explain is not clearly worse.
        ([point(0.5, ndcg=0.001), point(1.0, ndcg=0.001)], 1.0),
        ([point(0.5, ndcg=0.001), point(1.0, ndcg=-0.001)], 0.5),
        ([point(0.5, ndcg=-0.001), point(1.0, ndcg=-0.001)], 0.0),
        # What is better in one figure and clearly worse in another does harm.
        ([point(0.5, ndcg=0.001, order=0.05), point(1.0, ndcg=-0.001, order=0.09)], 0.5),
        # Of the share of what is disliked less is better.
        ([point(0.5, disliked_share=0.001), point(1.0, disliked_share=0.05)], 0.5),
        # A smaller share that does harm by chance does not stand in the way of a larger one.
        ([point(0.5, ndcg=-0.001), point(1.0, ndcg=0.001)], 1.0),
    ],
)
def test_chosen_is_the_most_that_does_no_clear_harm(points: list[RefusalPoint], chosen: float) -> None:
    assert chosen_share([RefusalPoint(0.0), *points]) == chosen


@pytest.mark.parametrize(
    ("most", "measured", "used"), [(1.0, None, 1.0), (1.0, 0.25, 0.25), (0.5, 1.0, 0.5), (0.5, None, 0.5)]
)
def test_a_list_is_made_with_what_was_measured_and_never_more_than_the_policy_allows(
    most: float, measured: float | None, used: float
) -> None:
    policy = Policy.of(MOVIES).changed({"refusal_share": most})
    assert ScoringContext.of(MOVIES, CATALOG, verdicts(measured), policy).refusal_share == used


def test_the_curve_is_kept_and_shown() -> None:
    data = make_set(make_events(popular_right()), items=range(12))
    report = with_refusals(EvaluationReport(), curve_of(popular_right(), verdicts()), data)
    assert from_json(to_json(report)) == report
    (table,) = refusal_tables(report)
    assert "measured on what came from 1970-01-01 to 1970-01-01" in table.note
    assert [share for share, _ in table.rows] == ["0", "0.25", "0.5", "0.75", "1"]
    assert "AUC" in table.columns
    assert len(list(refusal_text(report))) == 6
    assert list(refusal_tables(EvaluationReport())) == []
    assert with_refusals(EvaluationReport(), (), data) == EvaluationReport()
    (undated,) = refusal_tables(replace(report, refusals_from=None))
    assert "measured on" not in undated.note
    assert np.isfinite(report.refusals[0].figures["ndcg"].mean)
