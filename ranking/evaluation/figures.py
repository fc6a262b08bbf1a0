"""Judgements and verdicts as JSON, for model versions and reports."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from ranking.evaluation.gate import GateVerdict, PairedDifference
from ranking.evaluation.results import ContenderEvaluation
from ranking.statistics.metrics import Interval
from ranking.statistics.off_policy import Estimate


def judgement_json(judgement: ContenderEvaluation, *, seed: int) -> dict[str, Any]:
    """One contender's figures with their intervals; null for what does not exist."""
    rng = np.random.default_rng(seed)
    return {
        "name": judgement.name,
        "k": judgement.k,
        "people": judgement.people,
        "figures": {name: interval_json(figure.interval(rng)) for name, figure in judgement.figures.items()},
        "coverage": interval_json(judgement.coverage),
        "calibration": _calibration_json(judgement),
        "engagement": None if judgement.engagement is None else _estimate_json(judgement.engagement),
        "dislikes": None if judgement.dislikes is None else _estimate_json(judgement.dislikes),
        "saw_it": judgement.saw_it,
    }


def verdict_json(verdict: GateVerdict) -> dict[str, Any]:
    """The gate's decision and what it rests on."""
    return {
        "passed": verdict.passed,
        "why": verdict.why,
        "differences": differences_json(verdict.differences),
    }


def differences_json(differences: Iterable[PairedDifference]) -> dict[str, Any]:
    """Paired differences by figure, each with the people it rests on."""
    return {one.figure: {"people": one.people, **interval_json(one.interval)} for one in differences}


def interval_json(interval: Interval) -> dict[str, float | None]:
    """An interval for JSON, which has no NaN: a figure that does not exist is null."""
    return {name: _number(value) for name, value in asdict(interval).items()}


def _calibration_json(judgement: ContenderEvaluation) -> dict[str, Any] | None:
    curve = judgement.calibration
    if curve is None:
        return None
    return {
        **interval_json(judgement.calibration_error),
        "predicted": curve.predicted.tolist(),
        "observed": curve.observed.tolist(),
        "counts": curve.counts.tolist(),
    }


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {
        **interval_json(estimate.value),
        "slots": estimate.slots,
        "people": estimate.people,
        "effective_slots": _number(estimate.effective_slots),
        "support": _number(estimate.support),
        "enough": estimate.enough,
        "verdict": estimate.verdict,
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
