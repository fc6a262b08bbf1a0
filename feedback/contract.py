"""The functions of the dislike system under the names and keywords of the documents that asked for it.

Plain values go in and come out: ids, texts, numbers, lists and dicts. They are importable from `feedback`;
inside Heed the services below are called directly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone

from catalog.models import Item
from catalog.selectors import find_item
from core.domain import CATEGORIES, DOMAIN, PEOPLE, REASONS, SERIES
from core.errors import NotFound
from feedback import services, training
from feedback.adjustments import FacetDelta
from feedback.adjustments import calculate_feature_adjustment_from_dislike as deltas_of
from feedback.answers import adjustments_json, dislike_json, example_json, pattern_json, patterns_json
from feedback.models import Dislike, FeatureAdjustment, NegativeTrainingExample
from feedback.patterns import patterns_of
from feedback.selectors import TREND_DAYS, active_dislikes, get_example_errors, get_held_back
from feedback.selectors import get_dislike_pattern_analysis as patterns_in
from feedback.selectors import get_feedback_improvement_metrics as improvement_over
from feedback.selectors import get_model_feedback_metrics as models_since
from feedback.training import (
    MAX_BATCH,
    calculate_dislike_weight,
    get_untrained_negative_feedback_count,
    mark_negative_examples_as_used,
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


def save_dislike(
    user_id: int,
    movie_id: int | None = None,
    movie_title: str = "",
    recommendation_set_id: int | str | None = None,
    predicted_score: float | None = None,
    reason: str | None = None,
    feedback_text: str = "",
) -> int:
    """Records a dislike with all that follows from it; returns its id, that of the one that stands already.

    Raises NotFound for an item that does not exist, and InvalidInput for a reason that does not exist.
    """
    item = _item(movie_id, movie_title)
    set_id = "" if recommendation_set_id is None else str(recommendation_set_id)
    saved = services.save_dislike(
        user_id=user_id,
        item=item,
        reason=reason,
        feedback_text=feedback_text,
        session_id=services.find_session(user_id=user_id, item_id=item.pk, set_id=set_id),
        client=services.ClientContext(set_id, predicted_score),
    )
    return saved.dislike.pk


def get_user_dislikes(user_id: int, limit: int = 50) -> list[dict[str, Any]]:
    """A person's dislikes that stand, newest first, as the history lists them."""
    return [dislike_json(dislike) for dislike in active_dislikes(user_id)[: max(0, limit)]]


def get_dislike_pattern_analysis(user_id: int) -> dict[str, Any]:
    """The reasons, the last 30 days, and what a person turns down most often."""
    identified = [pattern_json(one) for one in patterns_of(user_id=user_id)]
    return {**patterns_json(patterns_in(user_id=user_id)), "identified": identified}


def record_feedback_impact(dislike_id: int) -> dict[str, Any]:
    """The impact of a dislike as `dislike_feedback_impact` holds it. Raises NotFound.

    It is recorded together with the dislike, so a second call adds nothing.
    """
    dislike = Dislike.objects.filter(pk=dislike_id).first()
    if dislike is None:
        raise NotFound("There is no such dislike.")
    rows = FeatureAdjustment.objects.filter(dislike=dislike).select_related("facet").order_by("pk")
    deltas = [FacetDelta(row.facet_id, row.facet.kind, row.facet.name, row.delta) for row in rows]
    return adjustments_json(deltas, dislike.reason)


def get_model_feedback_metrics(days: int | None = None) -> dict[str, Any]:
    """The errors of all negative examples, and per model version what was disliked in the last `days`."""
    since = timezone.now() - timedelta(days=TREND_DAYS if days is None else days)
    return {**asdict(get_example_errors()), "models": [asdict(one) for one in models_since(since=since)]}


def apply_dislike_to_training_data(
    user_id: int,
    movie_id: int | None = None,
    movie_title: str = "",
    predicted_score: float | None = None,
) -> dict[str, Any] | None:
    """The negative training example of a person's dislike; None for a reason that says nothing about taste.

    It is made together with the dislike. Where none stands yet, one is recorded.
    """
    dislike_id = save_dislike(user_id, movie_id, movie_title, predicted_score=predicted_score)
    example = NegativeTrainingExample.objects.filter(dislike_id=dislike_id).select_related("dislike").first()
    return None if example is None else example_json(example)


def calculate_feature_adjustment_from_dislike(
    movie_metadata: Mapping[str, Any], reason: str | None = None
) -> dict[str, Any]:
    """By how much a dislike holds back `genres`, `cast`, `directors` and `franchise` of the item.

    Raises KeyError for a reason that does not exist.
    """
    reason = DOMAIN.dislikes.plain if reason is None else reason
    facets: dict[str, tuple[int, str, str]] = {}
    for field, kinds in (
        ("genres", CATEGORIES),
        ("cast", PEOPLE),
        ("directors", PEOPLE),
        ("franchise", SERIES),
    ):
        spoken = [kind for kind in kinds if kind in REASONS[reason].shares()]
        facets |= {name: (0, spoken[0], name) for name in _names(movie_metadata.get(field)) if spoken}
    return adjustments_json(deltas_of(reason, facets.values()), reason)


def get_negative_training_batch(limit: int = MAX_BATCH) -> list[dict[str, Any]]:
    """The oldest examples that no model has used, at most `limit` and never more than 100."""
    ids = [one.example_id for one in training.get_negative_training_batch(limit)]
    found = NegativeTrainingExample.objects.select_related("dislike").in_bulk(ids)
    return [example_json(found[example_id]) for example_id in ids]


def apply_feature_adjustments(
    user_id: int, feature_weights: Mapping[str, float] | None = None
) -> dict[str, float]:
    """The weights of features by name with what a person's dislikes leave of each; 1 where none is given.

    Lists do the same whenever they are made, so nothing is stored.
    """
    factors: dict[str, float] = {}
    for one in get_held_back(user_id=user_id):
        factors[one.name] = min(one.factor, factors.get(one.name, 1.0))
    weights = dict.fromkeys(factors, 1.0) if feature_weights is None else feature_weights
    return {name: weight * factors.get(name, 1.0) for name, weight in weights.items()}


def get_feedback_improvement_metrics(days: int = TREND_DAYS) -> dict[str, Any]:
    """The dislike rate and the prediction error of the last `days` against as many before."""
    return asdict(improvement_over(days=days))


def _item(movie_id: int | None, movie_title: str) -> Item:
    return find_item(item_id=movie_id, title=movie_title, id_field="movie_id", title_field="movie_title")


def _names(value: str | Sequence[str] | None) -> Iterable[str]:
    return [] if not value else [value] if isinstance(value, str) else value
