"""Dislikes as training signal: examples, the threshold that asks for a new model, its batch."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from core.domain import REASONS, UseCase
from feedback.models import Dislike, NegativeTrainingExample

MAX_BATCH = 100


@dataclass(frozen=True, slots=True)
class Retraining:
    """The progress of the examples towards asking for a new model."""

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
    """The weight of a dislike with this reason as an example: 0.8 for a full no, less for a lighter one.

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


def get_untrained_negative_feedback_count(kind: str | None = None) -> int:
    """The number of examples that wait for a model, at most DISLIKE_CAP_PER_PERSON of any one person.

    With `kind` only those about items of that kind.
    """
    untrained = countable_examples().filter(used_in_training=False)
    return _count_capped(untrained if kind is None else untrained.filter(dislike__item__kind=kind))


def count_waiting_examples(use_case: UseCase, *, after: datetime | None, until: datetime) -> int:
    """The number of examples that wait for a model of one use case, with the same cap: after < time <= until.

    An example of another use case's list is left to the models of that one.
    """
    waiting = examples_for(use_case, until).filter(used_in_training=False)
    return _count_capped(waiting if after is None else waiting.filter(created_at__gt=after))


def examples_for(use_case: UseCase, until: datetime) -> QuerySet[NegativeTrainingExample]:
    """The examples that people's dislikes made up to `until` and that may teach this use case.

    Those that came from its lists, and those of items of its kind that came from no list.
    """
    return countable_examples().filter(
        created_at__lte=until,
        dislike__item__kind=use_case.kind,
        dislike__use_case__in=[use_case.name, ""],
    )


def _count_capped(examples: QuerySet[NegativeTrainingExample]) -> int:
    per_person = (
        examples.values("dislike__user_id").annotate(examples=Count("pk")).values_list("examples", flat=True)
    )
    return sum(min(count, settings.DISLIKE_CAP_PER_PERSON) for count in per_person)


def should_retrain_from_feedback(kind: str | None = None) -> Retraining:
    """True where enough people have said no since the last model, of items of `kind` or of any."""
    untrained = get_untrained_negative_feedback_count(kind)
    threshold = settings.DISLIKE_RETRAIN_THRESHOLD
    return Retraining(untrained=untrained, threshold=threshold, due=untrained >= threshold)


def untrained_examples(among: Collection[int]) -> list[int]:
    """The examples of `among` that still count and that no model has used, locked until the transaction ends.

    Needs a transaction, in which nobody can erase them before they are noted.
    """
    rows = countable_examples().filter(used_in_training=False).select_for_update(of=("self",))
    wanted = set(among)
    return [
        example_id for example_id in rows.order_by("pk").values_list("pk", flat=True) if example_id in wanted
    ]


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
