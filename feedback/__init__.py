"""The dislike system. Its documented functions are importable from here: `from feedback import save_dislike`.

They are looked up when they are asked for, because the models are not there yet when Django reads this file.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feedback.contract import (
        apply_dislike_to_training_data,
        apply_feature_adjustments,
        calculate_dislike_weight,
        calculate_feature_adjustment_from_dislike,
        get_dislike_pattern_analysis,
        get_feedback_improvement_metrics,
        get_model_feedback_metrics,
        get_negative_training_batch,
        get_untrained_negative_feedback_count,
        get_user_dislikes,
        mark_negative_examples_as_used,
        record_feedback_impact,
        save_dislike,
        should_retrain_from_feedback,
    )

__all__ = [
    "apply_dislike_to_training_data",
    "apply_feature_adjustments",
    "calculate_dislike_weight",
    "calculate_feature_adjustment_from_dislike",
    "get_dislike_pattern_analysis",
    "get_feedback_improvement_metrics",
    "get_model_feedback_metrics",
    "get_negative_training_batch",
    "get_untrained_negative_feedback_count",
    "get_user_dislikes",
    "mark_negative_examples_as_used",
    "record_feedback_impact",
    "save_dislike",
    "should_retrain_from_feedback",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("feedback.contract"), name)
