"""The outer form of the commands that train: their evaluation as readable lines."""

from collections.abc import Mapping
from typing import Any

from core.charts import interval_text
from core.commands import HeedCommand
from ranking.evaluation_codec import from_json
from ranking.evaluation_report import FIGURES, EvaluationReport
from ranking.models import StoredReport
from ranking.registry.versions import check_models_can_be_kept


class TrainingCommand(HeedCommand):
    """A command that returns a TrainedVersion."""

    def check_before(self) -> None:
        check_models_can_be_kept()

    def describe(self, summary: Mapping[str, Any]) -> str:
        metrics = dict(summary["metrics"])
        report = from_json(metrics.get(StoredReport.TRAINING))
        if report:
            metrics[StoredReport.TRAINING] = _in_words(report)
        return super().describe({**summary, "metrics": metrics})


def _in_words(report: EvaluationReport) -> dict[str, Any]:
    """The figures of each contender and the differences by their titles, or the reason for having none."""
    if not report.results:
        return {"why there is none": report.why_empty}
    figures = {
        one.name: {FIGURES[name].title: interval_text(found) for name, found in one.figures.items()}
        for one in report.results
    }
    differences = {
        f"{one.name} minus {difference.baseline}": {
            FIGURES[difference.figure].title: interval_text(difference.interval, signed=True)
        }
        for one in report.results
        for difference in one.differences
    }
    return {"people": report.people, **figures, **differences}
