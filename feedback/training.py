"""Dislikes as training signal: examples, the threshold that asks for a new model, its batch."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from feedback.models import Dislike, NegativeTrainingExample
from feedback.reasons import REASONS

MAX_BATCH = 100


@dataclass(frozen=True, slots=True)
class Retraining:
    """How far the examples are from asking for a new model."""

    untrained: int
    threshold: int
    due: bool


@dataclass(frozen=True, slots=True)
class NegativeExample:
    """One example for a trainer."""

    example_id: int
    user_id: int
    item_id: int
    predicted: float | None
    weight: float
    created_at: datetime


def calculate_dislike_weight(reason: str) -> float:
    """What a dislike with this reason weighs as an example: 0.8 for a full no, less for a lighter one.

    Raises KeyError for a reason that does not exist.
    """
    return float(settings.DISLIKE_EXAMPLE_WEIGHT) * REASONS[reason].weight


def apply_dislike_to_training_data(dislike: Dislike) -> NegativeTrainingExample | None:
    """Writes the example that a dislike makes: actual 0.0, error = predicted, its weight.

    None for a reason that says nothing about taste.
    """
    weight = calculate_dislike_weight(dislike.reason)
    if weight == 0.0:
        return None
    return NegativeTrainingExample.objects.create(
        dislike=dislike,
        predicted=dislike.predicted_score,
        error=dislike.predicted_score,
        weight=weight,
        created_at=dislike.created_at,
    )


def countable_examples() -> QuerySet[NegativeTrainingExample]:
    """The examples that may teach: not taken back, and not excluded by staff as abuse."""
    return NegativeTrainingExample.objects.filter(dislike__interaction__withdrawn_at=None).exclude(
        dislike__review_state=Dislike.ReviewState.EXCLUDED
    )


def get_untrained_negative_feedback_count() -> int:
    """How many examples wait for a model, counting at most DISLIKE_CAP_PER_PERSON of any one person."""
    per_person = (
        countable_examples()
        .filter(used_in_training=False)
        .values("dislike__user_id")
        .annotate(examples=Count("pk"))
        .values_list("examples", flat=True)
    )
    return sum(min(count, settings.DISLIKE_CAP_PER_PERSON) for count in per_person)


def should_retrain_from_feedback() -> Retraining:
    """Whether enough people have said no since the last model."""
    untrained, threshold = get_untrained_negative_feedback_count(), settings.DISLIKE_RETRAIN_THRESHOLD
    return Retraining(untrained=untrained, threshold=threshold, due=untrained >= threshold)


def get_negative_training_batch(limit: int = MAX_BATCH) -> list[NegativeExample]:
    """The oldest examples that no model has used, at most `limit` and never more than 100.

    As for the threshold, no person gives more than DISLIKE_CAP_PER_PERSON of them.
    """
    rows = (
        countable_examples()
        .filter(used_in_training=False)
        .annotate(
            place=Window(RowNumber(), partition_by=F("dislike__user_id"), order_by=[F("created_at"), F("pk")])
        )
        .filter(place__lte=settings.DISLIKE_CAP_PER_PERSON)
        .order_by("created_at", "pk")
        .values_list("pk", "dislike__user_id", "dislike__item_id", "predicted", "weight", "created_at")
    )
    return [NegativeExample(*row) for row in rows[: max(0, min(limit, MAX_BATCH))]]


def mark_negative_examples_as_used(example_ids: Iterable[int]) -> int:
    """Notes that a model has learned from these; returns how many were not noted before."""
    return NegativeTrainingExample.objects.filter(pk__in=list(example_ids), used_in_training=False).update(
        used_in_training=True
    )
