"""Evaluation reports as JSON, for model versions and report.json; older forms are upgraded when read.

Version 3 is the dataclasses of `evaluation_report`, field by field; a figure that does not exist is left out
or null. Version 2 had no segments and no sources. Version 1 named no version: `retrain` and
`evaluate_models` wrote dictionaries of their own, and what the training commands write with a new version
(its figures by name, `ndcg@10` and the like) is read as a report too.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from math import isfinite, nan
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from ranking.evaluation_report import SCHEMA_VERSION, EvaluationReport

logger = structlog.stdlib.get_logger(__name__)

_ENDS = ("mean", "low", "high")
_WITHOUT_SEGMENTS = 2
# Names that training commands give to figures of lists made for people, and of lists that were shown.
_MADE = {
    "ndcg@10": "ndcg",
    "recall@10": "recall",
    "recall@100": "recall_100",
    "hr@10": "hit_rate",
    "disliked_share@10": "disliked_share",
    "coverage": "coverage",
}
_SHOWN = {"ndcg@10": "list_ndcg", "liked_over_disliked": "list_order"}


@cache
def _reports() -> TypeAdapter[EvaluationReport]:
    """Made when it is first used: it takes some milliseconds, and every process loads this module."""
    return TypeAdapter(EvaluationReport)


def to_json(report: EvaluationReport) -> dict[str, Any]:
    """The report as JSON of SCHEMA_VERSION; NaN becomes null."""
    written: dict[str, Any] = _nulls(_reports().dump_python(report, mode="json"))
    return written


def from_json(stored: Any) -> EvaluationReport | None:
    """The report of stored JSON of this or an older version; None where that is no report."""
    if not isinstance(stored, dict) or not stored:
        return None
    try:
        current = stored if stored.get("schema_version") == SCHEMA_VERSION else _upgrade(stored)
        return _reports().validate_python(_numbers(current))
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        logger.warning("a stored evaluation cannot be read", error=str(error))
        return None


def _upgrade(stored: Mapping[str, Any]) -> dict[str, Any]:
    if stored.get("schema_version") == _WITHOUT_SEGMENTS:
        return {**stored, "schema_version": SCHEMA_VERSION}
    if "schema_version" in stored:
        raise ValueError(f"schema version {stored['schema_version']!r} is not known")
    return _upgrade_evaluation(stored) if "judgements" in stored else _upgrade_training(stored)


def _upgrade_evaluation(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 of `evaluate_models`, or of `retrain` with fewer keys and the verdict beside them."""
    evaluations = stored["judgements"]
    # retrain compares its candidate with what is active, and wrote neither name with the differences.
    baseline = stored.get("against") or (evaluations[1]["name"] if len(evaluations) > 1 else "")
    results = [_upgrade_result(one, baseline) for one in evaluations]
    if results and stored.get("gate"):
        own, gate = results[0], stored["gate"]
        own["gate"] = gate
        own["differences"] = own["differences"] or _upgrade_differences(gate.get("differences"), baseline)
    kept = ("use_case", "made_at", "seed", "people", "people_found", "lists", "lists_found", "datasets")
    return {
        **{name: stored[name] for name in kept if name in stored},
        "start": stored.get("from"),
        "why_start": stored.get("why_from", ""),
        "folder": stored.get("report", ""),
        "results": results,
    }


def _upgrade_result(one: Mapping[str, Any], baseline: str) -> dict[str, Any]:
    calibration = one.get("calibration")
    estimates = {name: one[name] for name in ("engagement", "dislikes") if one.get(name)}
    single = {"coverage": one.get("coverage"), "calibration_error": calibration, **estimates}
    figures = {**one.get("figures", {}), **single}
    return {
        "name": one["name"],
        "people": one.get("people"),
        "figures": {name: _interval(found) for name, found in figures.items() if _is_known(found)},
        "differences": _upgrade_differences(one.get("differences"), baseline),
        "gate": one.get("gate"),
        "calibration": calibration,
        "log_support": estimates,
        "leaked": one.get("saw_it", False),
    }


def _upgrade_differences(differences: Mapping[str, Any] | None, baseline: str) -> list[dict[str, Any]]:
    return [
        _difference(figure, baseline, found.get("people", 0), found)
        for figure, found in (differences or {}).items()
        if _is_known(found)
    ]


def _upgrade_training(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of a training command: a dictionary for each contender, and differences `a_minus_b_ndcg@10`."""
    names = _SHOWN if "lists" in stored else _MADE
    people = stored.get("people")
    minus = {key: tuple(key.removesuffix("_ndcg@10").split("_minus_")) for key in stored if "_minus_" in key}
    results = [
        {
            "name": name,
            "people": people,
            "figures": {
                names[key]: _interval(value)
                for key, value in found.items()
                if key in names and _is_known(value)
            },
            "differences": [
                _difference(names["ndcg@10"], baseline, people or 0, stored[key])
                for key, (contender, baseline) in minus.items()
                if contender == name and _is_known(stored[key])
            ],
        }
        for name, found in stored.items()
        if isinstance(found, dict) and "ndcg@10" in found
    ]
    return {
        "results": results,
        "start": stored.get("from"),
        "people": people,
        "lists": stored.get("lists"),
        "why_empty": stored.get("why_not", ""),
    }


def _difference(figure: str, baseline: str, people: int | None, found: Any) -> dict[str, Any]:
    return {"figure": figure, "baseline": baseline, "people": people, "interval": _interval(found)}


def _is_known(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("mean") is not None
    return value is not None


def _interval(value: Any) -> dict[str, Any]:
    """An interval; of a bare number one without ends."""
    if isinstance(value, dict):
        return {end: value.get(end) for end in _ENDS}
    return {"mean": value, "low": None, "high": None}


def _numbers(value: Any) -> Any:
    """JSON with NaN for the null ends of intervals, which have no null."""
    if isinstance(value, dict):
        unknown: Iterable[str] = _ENDS if set(value) == set(_ENDS) else ()
        return {
            key: nan if key in unknown and found is None else _numbers(found) for key, found in value.items()
        }
    return [_numbers(found) for found in value] if isinstance(value, list) else value


def _nulls(value: Any) -> Any:
    """JSON with null for what is no finite number."""
    if isinstance(value, dict):
        return {key: _nulls(found) for key, found in value.items()}
    if isinstance(value, list):
        return [_nulls(found) for found in value]
    return None if isinstance(value, float) and not isfinite(value) else value
