"""Choice of how much the chance of a no takes away: on days that the gate does not judge on."""

from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from catalog.models import Item
from core.domain import TYPES
from interactions.models import UserInteraction
from ranking.evaluation.refusals import refusal_curve
from ranking.evaluation_report import EvaluationReport, GateVerdict, PairedDifference, RefusalPoint
from ranking.models import ModelVersion
from ranking.registry.loading import NO_MODELS, ModelSet, load_models
from ranking.retraining import new_models, refusals
from ranking.retraining.run import Run, compare_models, read_run
from ranking.statistics.interval import Interval
from tests.ranking.retraining.builders import MOVIES, NOW, QUIET, of, run, say_no

Status = ModelVersion.Status
HARM = PairedDifference("ndcg", "0", 9, Interval(-0.1, -0.2, -0.01))
CURVE = (RefusalPoint(0.0), RefusalPoint(0.25), RefusalPoint(0.5, differences=(HARM,)))

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture(autouse=True)
def _noes(people: list[User], films: list[Item], settings: Settings) -> None:
    """Everybody turns something down now and then."""
    settings.GATE_MARGIN = -1.0
    for number, person in enumerate(people):
        for step in range(9):
            say_no(person, films[(7 * step + number) % 20], 4 * step + 3.5)


def report_of(kind: str) -> EvaluationReport:
    report = of(kind).evaluation()
    assert report is not None
    return report


def test_nothing_that_happens_in_the_judging_days_changes_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same models; which of them pass is for these days to say."""

    def lenient(*arguments: Any, **options: Any) -> tuple[dict[str, Any], GateVerdict]:
        return compare_models(*arguments, **options)[0], GateVerdict(True, "passes")

    monkeypatch.setattr(new_models, "compare_models", lenient)
    run("als", "verdict")
    before, first = report_of("verdict"), of("verdict")
    assert len(before.refusals) == 5
    assert before.start is not None
    assert before.refusals_from is not None
    assert before.refusals_until is not None
    assert before.refusals_from < before.refusals_until <= before.start
    ModelVersion.objects.all().delete()
    # Who liked something in these days had turned it down, and the other way round.
    later = UserInteraction.objects.filter(occurred_at__gte=before.start)
    liked = [one.pk for one in later if one.weight > 0]
    later.update(type="like", weight=TYPES["like"].training_weight(None))
    later.filter(pk__in=liked).update(type="dislike", weight=TYPES["dislike"].training_weight(None))
    run("als", "verdict")
    after = report_of("verdict")
    assert after.start == before.start
    assert after.results[0].figures != before.results[0].figures
    assert after.refusals == before.refusals
    assert of("verdict").refusal_share == first.refusal_share


def test_a_candidate_is_judged_with_the_share_and_the_next_keeps_it_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refusals, "refusal_curve", lambda *_, **__: CURVE)
    run("als", "verdict")
    first = of("verdict")
    assert (first.status, first.refusal_share) == (Status.ACTIVE, 0.25)
    assert report_of("verdict").refusals == CURVE
    assert load_models("movie_home").by_kind["verdict"].refusal_share == 0.25
    monkeypatch.setattr(refusals, "refusal_curve", lambda *_, **__: ())
    run("als", "verdict")
    second = of("verdict")
    assert (second.version, second.refusal_share) == (2, 0.25)


@pytest.mark.parametrize("passes", [True, False])
def test_the_share_under_a_ranker_is_measured_with_a_ranker_of_then(
    passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's own ranker has learned from the days that are measured on. A share counts with its ranker."""
    asked: list[set[str]] = []

    def judged(
        run: Run, candidate: ModelSet, *arguments: Any, **options: Any
    ) -> tuple[dict[str, Any], GateVerdict]:
        figures, _ = compare_models(run, candidate, *arguments, **options)
        return figures, GateVerdict(passes or "ranker" not in candidate.by_kind, "as the test says")

    monkeypatch.setattr(new_models, "compare_models", judged)

    def watched(models: ModelSet, *arguments: object, **options: object) -> tuple[RefusalPoint, ...]:
        asked.append(set(models.by_kind))
        refusal_curve(models, *arguments, **options)  # type: ignore[arg-type]
        return CURVE if "ranker" in models.by_kind else (RefusalPoint(0.0), RefusalPoint(1.0))

    monkeypatch.setattr(refusals, "refusal_curve", watched)
    run("als", "verdict", "ranker")
    assert asked == [{"als", "verdict"}, {"als", "verdict", "ranker"}]
    assert of("ranker").status == (Status.ACTIVE if passes else Status.REJECTED)
    assert of("verdict").refusal_share == (0.25 if passes else 1.0)
    assert (report_of("verdict").refusals == CURVE) is passes
    run("als", "verdict", "ranker")
    assert of("verdict").version == 2


def test_only_a_use_case_with_a_model_of_verdicts_has_something_to_choose() -> None:
    without = replace(MOVIES, models=("als",))
    assert read_run(without, NO_MODELS, 0, QUIET, NOW).earlier is None
    with_one = read_run(MOVIES, NO_MODELS, 0, QUIET, NOW)
    assert with_one.earlier is not None
    assert with_one.earlier.events.times.max() < with_one.cut
