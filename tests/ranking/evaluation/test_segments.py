"""Figures by segment of people and of items, and candidate recall by source, reckoned by hand."""

import numpy as np
import pytest

from core.domain import USE_CASES
from core.progress import Progress
from ranking.evaluation.comparison import evaluate_contenders
from ranking.evaluation.contenders import POPULARITY, Contender
from ranking.evaluation.reporting import make_report
from ranking.evaluation.segments import people_by_segment, segments_of_items
from ranking.evaluation.tables import segment_tables, source_tables, text_of
from ranking.evaluation_codec import from_json, to_json
from ranking.evaluation_report import ITEM_SEGMENTS, EvaluationReport
from ranking.statistics.events import Events
from tests.ranking.evaluation.test_comparison import DAY, evening_people, lists_of, make_set, models
from tests.ranking.statistics.builders import dislike, like, make_events, view

MOVIES = USE_CASES["movie_home"]


def report_of(events: Events) -> EvaluationReport:
    data = make_set(events)
    contenders = [Contender("model", models()), Contender(POPULARITY)]
    found = evaluate_contenders(contenders, data, MOVIES, seed=0, progress=Progress(quiet=True))
    return make_report(
        found, data, baseline=found[1], verdicts={}, use_case=MOVIES, seed=0, why_start="as asked for"
    )


def test_people_are_told_apart_by_the_items_they_had_met_before() -> None:
    """Two events with one item are one item; what came from the start on does not count."""
    rows = [like(1, 1, DAY), like(1, 2, DAY + 1), like(2, 1, 5.0), view(2, 1, 6.0), like(2, 2, DAY)]
    for person, items in ((3, 9), (4, 10), (5, 49), (6, 50)):
        rows += [view(person, item, 5.0) for item in range(1, items + 1)] + [like(person, 99, DAY)]
    data = make_set(make_events(rows), lists_of([(7, DAY + 5, [(1, 3)])]), items=range(1, 100))
    found = {name: user_ids.tolist() for name, user_ids in people_by_segment(data).items()}
    assert found == {"newcomers": [1, 7], "history_1": [2, 3], "history_10": [4, 5], "history_50": [6]}


def test_popular_are_the_fewest_items_that_hold_half_of_all_approvals() -> None:
    """5 + 3 of 10 approvals; 5 alone are half already. A dislike makes an item met and not approved."""
    approvals = {1: 5, 2: 3, 3: 2}
    rows = [like(user, item, 5.0) for item, count in approvals.items() for user in range(count)]
    rows += [dislike(0, 4, 6.0), like(1, 5, DAY + 1)]
    data = make_set(make_events(rows), items=range(1, 7))
    names = list(ITEM_SEGMENTS)
    assert [names[one] for one in segments_of_items(data).tolist()] == [
        *("popular_items", "other_items", "other_items", "other_items", "unmet_items", "unmet_items")
    ]


def test_a_report_has_the_figures_of_each_segment_beside_the_baseline() -> None:
    """Everybody knows three items and likes the one even item that is left; popular are the odd ones."""
    model, popularity, *_ = report_of(evening_people()).results
    assert [(one.name, one.people) for one in model.segments] == [("history_1", 12), ("other_items", 12)]
    of_people, of_items = model.segments
    assert of_people.figures["ndcg"] == model.figures["ndcg"]
    assert of_people.figures["order"].mean == 1.0
    ndcg = next(one for one in of_people.differences if one.figure == "ndcg")
    assert (ndcg.baseline, ndcg.people) == (POPULARITY, 12)
    assert ndcg.interval == next(one for one in model.differences if one.figure == "ndcg").interval
    assert {name: one.mean for name, one in of_items.figures.items()} == {
        "recall": 1.0,
        "candidate_recall": 1.0,
    }
    assert popularity.segments[0].differences == ()


def test_a_segment_without_people_has_no_figures() -> None:
    rows = [like(1, 2, DAY + 1), like(1, 4, DAY + 2), like(2, 2, 5.0)]
    model, *_ = report_of(make_events(rows)).results
    # What the newcomer likes next nobody had met; the model brings it all the same.
    assert [(one.name, one.people) for one in model.segments] == [("newcomers", 1), ("unmet_items", 1)]


def test_each_source_has_what_it_brought_and_what_it_alone_brought() -> None:
    """ALS brings every even item; popularity those too, since people liked all of them before."""
    model, popularity, random = report_of(evening_people()).results
    shares = {one.name: (one.brought.mean, one.alone.mean) for one in model.sources}
    assert list(shares) == list(MOVIES.sources)
    assert shares["als"] == (1.0, 0.0)
    assert shares["popular"] == (1.0, 0.0)
    assert shares["ease"] == (0.0, 0.0)
    by_itself = {one.name: (one.brought.mean, one.alone.mean) for one in popularity.sources}
    assert by_itself["als"] == (0.0, 0.0)
    assert by_itself["popular"][0] == 1.0
    assert random.sources == ()


def test_the_report_is_read_again_as_it_was_written_and_shown_as_tables_and_text() -> None:
    report = report_of(evening_people())
    assert from_json(to_json(report)) == report
    tables = {table.title: table for table in segment_tables(report.results)}
    assert tables["NDCG@10"].columns == ("1 to 9 items known",)
    assert [name for name, _ in tables["NDCG@10"].rows] == ["model", POPULARITY, "random"]
    own, beside = (cells[0] for _, cells in tables["NDCG@10"].rows[:2])
    assert "(+" in own
    assert "(" not in beside
    assert tables["Recall@10"].rows[0] == ("model", ("1.000 [1.000, 1.000]",))
    sources = next(source_tables(report.results))
    assert sources.rows[0] == ("als", ("1.000 [1.000, 1.000]", "0.000 [0.000, 0.000]"))
    text = list(text_of(report.results[0]))
    assert any(line.startswith("1 to 9 items known, 12 people: NDCG@10 ") for line in text)
    assert (
        "brought by als: 1.000 [1.000, 1.000] of what people liked, 0.000 [0.000, 0.000] by no other source"
        in text
    )


@pytest.mark.parametrize("missing", ["segments", "sources"])
def test_a_report_of_before_there_were_segments_is_read(missing: str) -> None:
    stored = to_json(report_of(evening_people()))
    for result in stored["results"]:
        del result[missing]
    found = from_json({**stored, "schema_version": 2})
    assert found is not None
    assert getattr(found.results[0], missing) == ()
    assert np.isfinite(found.results[0].figures["ndcg"].mean)
