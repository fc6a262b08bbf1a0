"""Stored evaluation reports: what is written is read again, older forms are upgraded, damage is unknown."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.conf import settings

from ranking.evaluation_codec import from_json, to_json
from ranking.evaluation_report import (
    FIGURES,
    SCHEMA_VERSION,
    CalibrationBins,
    EvaluationReport,
    EvaluationResult,
    GateVerdict,
    LogSupport,
    PairedDifference,
)
from ranking.models import ModelVersion, StoredReport
from ranking.statistics.interval import Interval

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
KNOWN = Interval(0.25, 0.2, 0.3)
REPORT = EvaluationReport(
    results=(
        EvaluationResult(
            name="als-movie_home-2",
            figures={"ndcg": KNOWN, "coverage": KNOWN},
            people=40,
            differences=(PairedDifference("ndcg", "als-movie_home-1", 39, Interval(0.01, -0.01, 0.03)),),
            gate=GateVerdict(passed=True, why="Better."),
            calibration=CalibrationBins((0.1, 0.5), (0.2, 0.4), (10, 11)),
            log_support={"engagement": LogSupport(100, 40, None, 0.5, enough=False, verdict="Too little.")},
            leaked=True,
        ),
        EvaluationResult(name="popularity"),
    ),
    use_case="movie_home",
    start=START,
    why_start="as asked for",
    made_at=START,
    seed=3,
    people=40,
    people_found=50,
    lists=7,
    lists_found=7,
    datasets={"als": "2026-05-01", "ranker": None},
    folder="/reports/1",
)
# Literally what a version holds that the first `retrain` with a gate made, shortened to two contenders.
OF_RETRAIN: dict[str, Any] = {
    "from": "2026-11-24T20:26:26.474756+00:00",
    "judgements": [
        {
            "name": "candidate",
            "k": 10,
            "people": 99,
            "figures": {
                "ndcg": {"mean": 0.57, "low": 0.48, "high": 0.66},
                "list_ndcg": {"mean": None, "low": None, "high": None},
            },
            "coverage": {"mean": 0.4, "low": 0.3, "high": 0.5},
            "calibration": {
                "mean": 0.05,
                "low": 0.01,
                "high": 0.09,
                "predicted": [0.1, 0.6],
                "observed": [0.2, 0.5],
                "counts": [30, 31],
            },
            "engagement": {
                "mean": 0.3,
                "low": 0.2,
                "high": 0.4,
                "slots": 300,
                "people": 60,
                "effective_slots": 210.5,
                "support": 0.8,
                "enough": True,
                "verdict": "Enough.",
            },
            "dislikes": None,
            "saw_it": False,
        },
        {"name": "active", "k": 10, "people": 99, "figures": {}, "coverage": None, "saw_it": True},
    ],
    "gate": {
        "passed": False,
        "why": "Worse.",
        "differences": {"ndcg": {"people": 98, "mean": -0.04, "low": -0.06, "high": -0.02}},
    },
}
OF_TRAIN_ALS: dict[str, Any] = {
    "people": 43,
    "from": "2026-11-24T20:26:26+00:00",
    # In the order in which PostgreSQL gives the keys back.
    "popularity": {"ndcg@10": {"mean": 0.1, "low": 0.05, "high": 0.15}, "coverage": 0.1},
    "als": {
        "hr@10": {"mean": 0.5, "low": 0.4, "high": 0.6},
        "ndcg@10": {"mean": 0.2, "low": 0.15, "high": 0.25},
        "coverage": 0.5,
        "disliked_share@10": {"mean": None, "low": None, "high": None},
    },
    "als_minus_popularity_ndcg@10": {"mean": 0.1, "low": 0.02, "high": 0.18},
}
OF_TRAIN_RANKER: dict[str, Any] = {
    "lists": 30,
    "people": 7,
    "als": {"ndcg@10": {"mean": 0.4, "low": 0.3, "high": 0.5}},
    "ranker": {
        "ndcg@10": {"mean": 0.5, "low": 0.4, "high": 0.6},
        "liked_over_disliked": {"mean": 0.7, "low": 0.6, "high": 0.8},
    },
    "ranker_minus_als_ndcg@10": {"mean": 0.1, "low": None, "high": None},
}


def stored(value: object) -> Any:
    """The value as a database gives it back."""
    return json.loads(json.dumps(value, allow_nan=False))


def test_a_report_is_read_as_it_was_written() -> None:
    written = stored(to_json(REPORT))
    assert written["schema_version"] == SCHEMA_VERSION
    assert from_json(written) == REPORT


def test_what_is_no_number_is_null_in_json_and_nan_again() -> None:
    only_mean = EvaluationReport(results=(EvaluationResult("a", {"ndcg": Interval(0.5, np.nan, np.nan)}),))
    written = stored(to_json(only_mean))
    assert written["results"][0]["figures"]["ndcg"] == {"mean": 0.5, "low": None, "high": None}
    read = from_json(written)
    assert read is not None
    found = read.results[0].figures["ndcg"]
    assert found.mean == 0.5
    assert np.isnan([found.low, found.high]).all()


def test_what_retrain_wrote_before_there_were_versions_is_upgraded() -> None:
    report = from_json(stored(OF_RETRAIN))
    assert report is not None
    candidate, active = report.results
    assert candidate == EvaluationResult(
        name="candidate",
        people=99,
        figures={
            "ndcg": Interval(0.57, 0.48, 0.66),
            "coverage": Interval(0.4, 0.3, 0.5),
            "calibration_error": Interval(0.05, 0.01, 0.09),
            "engagement": Interval(0.3, 0.2, 0.4),
        },
        differences=(PairedDifference("ndcg", "active", 98, Interval(-0.04, -0.06, -0.02)),),
        gate=GateVerdict(passed=False, why="Worse."),
        calibration=CalibrationBins((0.1, 0.6), (0.2, 0.5), (30, 31)),
        log_support={"engagement": LogSupport(300, 60, 210.5, 0.8, enough=True, verdict="Enough.")},
    )
    assert active == EvaluationResult(name="active", people=99, leaked=True)
    assert report.start == datetime(2026, 11, 24, 20, 26, 26, 474756, tzinfo=UTC)
    assert (report.baseline, report.made_at, report.people, report.folder) == ("active", None, None, "")
    assert from_json(stored(to_json(report))) == report


def test_what_evaluate_models_wrote_is_upgraded() -> None:
    first, second = OF_RETRAIN["judgements"]
    gate = {**OF_RETRAIN["gate"], "differences": {}}
    differences = {"ndcg": {"people": 98, "mean": -0.04, "low": -0.06, "high": -0.02}}
    report = from_json(
        stored(
            {
                "made_at": START.isoformat(),
                "use_case": "movie_home",
                "from": START.isoformat(),
                "why_from": "as asked for",
                "people": 40,
                "people_found": 50,
                "lists": 7,
                "lists_found": 8,
                "datasets": {"als": "1", "ranker": None},
                "seed": 3,
                "against": "b",
                "judgements": [
                    {**first, "name": "a", "differences": differences, "gate": gate},
                    {**second, "name": "b", "differences": {}, "gate": None},
                ],
                "gate": gate,
                "report": "/reports/1",
            }
        )
    )
    assert report is not None
    assert report.results[0].differences[0].baseline == report.baseline == "b"
    assert report.results[0].gate == GateVerdict(passed=False, why="Worse.")
    assert report.results[1].gate is None
    assert (report.made_at, report.start, report.why_start) == (START, START, "as asked for")
    assert (report.people, report.people_found, report.lists, report.lists_found) == (40, 50, 7, 8)
    assert (report.seed, report.datasets, report.folder) == (3, {"als": "1", "ranker": None}, "/reports/1")


def test_what_a_training_command_stores_is_read_as_a_report_the_version_first() -> None:
    version = ModelVersion(kind="als", metrics=stored({"test": OF_TRAIN_ALS}))
    report = version.evaluation(StoredReport.TRAINING)
    assert report is not None
    assert [one.name for one in report.results] == ["als", "popularity"]
    assert report.results[0].figures.keys() == {"hit_rate", "ndcg", "coverage"}
    assert report.results[0].figures["ndcg"] == Interval(0.2, 0.15, 0.25)
    difference = report.results[0].difference("ndcg")
    assert difference == PairedDifference("ndcg", "popularity", 43, Interval(0.1, 0.02, 0.18))
    assert report.people == 43
    assert version.result() == report.results[0]


def test_a_ranker_is_trained_on_lists_that_were_shown() -> None:
    version = ModelVersion(kind="ranker", metrics=stored({"test": OF_TRAIN_RANKER}))
    result = version.result()
    assert result is not None
    assert result.name == "ranker"
    assert result.figures.keys() == {"list_ndcg", "list_order"}
    assert result.differences[0].baseline == "als"


def test_a_reason_for_having_no_figures_is_kept() -> None:
    version = ModelVersion(kind="als", metrics={"test": {"why_not": "nobody can be held out"}})
    report = version.evaluation(StoredReport.TRAINING)
    assert report is not None
    assert (report.results, report.why_empty) == ((), "nobody can be held out")
    assert version.result() is None


def test_the_last_evaluation_comes_before_what_was_measured_in_training() -> None:
    version = ModelVersion(kind="als", metrics={"evaluation": to_json(REPORT), "test": OF_TRAIN_ALS})
    assert version.result() == REPORT.results[0]
    version.metrics["evaluation"] = {"from": None, "judgements": []}
    found = version.result()
    assert found is not None
    assert found.name == "als"


@pytest.mark.parametrize(
    "damaged",
    [
        None,
        [],
        "text",
        7,
        {},
        {"schema_version": SCHEMA_VERSION + 1, "results": []},
        {"schema_version": SCHEMA_VERSION, "results": "none"},
        {"schema_version": SCHEMA_VERSION, "results": [{"name": "a", "figures": {"ndcg": 0.5}}]},
        {"schema_version": SCHEMA_VERSION, "results": [{"name": "a", "calibration": {"predicted": [0.1]}}]},
        {
            "schema_version": SCHEMA_VERSION,
            "results": [
                {"name": "a", "calibration": {"predicted": [0.1], "observed": [], "counts": []}},
            ],
        },
        {"judgements": None},
        {"judgements": [{"figures": {}}]},
        {"judgements": ["text"]},
        {"judgements": [], "from": "yesterday"},
        {"people": "many"},
        {"als": {"ndcg@10": "high"}},
    ],
)
def test_damage_is_unknown(damaged: object) -> None:
    assert from_json(damaged) is None
    version = ModelVersion(kind="als", metrics={"evaluation": damaged, "test": damaged})
    assert version.evaluation() is None
    assert version.result() is None


def test_the_documentation_names_every_figure_as_pages_and_json_do() -> None:
    page = (settings.BASE_DIR / "docs" / "explanation" / "evaluation.md").read_text(encoding="utf-8")
    table = page.split("| figure | in JSON |")[1].split("\n\n")[0]
    named = re.findall(r"^\| ([^|`]+) \| `(\w+)` \|", table, flags=re.MULTILINE)
    assert named == [(figure.title, name) for name, figure in FIGURES.items()]
